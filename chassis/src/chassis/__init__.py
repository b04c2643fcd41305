"""What every deployable is bolted onto: HTTP app, worker, settings, database, jobs.

The chassis knows nothing of orders or payments. It speaks of requests, rows, jobs and tenants, and any
service that keeps its truth in PostgreSQL could stand on it.
"""
