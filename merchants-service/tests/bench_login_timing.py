"""How long a refused sign-in takes, for e-mails with an account and without one: by hand, against a running service.

``python bench_login_timing.py http://127.0.0.1:8000 200``. Set LOGIN_FAILURES_PER_ADDRESS high enough for it. The two
lines should agree within what the same line varies from run to run; no test asserts it, because machines are noisy.
"""

from __future__ import annotations

import random
import secrets
import statistics
import sys
import time

import httpx


def refused_ms(client: httpx.Client, email: str) -> float:
    started = time.perf_counter()
    response = client.post("/api/v1/auth/login", json={"email": email, "password": "not the password"})
    taken_ms = (time.perf_counter() - started) * 1000
    if response.status_code != 401:
        sys.exit(f"{response.status_code}: {response.text}")
    return taken_ms


def new_email() -> str:
    return f"bench-{secrets.token_hex(8)}@shop.example"


def main(url: str, rounds: int) -> None:
    with httpx.Client(base_url=url, timeout=10) as client:
        known = [new_email() for _ in range(rounds)]
        for email in known:
            body = {"name": "Bench", "email": email, "password": "correct horse battery"}
            client.post("/api/v1/merchants", json=body).raise_for_status()
        client.cookies.clear()
        attempts = [("known", email) for email in known] + [("unknown", new_email()) for _ in known]
        random.shuffle(attempts)
        times: dict[str, list[float]] = {"known": [], "unknown": []}
        for kind, email in attempts:
            times[kind].append(refused_ms(client, email))
    for kind, taken in times.items():
        quartiles = ", ".join(f"{value:.1f}" for value in statistics.quantiles(taken, n=4))
        print(f"{kind:8} quartiles {quartiles} ms, mean {statistics.mean(taken):.1f} ms")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
