"""The steps of a sign-up, which are the same on the page and in the JSON API."""

import time
from typing import Any

from django.contrib.auth import login
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, QueryDict

from swap_user.otp.accounts import confirmation, new_user
from swap_user.otp.accounts.address_claim import SIGN_UP, AddressClaim
from swap_user.otp.pages.addresses.sign_up_form import SignUpForm
from swap_user.otp.throttling import requests as throttling
from swap_user.otp.visitors import code_request, entered, flow
from swap_user.otp.visitors.code_request import SIGN_UP_KEY, CodeRequest
from swap_user.otp.visitors.visitor import visitor


class NotCreated(Exception):
    """The form has errors. Its correction needs no other code."""


def claim_of(address: str) -> AddressClaim:
    """Return what the visitor says about an address."""
    return AddressClaim(SIGN_UP, address)


def values_of(form: SignUpForm, data: QueryDict) -> dict[str, list[str]]:
    """
    Return what the visitor has entered in the fields of a form.

    Args:
        form: a valid form.
        data: its data, which may have more.
    """
    # Widgets with several inputs add something to the name of their field.
    prefixes = tuple(f"{name}_" for name in form.fields)
    values = {
        name: data.getlist(name)
        for name in data
        if name in form.fields or name.startswith(prefixes)
    }
    return {**values, "username": [form.cleaned_data["username"]]}


def filled_in(session: SessionBase) -> QueryDict:
    """Return what the visitor has entered in the first step."""
    data = QueryDict(mutable=True)
    for name, values in entered.load(session, time.time()).items():
        data.setlist(name, values)
    return data


def may_try(request: HttpRequest, address: str) -> bool:
    """
    Return whether a request may create the account without another code.

    Args:
        request: the visitor's request.
        address: the confirmed address.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    # Each try says which values other users have, so it costs what a code costs.
    claim = claim_of(address)
    is_charged = throttling.charge(claim.key, visitor(request)) is not None
    return is_charged and confirmation.take(request, claim)


def create(request: HttpRequest, form: SignUpForm, asked: CodeRequest) -> Any:
    """
    Create the account.

    Args:
        request: the visitor's request.
        form: the form with what was entered.
        asked: the code request whose code was right.

    Returns:
        The user, or None if there was an account with the address.

    Raises:
        NotCreated: the form has errors, and the address stays confirmed.
        LoginUnavailable: Redis can't be reached.
    """
    session = request.session
    if form.is_valid() and form.cleaned_data["username"] == asked.username:
        try:
            user = new_user.create(form.create_user, form.model_field, asked.username)
        except (ValidationError, IntegrityError) as error:
            form.add_refusal(error, asked.username)
        else:
            entered.forget(session)
            return user
    if not asked.is_confirmed:
        code_request.confirm(session, asked.username, now=time.time(), key=SIGN_UP_KEY)
        flow.renew(request, flow.new_id())  # after each accepted step (R53)
    confirmation.keep(request, claim_of(asked.username))
    raise NotCreated


def log_in(request: HttpRequest, user: Any) -> None:
    """Log a new user in, who has just shown a code that was sent to the address."""
    flow.replace(request.session)
    new_user.note_code(request, user)
    login(request, user, backend=new_user.backend_path())
