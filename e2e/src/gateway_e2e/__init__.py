"""Drives a running platform from outside: an API client, a webhook receiver, a browser."""
