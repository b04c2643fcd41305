"""Refunds: giving back, never more than was paid. Nothing stands above this context."""

__all__: list[str] = []
