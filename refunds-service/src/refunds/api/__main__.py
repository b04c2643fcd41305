"""``python -m refunds.api``"""

from chassis.app import serve
from chassis.settings import load

from refunds.api.main import create
from refunds.settings import RefundsSettings

if __name__ == "__main__":
    settings = load(RefundsSettings)
    serve(create(settings), settings)
