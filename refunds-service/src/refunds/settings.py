"""Settings of the refunds service."""

from __future__ import annotations

from chassis.settings import ServiceSettings
from pydantic import Field

__all__ = ["RefundsSettings"]


class RefundsSettings(ServiceSettings):
    """How long the simulated bank takes to give money back, in milliseconds; in test mode exactly so long."""

    refund_delay_min_ms: int = Field(default=3000, ge=0, le=3_600_000)
    refund_delay_max_ms: int = Field(default=5000, ge=0, le=3_600_000)
    test_mode: bool = False
    test_processing_delay: int = Field(default=1000, ge=0, le=3_600_000)
