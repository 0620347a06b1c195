"""The tables, in Markdown, as they go into docs/topics/performance.md."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version

from benchmarks.contestants import CONTESTANTS
from benchmarks.measure import Times, ratio, spread

PACKAGES = [
    ("Django", "Django"),
    ("django-otp", "django-otp"),
    ("django-allauth", "django-allauth"),
    ("pyotp", "pyotp"),
    ("redis", "redis-py"),
    ("cryptography", "cryptography"),
    ("psycopg", "psycopg"),
]

# The bars that the project set itself, on PostgreSQL.
BARS = {"django-otp": 0.8, "allauth": 1.2}


def versions(servers: str) -> str:
    """Return one line that says what was measured on."""
    names = ", ".join(f"{label} {version(package)}" for package, label in PACKAGES)
    return f"Python {platform.python_version()}, {names}; {servers}."


def table(times: Times, *, right: bool) -> Iterator[str]:
    """Yield the lines of the table for right codes, or for wrong ones."""
    suffix = "" if right else "-wrong"
    kind = "accepted" if right else "wrong"
    yield f"| {kind} | median, µs | middle half, µs | × floor | × django-otp | × allauth |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for each in CONTESTANTS:
        taken = times.get(each.key)
        if each.right is not right or not taken:
            continue
        first, middle, third = (value / 1000 for value in spread(taken))
        cells = [each.label, f"{middle:,.0f}", f"{first:,.0f}-{third:,.0f}"]
        cells += [
            _ratio(taken, times[peer], each.key == peer)
            for peer in ("floor" + suffix, "django-otp" + suffix, "allauth" + suffix)
        ]
        yield "| " + " | ".join(cells) + " |"


def _ratio(taken: list[int], peer: list[int], itself: bool) -> str:
    if itself:
        return "1"
    if len(taken) != len(peer):  # the password: too slow for every round
        return f"{spread(taken)[1] / spread(peer)[1]:,.0f}"
    low, middle, high = ratio(taken, peer)
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"


def bars(times: Times) -> Iterator[str]:
    """Yield how an accepted code of ours stands to each bar."""
    for peer, bar in BARS.items():
        for ours in ("ours", "ours-verifier"):
            low, middle, high = ratio(times[ours], times[peer])
            verdict = "met" if middle <= bar else "MISSED"
            yield f"{ours} / {peer} = {middle:.2f} ({low:.2f}-{high:.2f}), bar {bar}: {verdict}"
