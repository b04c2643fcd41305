"""Settings of the orders service."""

from __future__ import annotations

from chassis.settings import ServiceSettings

__all__ = ["OrdersSettings"]


class OrdersSettings(ServiceSettings):
    """Nothing of its own yet; the type keeps services from reading each other's settings."""
