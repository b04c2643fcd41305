"""``python -m webhooks.api``"""

from chassis.app import serve
from chassis.settings import ServiceSettings, load

from webhooks.api.main import create

if __name__ == "__main__":
    settings = load(ServiceSettings)
    serve(create(settings), settings)
