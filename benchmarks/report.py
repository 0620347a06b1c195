"""The tables in Markdown, for docs/topics/performance.md."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version

from benchmarks.contestants import CONTESTANTS
from benchmarks.measure import Times, ratio, spread
from benchmarks.telling import ROWS, Visit, one_time_tells

PACKAGES = [
    ("Django", "Django"),
    ("django-otp", "django-otp"),
    ("django-allauth", "django-allauth"),
    ("pyotp", "pyotp"),
    ("redis", "redis-py"),
    ("cryptography", "cryptography"),
    ("psycopg", "psycopg"),
]

# The bars of the project: the highest acceptable ratios of times, on PostgreSQL.
BARS = {
    ("ours", "django-otp"): 0.8,
    ("ours-verifier", "django-otp"): 0.8,
    ("ours", "allauth"): 1.2,
    ("ours-verifier", "allauth"): 1.2,
    ("limited-wrong", "ours"): 0.1,
}

# The highest acceptable probability to guess from one time whether an account exists. 0.5 is
# random guessing.
TELLING_BAR = 0.55


def versions(servers: str) -> str:
    """Return one line with the versions of Python, packages and servers."""
    names = ", ".join(f"{label} {version(package)}" for package, label in PACKAGES)
    return f"Python {platform.python_version()}, {names}; {servers}."


def table(times: Times, *, right: bool) -> Iterator[str]:
    """Yield the lines of the table for right or for wrong codes."""
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
    if len(taken) != len(peer):  # the password, which is too slow to run in all rounds
        return f"{spread(taken)[1] / spread(peer)[1]:,.0f}"
    low, middle, high = ratio(taken, peer)
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"


def bars(times: Times) -> Iterator[str]:
    """Yield a line for each bar: the measured ratio, and whether the bar is met."""
    for (ours, peer), bar in BARS.items():
        low, middle, high = ratio(times[ours], times[peer])
        yield f"{ours} / {peer} = {middle:.3g} ({low:.3g}-{high:.3g}), bar {bar}: " + (
            "met" if middle <= bar else "MISSED"
        )
    low, middle, high = ratio(times["trip-wrong"], times["ours"])
    yield f"(one trip to Redis alone / ours = {middle:.3g} ({low:.3g}-{high:.3g}))"


def telling(visits: list[Visit]) -> Iterator[str]:
    """Yield the table of what one time reveals, and lines that compare it with the bar."""
    yield "| known or unknown | pairs | known, median µs | unknown | one time tells | 95 % |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    lines = []
    for label, step, chosen, barred in ROWS:
        pairs = [pair for visit in visits if chosen(visit) for pair in [visit[step]]]
        known, unknown = zip(*pairs, strict=True)
        middle, low, high = one_time_tells(pairs)
        medians = [f"{spread(side)[1] / 1000:,.0f}" for side in (known, unknown)]
        cells = [label, len(pairs), *medians, f"{middle:.3f}", f"{low:.3f}-{high:.3f}"]
        yield "| " + " | ".join(map(str, cells)) + " |"
        if barred:
            verdict = "met" if middle < TELLING_BAR else "MISSED"
            lines.append(f"{label}: {middle:.3f}, bar {TELLING_BAR}: {verdict}")
    yield ""
    yield from lines
