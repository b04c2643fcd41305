"""Processes are killed, stopped and frozen, Redis forgets: no payment is lost, and none is settled twice."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import redis
from gateway_e2e.client import Merchant
from gateway_e2e.waiting import wait_for

PAYMENTS = 200
WORKERS = [f"{kind}{copy}" for kind in ("payment-worker", "refund-worker", "webhook-worker") for copy in ("", "-2")]
RECOVERY_S = 60


def pay_many(shop: Merchant, count: int) -> list[str]:
    """As many orders with a payment each, from a few customers at a time; the payments' ids."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: shop.create_payment(shop.create_order()["id"])["id"], range(count)))


def wait_until_settled(shop: Merchant) -> None:
    wait_for("no payment to be pending", lambda: shop.get("/payments", status="pending")["total"] == 0, RECOVERY_S)


def terminal_events(cluster, payment_ids: list[str]) -> list[int]:
    rows = cluster.rows(
        "SELECT count(e.id) FROM unnest(%s::text[]) AS p(id) LEFT JOIN events AS e"
        " ON e.payment_id = p.id AND e.event IN ('payment.success', 'payment.failed') GROUP BY p.id",
        payment_ids,
    )
    return [count for (count,) in rows]


def during(disturb: Callable[[], None], work: Callable[[], list[str]]) -> list[str]:
    """What ``work`` gives, with ``disturb`` going on beside it; both are finished."""
    with ThreadPoolExecutor(1) as pool:
        disturbance = pool.submit(disturb)
        result = work()
        disturbance.result()
        return result


def test_redis_forgets_everything_again_and_again(cluster, shop):
    done = threading.Event()

    def flush() -> None:
        with redis.Redis.from_url(cluster.stack.redis.url) as server:
            while not done.wait(0.05):
                server.flushall()

    def pay_and_settle() -> list[str]:
        try:
            payments = pay_many(shop, PAYMENTS)
            wait_for(
                "some payments to be settled",
                lambda: shop.get("/payments", status="success")["total"] > PAYMENTS // 4,
                RECOVERY_S,
            )
            return payments
        finally:
            done.set()

    payments = during(flush, pay_and_settle)
    wait_until_settled(shop)
    assert terminal_events(cluster, payments) == [1] * PAYMENTS


def test_every_worker_process_is_killed_one_after_another(cluster, shop):
    def kill_all() -> None:
        for name in WORKERS:
            assert cluster.stack.kill(name)
            wait_for(f"{name} to run again", lambda name=name: cluster.stack.state(name).is_running, RECOVERY_S)

    payments = during(kill_all, lambda: pay_many(shop, PAYMENTS))
    wait_until_settled(shop)
    assert terminal_events(cluster, payments) == [1] * PAYMENTS


def test_without_redis_money_is_still_accepted_and_settled_later(cluster, shop):
    paid = shop.paid()
    cluster.stack.stop_process("redis")
    try:
        order = shop.create_order()
        payment = shop.create_payment(order["id"])
        refund = shop.post("/refunds", {"payment_id": paid["id"], "amount": 100})
        assert refund.status_code == 201
        assert shop.get_payment(payment["id"])["status"] == "pending"
        assert shop.get(f"/orders/{order['id']}")["status"] == "created"
        assert shop.get("/refunds")["total"] == 1
        health = httpx.get(f"{cluster.api}/health")
        assert health.status_code == 200
        assert health.json().items() >= {"status": "degraded", "redis": "disconnected", "database": "connected"}.items()
    finally:
        cluster.stack.start_process("redis")
    assert shop.settled(payment["id"], RECOVERY_S)["status"] == "success"
    wait_for("the refund", lambda: shop.get(f"/refunds/{refund.json()['id']}")["status"] == "processed", RECOVERY_S)


def assert_unavailable(cluster, shop: Merchant, order_id: str) -> None:
    """Whatever needs the database is answered 503 in the envelope, and nothing hangs for as long as a client waits."""
    requests = {
        "order": lambda http: http.post("/api/v1/orders", json={"amount": 500}, headers=shop.headers),
        "payment": lambda http: http.post(
            "/api/v1/payments", json={"order_id": order_id, "method": "upi", "vpa": "a@b"}, headers=shop.headers
        ),
        "list of refunds": lambda http: http.get("/api/v1/refunds", headers=shop.headers),
        "list of webhooks": lambda http: http.get("/api/v1/webhooks", headers=shop.headers),
        "account": lambda http: http.get("/api/v1/merchants/me", headers=shop.headers),
        "public order": lambda http: http.get(f"/api/v1/orders/{order_id}/public"),
        "refund": lambda http: http.post("/api/v1/refunds", json={"payment_id": "pay_0", "amount": 1}, headers=shop.headers),
    }
    with httpx.Client(base_url=cluster.api, timeout=20) as http, ThreadPoolExecutor(len(requests)) as pool:
        answers = dict(zip(requests, pool.map(lambda send: send(http), requests.values()), strict=True))
        for name, answer in answers.items():
            assert (name, answer.status_code) == (name, 503)
            assert answer.json()["error"]["code"] == "SERVER_ERROR"
            assert answer.headers["retry-after"]
        health = http.get("/health")
        assert health.status_code == 503
        assert health.json().items() >= {"status": "unhealthy", "database": "disconnected"}.items()


