"""Webhooks while their worker goes and comes, and while another merchant's endpoint hangs."""

import threading

from gateway_e2e.receiver import Receiver
from gateway_e2e.waiting import wait_for

RECOVERY_S = 60
WORKERS = ("webhook-worker", "webhook-worker-2")


def test_a_worker_restarted_between_attempts_goes_on_counting(cluster, shop):
    answers = {1: 500, 2: 500}

    def answer(delivery) -> int:
        number = len([d for d in endpoint.received if d.id == delivery.id])
        return answers.get(number, 200)

    with Receiver() as endpoint:
        endpoint.answer = answer
        shop.set_webhook_url(endpoint.url)
        sent = shop.post("/webhooks/test").json()
        for number in (1, 2):
            wait_for(f"attempt {number}", lambda number=number: len(endpoint.received) >= number, RECOVERY_S)
            wait_for(
                f"attempt {number} to be recorded",
                lambda number=number: shop.get(f"/webhooks/{sent['id']}")["attempts"] >= number,
                RECOVERY_S,
            )
            for name in WORKERS:
                cluster.stack.restart(name)
        wait_for("the delivery", lambda: shop.get(f"/webhooks/{sent['id']}")["status"] == "success", RECOVERY_S)
        assert {delivery.id for delivery in endpoint.received} == {sent["id"]}
        log = shop.get(f"/webhooks/{sent['id']}")
        assert [attempt["attempt"] for attempt in log["attempts_log"]] == [1, 2, 3]
        assert len(endpoint.received) == 3


def test_an_endpoint_that_hangs_delays_nobody_else(cluster, shop, other_shop, receiver):
    released = threading.Event()

    def hang(_) -> int:
        released.wait(30)
        return 200

    with Receiver(hang) as hanging:
        shop.set_webhook_url(hanging.url)
        other_shop.set_webhook_url(receiver.url)
        try:
            for _ in range(30):
                shop.post("/webhooks/test").raise_for_status()
            wait_for("the hanging endpoint to be called", lambda: hanging.received, RECOVERY_S)
            sent = other_shop.post("/webhooks/test").json()
            wait_for("the other merchant's delivery", lambda: [d for d in receiver.received if d.id == sent["id"]], 5)
            # The healthy one was served while the other was still being waited for.
            assert shop.get("/webhooks", status="success")["total"] == 0
        finally:
            released.set()
        shop.set_webhook_url(None)
