"""Alembic's environment of the refunds context."""

from chassis.migrate import run_environment
from refunds.models import Refund, RefundBalance

run_environment([Refund, RefundBalance])
