"""What may come in."""

from __future__ import annotations

from hypothesis import strategies as st

from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.store import keys
from tests.system.hostile_inputs.trials import KNOWN

SURROGATES = st.text(st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, categories=["Cs"]))
ODD = st.sampled_from(
    [
        "",
        "\x00",
        KNOWN + "\x00",
        "\x00" * 6,
        "\ud800",
        KNOWN + "\udfff",
        "x" * 1_000_000,
        "1" * 1_000_000,
        "1" * 64,
        "1" * 65,
        "\u202e" + KNOWN,
        "１２３４５６",
        "٠١٢٣٤٥",
        "⁶" * 6,
        "1 2 3 4 5 6",
        "12345\n6",
        "0" * 16,
        "OIL0-OIL0-OIL0-OIL0",
        "ß" * 16,
        "\ufdfa" * 60,
        "%s%n%x",
        "{{7*7}}",
        "{0.__class__}",
        "a@" + "b" * 63 + ".example",
        "@",
        "a@b@c",
        "+49" + "1" * 300,
        "tel:+49;ext=1",
        "-1",
        "1e999",
        "NaN",
    ]
)
DIGITS = st.from_regex(r"[0-9]{1,12}", fullmatch=True)
RECOVERY = st.text(recovery_codes.ALPHABET + "- oil", min_size=14, max_size=24)
TEXT = st.one_of(ODD, st.text(max_size=80), SURROGATES, DIGITS, RECOVERY)
ANYTHING = st.one_of(
    TEXT,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=40),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    st.just(object()),
    st.just(float),
)
NAMES = st.one_of(st.just(KNOWN), st.just(KNOWN), ANYTHING)
OTPS = st.one_of(DIGITS, st.from_regex(r"[0-9]{6}|[0-9]{10}", fullmatch=True), ANYTHING)

ACCOUNT = keys.account_key(KNOWN)
TIMES = st.one_of(
    st.integers(), st.floats(), st.text(max_size=10), st.none(), st.booleans(),
    st.sampled_from([10**30, -(10**30), 10**400, 1e308, "NaN", float("nan"), float("inf"), [], {}]),
)  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
LOGIN = st.one_of(
    TIMES,
    JSON,
    st.tuples(TIMES, st.one_of(st.text(max_size=8), TIMES)).map(list),
    st.tuples(st.integers(-1, 2**60), st.one_of(st.just("mark"), st.text(max_size=8))).map(list),
)
LOGINS = st.dictionaries(st.one_of(st.just("account"), st.text(max_size=8)), LOGIN, max_size=7)
NAME = st.one_of(st.just("id"), st.text(max_size=20), st.integers(), st.none(), SURROGATES)
ACCOUNTS = st.lists(st.one_of(st.just("account"), st.text(max_size=8), JSON), max_size=7)
COOKIES = st.one_of(
    JSON,
    st.tuples(NAME, ACCOUNTS).map(list),
    # As the alpha wrote them.
    st.tuples(NAME, LOGINS).map(list),
    st.just(["id", {"account": 10**400}]),
    st.just(["id", {"account": [10**400, "mark"]}]),
    st.tuples(NAME, st.fixed_dictionaries({"account": LOGIN})).map(list),
)

HEADER_VALUES = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=60),
    st.ip_addresses().map(str),
    st.lists(st.ip_addresses().map(str), max_size=4).map(",".join),
    st.sampled_from(
        ["", "unix:", ",", ",,,", "[::1", "[::1]:80", "]", "::1%eth0", "fe80::1%25", "1.2.3.4:5",
         "::ffff:1.2.3.4", "256.1.1.1", "0x7f", "1" * 999, "for=1.2.3.4", '"[::1]:1"', "%", "::%",
         "64:ff9b::1.2.3.4", "::", "0", "1.2.3.4%x", "2001:db8::/32"]
    ),
)  # fmt: skip
