"""The HTTP way into the payments context."""
