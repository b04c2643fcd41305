"""Prometheus metrics that every process exposes. The proxy never routes ``/metrics``."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

__all__ = [
    "CONTENT_TYPE_LATEST",
    "HTTP_DURATION",
    "HTTP_REQUESTS",
    "JOBS_CLAIMED",
    "JOBS_DONE",
    "JOB_LATENESS",
    "LANE_BATCH",
    "LANE_WAITING",
    "generate_latest",
]

_FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

HTTP_REQUESTS = Counter("http_requests_total", "Answered requests", ["method", "route", "status"])
HTTP_DURATION = Histogram("http_request_duration_seconds", "Time to answer", ["route"], buckets=_FAST_SECONDS)
LANE_BATCH = Histogram("lane_batch_items", "Requests committed together", ["lane"], buckets=(1, 2, 4, 8, 16, 32, 64, 128))
LANE_WAITING = Gauge("lane_waiting_items", "Requests that a lane has not answered yet", ["lane"])
JOBS_CLAIMED = Counter("jobs_claimed_total", "Due jobs handed to the queue", ["queue"])
JOBS_DONE = Counter("jobs_done_total", "Jobs finished", ["queue", "outcome"])
JOB_LATENESS = Histogram("job_lateness_seconds", "How long after its due time a job was done", ["queue"], buckets=_FAST_SECONDS)
