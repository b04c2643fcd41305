"""Fills the files of `templates/`. Every value is escaped, except `Html`, which is markup of the shop's own."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from pathlib import Path
from string import Template

from e2e.shop.catalogue import Product
from e2e.shop.store import Delivery

__all__ = ["Html", "logs_page", "rupees", "shop_page"]

TEMPLATES = Path(__file__).parent / "templates"
TWO_DIGITS = 100


class Html(str):
    """Markup that may go into a page as it is."""

    __slots__ = ()


def shop_page(products: Iterable[Product], *, sdk_url: str, api_key: str) -> Html:
    """The shop. Orders are added by its script."""
    cards = [
        _fill("product.html", id=p.id, name=p.name, description=p.description, price=rupees(p.price), picture=Html(p.picture))
        for p in products
    ]
    return _fill("shop.html", products=Html("".join(cards)), sdk_url=sdk_url, api_key=api_key)


def logs_page(deliveries: Iterable[Delivery]) -> Html:
    """What arrived at the webhook address."""
    entries = [_delivery(delivery) for delivery in deliveries]
    return _fill("logs.html", deliveries=Html("".join(entries)) if entries else _fill("logs-empty.html"))


def _delivery(delivery: Delivery) -> Html:
    payload = delivery.payload
    return _fill(
        "delivery.html",
        number=delivery.number,
        event=delivery.event or "unread",
        webhook_id=delivery.webhook_id or "no id",
        received_at=delivery.received_at,
        received=delivery.received_at.replace("T", " ").replace("Z", " UTC"),
        verdict="rejected" if delivery.problem else "verified",
        remark=delivery.problem or (f"received {delivery.repeats + 1} times, handled once" if delivery.repeats else ""),
        payload=payload if isinstance(payload, str) else json.dumps(payload, indent=2, ensure_ascii=False),
    )


def _fill(template: str, /, **values: object) -> Html:
    texts = {key: value if isinstance(value, Html) else html.escape(str(value)) for key, value in values.items()}
    return Html(Template((TEMPLATES / template).read_text()).substitute(texts))


def rupees(paise: int) -> str:
    """₹1,24,900 or ₹349.50: after the last three digits India groups by two."""
    whole, rest = divmod(paise, TWO_DIGITS)
    head, groups = str(whole)[:-3], [str(whole)[-3:]]
    while head:
        head, group = head[:-2], head[-2:]
        groups.insert(0, group)
    return f"₹{','.join(groups)}" + (f".{rest:02}" if rest else "")
