"""Alembic's environment of the orders context."""

from chassis.migrate import run_environment
from orders.models import Order

run_environment([Order])
