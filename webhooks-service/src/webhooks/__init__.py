"""Webhooks: events, and their signed delivery to merchants.

Other contexts use what ``__all__`` names.
"""

from webhooks.events import NewEvent, record_events

__all__ = ["NewEvent", "record_events"]
