"""Alembic's environment of the webhooks context."""

from chassis.migrate import run_environment
from webhooks.models import Event, WebhookAttempt, WebhookLog

run_environment([Event, WebhookLog, WebhookAttempt])
