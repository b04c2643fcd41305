"""``python -m payments.api``"""

from chassis.app import serve
from chassis.settings import load

from payments.api.main import create
from payments.settings import PaymentsSettings

if __name__ == "__main__":
    settings = load(PaymentsSettings)
    serve(create(settings), settings)
