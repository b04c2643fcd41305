"""Measures a platform of its own: throughput against PostgreSQL's floor, CPU per request, latency, memory, growth."""
