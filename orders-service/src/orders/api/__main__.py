"""``python -m orders.api``"""

from chassis.app import serve
from chassis.settings import load

from orders.api.main import create
from orders.settings import OrdersSettings

if __name__ == "__main__":
    settings = load(OrdersSettings)
    serve(create(settings), settings)
