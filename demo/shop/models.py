from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from demo.shop.products import PRODUCTS
from swap_user.to_email_otp.base_models import AbstractEmailOTPUser


class Customer(AbstractEmailOTPUser):
    """A user with an email address and a name. Staff are customers, too."""

    name = models.CharField(verbose_name=_("name"), max_length=80, blank=True)
    terms_accepted_at = models.DateTimeField(
        verbose_name=_("terms accepted at"), null=True, blank=True, editable=False
    )

    class Meta(AbstractEmailOTPUser.Meta):
        verbose_name = _("customer")
        verbose_name_plural = _("customers")

    def get_full_name(self) -> str:
        """Return the name, or the address of a user without a name."""
        return self.name or self.get_username()

    get_short_name = get_full_name


class Order(models.Model):
    """An order of one product, with the price at that time."""

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, verbose_name=_("customer")
    )
    product = models.SlugField(verbose_name=_("product"))
    price = models.DecimalField(verbose_name=_("price in euros"), max_digits=7, decimal_places=2)
    placed_at = models.DateTimeField(verbose_name=_("placed at"), default=timezone.now)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-placed_at"]

    def __str__(self) -> str:
        return str(self.product_name)

    @property
    def product_name(self) -> Any:
        """The name of the product for customers."""
        product = PRODUCTS.get(self.product)
        return product.name if product else self.product
