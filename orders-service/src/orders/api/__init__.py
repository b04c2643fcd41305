"""The HTTP way into the orders context."""
