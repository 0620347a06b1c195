"""A masked text: not in any repr, and a string in every other way."""

from __future__ import annotations

import copy
import json
import pickle
import pprint
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from django.template import Context, Template
from django.utils.html import format_html

from swap_user.otp import enroll, generate_recovery_codes
from swap_user.otp.authenticators.secrets import open_secret
from swap_user.otp.crypto import hotp
from swap_user.otp.masked import Masked, MaskedHTML, mask, reveal

pytestmark = pytest.mark.requirement("R54")

CODE = "483920"


@pytest.mark.parametrize(
    "made",
    [
        lambda text: text,
        str,
        lambda text: [text],
        lambda text: {"otp": text},
        lambda text: (text,),
        lambda text: {text},
        lambda text: QueryDict(mutable=True).setlist("otp", [text]) or text,
        lambda text: SimpleNamespace(otp=text),
        ValueError,
        lambda text: text.strip(),
        lambda text: text[:6],
        lambda text: text + "",
        lambda text: "" + text,
        lambda text: text.replace(" ", ""),
        lambda text: text.upper().lower().casefold(),
        lambda text: text.split(),
        lambda text: text.split("x"),
        lambda text: text.splitlines(),
        lambda text: text.translate({}),
        lambda text: text.zfill(3),
        lambda text: Masked("").join([text]),
        lambda text: text.removeprefix("x").removesuffix("x"),
        lambda text: Masked("%s") % text,
        lambda text: Masked("{}").format(text),
        lambda text: text * 1,
        copy.copy,
        copy.deepcopy,
        lambda text: pickle.loads(pickle.dumps(text)),
        lambda text: forms.CharField().clean(text),
        lambda text: Template("{{ text }}").nodelist[0].render(Context({"text": text})),
        lambda text: Context({"text": text}),
        hotp.normalize,
        mask,
        MaskedHTML,
    ],
)
def test_it_is_in_no_repr(made: Any) -> None:
    """Neither as itself nor in a container, nor in what is made of it."""
    value = made(Masked(CODE))
    assert CODE not in repr(value)
    assert CODE not in pprint.pformat(value)
    assert CODE not in f"{value!r}"


def test_it_is_a_string_all_the_same() -> None:
    """Equal, printed, formatted, encoded and stored as what it is."""
    text = Masked(CODE)
    assert text == CODE
    assert hash(text) == hash(CODE)
    assert {CODE: 1}[text] == 1
    assert f"{text}" == f"{text:>6}" == CODE
    assert json.loads(json.dumps({"otp": text})) == {"otp": CODE}
    assert text.encode() == CODE.encode()
    assert int(text) == int(CODE)
    assert type(reveal(text)) is str
    assert reveal(text) == CODE
    assert repr(reveal(text)) == repr(CODE)
    assert mask(5) == 5
    assert mask(None) is None


def test_templates_escape_it() -> None:
    """A typed text is not HTML, whatever a filter says; a picture is."""
    text = Masked("<b>&")
    for source in ("{{ text }}", "{{ text|safe }}"):
        assert Template(source).render(Context({"text": text})) == "&lt;b&gt;&amp;"
    assert format_html("{}", text) == "&lt;b&gt;&amp;"
    picture = MaskedHTML("<svg/>")
    for source in ("{{ text }}", "{{ text|safe }}"):
        assert Template(source).render(Context({"text": picture})) == "<svg/>"


@pytest.mark.django_db
def test_what_the_package_returns(user: Any) -> None:
    """Secrets, URIs, pictures, codes of apps and recovery codes."""
    enrollment = enroll(user, issuer="Shop")
    secret = reveal(enrollment.secret)
    shown = [
        enrollment,
        enrollment.secret,
        enrollment.provisioning_uri,
        enrollment.qr_svg(),
        open_secret(enrollment.authenticator),
        hotp.HOTP(enrollment.secret),
    ]
    assert secret not in repr(shown)
    assert "<svg" not in repr(shown)
    assert reveal(hotp.code_at(secret, 1)) not in repr(hotp.code_at(secret, 1))
    codes = generate_recovery_codes(user)
    assert not any(reveal(code) in repr(codes) for code in codes)
