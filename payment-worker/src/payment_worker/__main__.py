"""``python -m payment_worker payments`` or ``python -m payment_worker refunds``"""

import sys

from chassis.settings import load

from payment_worker.main import QUEUES, run_queue
from payment_worker.settings import PaymentWorkerSettings

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in QUEUES:
        sys.exit(f"usage: python -m payment_worker {'|'.join(QUEUES)}")
    run_queue(sys.argv[1], load(PaymentWorkerSettings))
