"""What the payment worker runs: the published use cases of the queue ``refunds``."""

from __future__ import annotations

from refunds.repository import DUE as DUE_REFUNDS
from refunds.repository import claim_due as claim_due_refunds
from refunds.repository import release as release_refunds
from refunds.service import settle

__all__ = ["DUE_REFUNDS", "claim_due_refunds", "release_refunds", "settle"]
