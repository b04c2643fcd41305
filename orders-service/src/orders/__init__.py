"""Orders: what a merchant asks a customer to pay.

Other contexts use what ``__all__`` names.
"""

from orders.contract import PayableOrder, mark_orders_paid, payable_orders

__all__ = ["PayableOrder", "mark_orders_paid", "payable_orders"]
