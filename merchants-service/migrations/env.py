"""Alembic's environment of the merchants context."""

from chassis.migrate import run_environment
from merchants.models import IdempotencyKeyRow, LoginAttempt, Merchant, MerchantSession

run_environment([Merchant, IdempotencyKeyRow, MerchantSession, LoginAttempt])
