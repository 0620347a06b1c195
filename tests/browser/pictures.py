"""
The pictures in README.md and in the documentation. `sh scripts/pictures` makes them.

Each picture shows some states side by side, once light and once dark.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import translation

from swap_user.models import KnownBrowser, LoginSession
from swap_user.otp import generate_recovery_codes
from tests import ROOT
from tests.browser.conftest import NewPage
from tests.browser.every_state import ORIGIN, Shown, answers
from tests.otp.admin.staff import FIREFOX, browser_of, know
from tests.otp.pages.account.every_page import ADMIN, CHECK, OVERVIEW, OWN, SIGN_UP, Visit
from tests.support import configure, give

pytestmark = pytest.mark.django_db(transaction=True)

ALICE = "alice@example.com"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
)
SCALE = 2


@dataclass(frozen=True, slots=True)
class Part:
    """
    A part of a picture: one page.

    Attributes:
        open: opens the page.
        typed: what is typed into the field that has the focus.
        language: the language of the page.
    """

    open: Callable[[Visit], Any]
    typed: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Picture:
    """
    A picture: parts of one size, in CSS pixels.

    Attributes:
        parts: from left to right.
        size: width and height of each part.
        root: the pages of which site.
        window: width of the browser, whose middle is in the picture; 0: that of the part.
        is_framed: whether the parts are framed as telephones are.
    """

    parts: list[Part]
    size: tuple[int, int]
    root: str = OWN
    window: int = 0
    is_framed: bool = False


def asked(visit: Visit) -> Any:
    visit.post("login/", {"username": ALICE})
    return visit.get(CHECK)


def owner(visit: Visit) -> Visit:
    """Alice has an app, recovery codes, and two other browsers."""
    LoginSession.objects.exclude(user_agent=SAFARI).delete()
    visit.inside()
    if not KnownBrowser.objects.exists():
        give(visit.user, name="Work phone")
        generate_recovery_codes(visit.user)
        know(visit.user, "1", FIREFOX, "203.0.113.0/24")
        know(visit.user, "2", SAFARI, "198.51.100.0/24")
        browser_of(visit.user, SAFARI)
    LoginSession.objects.filter(user_agent=SAFARI).update(network="198.51.100.0/24")
    here = LoginSession.objects.exclude(user_agent=SAFARI)
    here.update(user_agent=FIREFOX, network="203.0.113.0/24")
    return visit


PICTURES = {
    "own-login": Picture(
        [Part(lambda visit: visit.get("login/"), ALICE), Part(asked, "493 021")], (540, 690)
    ),
    "login": Picture(
        [Part(lambda visit: visit.get("login/"), ALICE), Part(asked, "493 021")],
        (540, 600),
        root=ADMIN,
        window=900,  # the admin looks otherwise on phones
    ),
    "sign-in-methods": Picture([Part(lambda visit: owner(visit).get(OVERVIEW))], (800, 940)),
    "sessions": Picture([Part(lambda visit: owner(visit).get("sessions/"))], (800, 480)),
    "sign-up": Picture(
        [
            Part(lambda visit: visit.get(SIGN_UP), "new@example.com"),
            Part(
                lambda visit: visit.post(SIGN_UP, {"username": "new@example.com"}, follow=True),
                "493 021",
            ),
        ],
        (540, 690),
    ),
    "languages": Picture(
        [
            Part(asked, "493 021", "ja"),
            Part(lambda visit: owner(visit).get(OVERVIEW), language="ar"),
            Part(lambda visit: owner(visit).get("sessions/"), language="de"),
        ],
        (360, 660),
        is_framed=True,
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture(new_page: NewPage, settings: Any, stand_still: Any, name: str) -> None:
    """Write it."""
    picture = PICTURES[name]
    configure(settings, OTP_SIGN_UP=True, OTP_ISSUER="Example Books")
    shown = render(picture, settings, stand_still)
    for scheme in ("light", "dark"):
        width, height = picture.size
        page = new_page(
            color_scheme=scheme,
            viewport={"width": picture.window or width, "height": height},
            device_scale_factor=SCALE,
        )
        page.clock.install()
        clip = {"x": max(0, picture.window - width) / 2, "y": 0, "width": width, "height": height}
        pairs = zip(picture.parts, shown, strict=True)
        shots = [shoot(page, clip, part, each) for part, each in pairs]
        save(join(shots, picture, scheme), name if scheme == "light" else f"{name}-dark")


def render(picture: Picture, settings: Any, stand_still: Any) -> list[Shown]:
    """Return the pages of a picture."""
    shown = []
    with stand_still() as clock:
        user = get_user_model().objects.create(email=ALICE, is_staff=True, is_superuser=True)
        for part in picture.parts:
            clock.shift(60)
            settings.LANGUAGE_CODE = part.language
            with translation.override(part.language):
                response = part.open(Visit(user, clock, picture.root))
            shown.append(Shown(response.request["PATH_INFO"], response.content))
    return shown


def shoot(page: Any, clip: dict[str, float], part: Part, shown: Shown) -> Any:
    """Return a picture of a page, eight seconds after it was opened."""
    from PIL import Image

    page.unroute_all()
    page.route("**/*", answers(shown, with_scripts=True))
    page.goto(f"{ORIGIN}{shown.path}")
    page.wait_for_load_state()
    page.clock.run_for(8000)
    page.keyboard.type(part.typed)
    return Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")


def join(shots: list[Any], picture: Picture, scheme: str) -> Any:
    """Return pictures side by side; those of telephones with a frame and round corners."""
    from PIL import Image, ImageDraw

    if not picture.is_framed:
        joined = Image.new("RGB", (sum(each.width for each in shots), shots[0].height))
        for number, each in enumerate(shots):
            joined.paste(each, (number * each.width, 0))
        return joined
    gap, radius = 28 * SCALE, 28 * SCALE
    width, height = shots[0].size
    size = (len(shots) * (width + gap) + gap, height + 2 * gap)
    joined = Image.new("RGB", size, "#e3e8eb" if scheme == "light" else "#23282d")
    line = "#c4ccd2" if scheme == "light" else "#454d54"
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width - 1, height - 1), radius, fill=255)
    for number, each in enumerate(shots):
        left = gap + number * (width + gap)
        joined.paste(each, (left, gap), mask)
        box = (left - 2, gap - 2, left + width + 1, gap + height + 1)
        ImageDraw.Draw(joined).rounded_rectangle(box, radius + 2, outline=line, width=4)
    return joined


def save(picture: Any, name: str) -> None:
    """Write a PNG with a palette, so that it is small."""
    from PIL import Image

    folder = Path(os.environ.get("PICTURES") or ROOT / "docs/images")
    colors = picture.quantize(200, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    colors.save(folder / f"{name}.png", optimize=True)
    assert (folder / f"{name}.png").stat().st_size < 150_000
