"""What the shop sells. A price that a browser sends is never looked at: this is the only place where prices are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["PRODUCTS", "Product"]

PICTURES = Path(__file__).parent / "pictures"


@dataclass(frozen=True)
class Product:
    """``price`` is in paise."""

    id: str
    name: str
    description: str
    price: int

    @property
    def picture(self) -> str:
        """An SVG, to be put into the page as it is."""
        return (PICTURES / f"{self.id}.svg").read_text()


PRODUCTS = {
    product.id: product
    for product in (
        Product("umbrella", "Monsoon umbrella", "Eight ribs, a wooden handle, and a storm to test it on.", 124_900),
        Product("coffee", "Filter coffee set", "Brass tumbler and davara for two very small, very strong cups.", 89_900),
        Product("notebook", "Block-print notebook", "Hand-printed cover over 120 pages of unruled cotton paper.", 34_900),
        Product("planter", "Terracotta planter", "Thrown by hand, glazed inside; the money plant is included.", 49_900),
    )
}
