"""The HTTP way into the webhooks context."""
