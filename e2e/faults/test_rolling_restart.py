"""Every copy of every service is replaced, one after another, while customers pay: nobody notices."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
from devstack.health import is_healthy
from devstack.ports import LOOPBACK, SERVICES
from gateway_e2e.waiting import wait_for

CUSTOMERS = 8
# Between two requests of a customer, so that the copies that start have a processor to start on. Together: some 250 a second.
PAUSE_S = 0.02
RECOVERY_S = 60


def customer(api: str, headers: dict[str, str], done: threading.Event) -> Counter[str]:
    """Uses every service in turn until told to stop; how its requests ended, by what they were."""
    outcomes: Counter[str] = Counter()
    with httpx.Client(base_url=api, timeout=30, headers=headers) as http:

        def send(method: str, path: str, **arguments) -> httpx.Response | None:
            try:
                answer = http.request(method, f"/api/v1{path}", **arguments)
            except httpx.HTTPError as error:
                outcomes[f"{method} {path}: {type(error).__name__}"] += 1
                return None
            outcomes[f"{method} {path} done" if answer.is_success else f"{method} {path}: {answer.status_code}"] += 1
            done.wait(PAUSE_S)
            return answer if answer.is_success else None

        while not done.is_set():
            order = send("POST", "/orders", json={"amount": 500})
            if order is not None:
                send("POST", "/payments", json={"order_id": order.json()["id"], "method": "upi", "vpa": "a@b"})
            for path in ("/merchants/me", "/refunds", "/webhooks", "/orders"):
                send("GET", path)
    return outcomes


def wait_for_copy(address: str) -> None:
    wait_for(f"{address} to be healthy", lambda: is_healthy(address), RECOVERY_S)


def replace_every_copy(cluster, each: Callable[[str], None]) -> None:
    for service in SERVICES:
        for copy in (0, 1):
            cluster.stack.restart(service if copy == 0 else f"{service}-{copy + 1}")
            each(f"http://{LOOPBACK}:{cluster.stack.ports.of_service(service, copy)}")


def test_a_rolling_restart_of_all_services_fails_no_request(cluster, shop):
    done = threading.Event()
    with ThreadPoolExecutor(CUSTOMERS) as pool:
        customers = [pool.submit(customer, cluster.api, shop.headers, done) for _ in range(CUSTOMERS)]
        try:
            replace_every_copy(cluster, wait_for_copy)
        finally:
            done.set()
        outcomes = sum((future.result() for future in customers), Counter[str]())
    done_with = {what: count for what, count in outcomes.items() if what.endswith(" done")}
    assert outcomes == done_with
    assert sum(done_with.values()) > 500
    for table in ("orders", "payments"):
        # Neither lost nor sent a second time to another copy.
        ((count,),) = cluster.rows(
            f"SELECT count(*) FROM {table} AS t JOIN merchants AS m ON m.id = t.merchant_id WHERE m.api_key = %s", shop.api_key
        )
        assert count == done_with[f"POST /{table} done"]
