"""Payments: from the request to the bank and back.

Other contexts use what ``__all__`` names.
"""

from payments.contract import PaymentView, payment_json, read_payments
from payments.settings import AcquirerSettings

__all__ = ["AcquirerSettings", "PaymentView", "payment_json", "read_payments"]
