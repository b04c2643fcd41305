"""Alembic's environment of the chassis' own table."""

from chassis.migrate import run_environment
from chassis.models import WorkerHeartbeat

run_environment([WorkerHeartbeat])
