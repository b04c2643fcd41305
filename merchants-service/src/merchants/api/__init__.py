"""The HTTP way into the merchants context."""
