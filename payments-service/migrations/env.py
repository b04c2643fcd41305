"""Alembic's environment of the payments context."""

from chassis.migrate import run_environment
from payments.models import Payment, PaymentTally, TestJob

run_environment([Payment, PaymentTally, TestJob])
