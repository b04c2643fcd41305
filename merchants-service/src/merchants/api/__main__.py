"""``python -m merchants.api``"""

from chassis.app import serve
from chassis.settings import load

from merchants.api.main import create
from merchants.settings import MerchantsSettings

if __name__ == "__main__":
    settings = load(MerchantsSettings)
    serve(create(settings), settings)
