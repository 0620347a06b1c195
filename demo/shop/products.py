"""What the shop sells. A real shop would store this in the database."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Product:
    """
    One product.

    Attributes:
        slug: its name in URLs, in the database and in the stylesheet.
        name: its name for customers.
        about: one sentence about it.
        price: its price in euros.
    """

    slug: str
    name: str | Promise
    about: str | Promise
    price: Decimal


PRODUCTS = {
    product.slug: product
    for product in [
        Product(
            "breakfast",
            _("Breakfast black"),
            _("Strong and malty, for milk and early trains."),
            Decimal("8.50"),
        ),
        Product(
            "sencha",
            _("First flush sencha"),
            _("Green, grassy and a little sweet."),
            Decimal("14.00"),
        ),
        Product(
            "oolong",
            _("Roasted oolong"),
            _("Warm and nutty, good for five cups."),
            Decimal("16.50"),
        ),
        Product(
            "rooibos",
            _("Orange rooibos"),
            _("Without caffeine, with peel of bitter orange."),
            Decimal("7.20"),
        ),
        Product(
            "mint",
            _("Garden mint"),
            _("Whole leaves, dried in the shade."),
            Decimal("6.40"),
        ),
        Product(
            "chamomile",
            _("Evening chamomile"),
            _("Flowers only, for the end of the day."),
            Decimal("6.90"),
        ),
    ]
}
"""All products by their slug, in the order of the shop front."""
