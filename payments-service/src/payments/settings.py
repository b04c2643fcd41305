"""Settings of the simulated bank and of the payments service."""

from __future__ import annotations

from chassis.settings import ServiceSettings
from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["AcquirerSettings", "PaymentsSettings"]


class AcquirerSettings(BaseSettings):
    """How the simulated bank behaves. Rates are shares of 1, delays milliseconds."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    upi_success_rate: float = Field(default=0.90, ge=0, le=1)
    card_success_rate: float = Field(default=0.95, ge=0, le=1)
    processing_delay_min: int = Field(default=5000, ge=0, le=3_600_000)
    processing_delay_max: int = Field(default=10_000, ge=0, le=3_600_000)
    # In test mode the bank takes exactly this long and always gives this answer.
    test_mode: bool = False
    test_payment_success: bool = True
    test_processing_delay: int = Field(default=1000, ge=0, le=3_600_000)

    @model_validator(mode="after")
    def _delays_are_ordered(self) -> AcquirerSettings:
        if self.processing_delay_min > self.processing_delay_max:
            raise ValueError("PROCESSING_DELAY_MIN must not be greater than PROCESSING_DELAY_MAX")
        return self


class PaymentsSettings(ServiceSettings, AcquirerSettings):
    """What the payments service takes."""

    # A customer who mistypes needs a handful of attempts; whoever tries out stolen cards needs hundreds.
    public_attempts_per_order: int = Field(default=30, ge=1, le=1000)
