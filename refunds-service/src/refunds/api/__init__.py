"""The HTTP way into the refunds context."""
