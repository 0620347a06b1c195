"""A sign-up form of a project, which asks for a name and for consent to its terms."""

from __future__ import annotations

from django import forms
from django.utils.html import format_html

from swap_user.otp.views import SignUpForm


class ShopForm(SignUpForm):
    """What a shop asks new customers for."""

    field_order = ["name", "username"]

    name = forms.CharField(label="Your name", max_length=40)
    country = forms.ChoiceField(choices=[("de", "Germany"), ("nl", "Netherlands")])
    orders = forms.ChoiceField(
        label="Orders come",
        choices=[("home", "to my home"), ("shop", "to the shop")],
        initial="home",
        widget=forms.RadioSelect,
    )
    terms = forms.BooleanField(
        label=format_html(
            'I accept the <a href="{}">terms of sale</a> and have read how the shop uses what it '
            "stores about me.",
            "/terms/",
        )
    )
    letters = forms.BooleanField(
        label="Send me the newsletter", required=False, help_text="About once a month."
    )