def test_postgresql_is_stopped(cluster, shop):
    order = shop.create_order()
    payment = shop.create_payment(order["id"])
    cluster.stack.stop_process("postgres")
    try:
        assert_unavailable(cluster, shop, order["id"])
    finally:
        cluster.stack.start_process("postgres")
    cluster.wait_until_whole()
    assert shop.settled(payment["id"], RECOVERY_S)["status"] == "success"
    assert shop.paid()["status"] == "success"


def test_postgresql_is_killed(cluster, shop):
    orders = [shop.create_order()["id"] for _ in range(60)]
    accepted: list[str] = []
    some_are_accepted = threading.Event()

    def kill() -> None:
        assert some_are_accepted.wait(30)
        cluster.stack.kill("postgres")

    def pay() -> list[str]:
        for order_id in orders:
            answer = shop.post("/payments", {"order_id": order_id, "method": "upi", "vpa": "a@b"})
            if answer.status_code == 201:
                accepted.append(answer.json()["id"])
            if len(accepted) == 20:
                some_are_accepted.set()
        return accepted

    payments = during(kill, pay)
    cluster.wait_until_whole()
    wait_until_settled(shop)
    assert len(payments) >= 20
    assert terminal_events(cluster, payments) == [1] * len(payments)


CRASHES = 6
CUSTOMERS_PER_COPY = 6
# What a copy answers when it has asked the database: a payment of an order that does not exist costs no order.
QUESTIONS = {
    "orders": ("/api/v1/orders", {"amount": 500}, 201),
    "payments": ("/api/v1/payments", {"order_id": "order_0000000000000000", "method": "upi", "vpa": "a@b"}, 404),
}


def test_every_copy_goes_on_after_each_crash_of_postgresql(cluster, shop):
    """A backend that is killed takes all of them with it, in the middle of what they do for customers of every copy."""
    copies = [(name, cluster.stack.ports.of_service(name, copy)) for name in QUESTIONS for copy in (0, 1)]
    answered = dict.fromkeys(copies, 0)
    done = threading.Event()

    def ask(copy: tuple[str, int]) -> None:
        path, body, expected = QUESTIONS[copy[0]]
        with httpx.Client(base_url=f"http://127.0.0.1:{copy[1]}", headers=shop.headers, timeout=20) as http:
            while not done.is_set():
                answer = http.post(path, json=body)
                assert answer.status_code in (expected, 503), answer.text
                answered[copy] += answer.status_code == expected

    def wait_for_answers() -> None:
        since, enough = dict(answered), CUSTOMERS_PER_COPY * 5
        wait_for("answers of every copy", lambda: all(answered[copy] > since[copy] + enough for copy in copies), RECOVERY_S)

    with ThreadPoolExecutor(len(copies) * CUSTOMERS_PER_COPY) as pool:
        customers = [pool.submit(ask, copy) for copy in copies for _ in range(CUSTOMERS_PER_COPY)]
        try:
            wait_for_answers()
            for _ in range(CRASHES):
                ((backend,),) = cluster.rows(
                    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                    " ORDER BY random() LIMIT 1"
                )
                os.kill(backend, signal.SIGKILL)
                wait_for_answers()
        finally:
            done.set()
        for customer in customers:
            customer.result()


def test_postgresql_is_frozen(cluster, shop):
    order = shop.create_order()
    payment = shop.create_payment(order["id"])
    cluster.stack.kill("postgres", signal.SIGSTOP)
    try:
        assert_unavailable(cluster, shop, order["id"])
    finally:
        cluster.stack.kill("postgres", signal.SIGCONT)
    cluster.wait_until_whole()
    assert shop.settled(payment["id"], RECOVERY_S)["status"] == "success"
    assert shop.paid()["status"] == "success"


def test_redis_is_frozen_and_thaws(cluster, shop):
    cluster.stack.kill("redis", signal.SIGSTOP)
    try:
        payment = shop.create_payment(shop.create_order()["id"])
        wait_for("degraded health", lambda: httpx.get(f"{cluster.api}/health").json()["status"] == "degraded")
    finally:
        cluster.stack.kill("redis", signal.SIGCONT)
    assert shop.settled(payment["id"], RECOVERY_S)["status"] == "success"


@pytest.mark.parametrize("name", ["payment-worker", "refund-worker", "webhook-worker"])
def test_a_frozen_worker_leaves_its_work_to_the_other(cluster, shop, receiver, name):
    shop.set_webhook_url(receiver.url)
    cluster.stack.kill(name, signal.SIGSTOP)
    try:
        payment = shop.paid()
        refund = shop.post("/refunds", {"payment_id": payment["id"], "amount": 100}).json()
        wait_for("the refund", lambda: shop.get(f"/refunds/{refund['id']}")["status"] == "processed", RECOVERY_S)
        receiver.wait_for_event(payment["id"], "refund.processed", RECOVERY_S)
    finally:
        cluster.stack.kill(name, signal.SIGCONT)
