"""The pages of the shop. Login, sign-up and account are pages of the package."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from demo import ACCOUNT
from demo.shop.models import Order
from demo.shop.products import PRODUCTS, Product
from swap_user.otp import otp_required


def front(request: HttpRequest) -> HttpResponse:
    """Show all products, and what to try in this demo."""
    context = {"products": PRODUCTS.values(), "account": ACCOUNT}
    return render(request, "shop/front.html", context)


def terms(request: HttpRequest) -> HttpResponse:
    """Show the terms that new customers accept."""
    return render(request, "shop/terms.html")


# A minute, so that a short visit meets the step-up. A real shop would choose ten or more.
@otp_required(max_age=60)
def checkout(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a confirmation of the order, after a recent code."""
    return render(request, "shop/checkout.html", {"product": _product(slug)})


# The form may be open for a while. It would be lost if this view asked for a code before that.
@otp_required(max_age=600)
def place_order(request: HttpRequest, slug: str) -> HttpResponse:
    """Place the order."""
    product = _product(slug)
    if request.method != "POST":  # after a code, the browser comes back with a GET
        return redirect("checkout", slug)
    Order._default_manager.create(customer=request.user, product=product.slug, price=product.price)
    messages.success(request, _("Thank you! Your order is placed."))
    return redirect("orders")


@login_required
def orders(request: HttpRequest) -> HttpResponse:
    """Show the orders of the customer, the newest first."""
    found = Order._default_manager.filter(customer=request.user)
    return render(request, "shop/orders.html", {"orders": found})


def _product(slug: str) -> Product:
    try:
        return PRODUCTS[slug]
    except KeyError:
        raise Http404("There is no such product.") from None
