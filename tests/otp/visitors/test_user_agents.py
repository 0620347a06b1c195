"""The short names of browsers and systems."""

import pytest

from swap_user.otp.visitors.user_agents import recognized_name, short_name

CHROME = (
    "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) {}Chrome/141.0.0.0 {}Safari/537.36{}"
)
SAFARI = "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) {} Safari/604.1"
FIREFOX = "Mozilla/5.0 ({}; rv:144.0) Gecko/20100101 Firefox/144.0"
WINDOWS = "Windows NT 10.0; Win64; x64"
MAC = "Macintosh; Intel Mac OS X 10_15_7"
IPHONE = "iPhone; CPU iPhone OS 18_0 like Mac OS X"
IPAD = "iPad; CPU OS 18_0 like Mac OS X"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX.format("X11; Linux x86_64"), "Firefox, Linux"),
        (CHROME.format("X11; CrOS x86_64 14541.0.0", "", "", ""), "Chrome, ChromeOS"),
        (CHROME.format(WINDOWS, "", "", " Edg/141.0.0.0"), "Edge, Windows"),
        (CHROME.format(MAC, "", "", " OPR/122.0.0.0"), "Opera, macOS"),
        (
            CHROME.format("Linux; Android 14", "SamsungBrowser/25.0 ", "Mobile ", ""),
            "Samsung Internet, Android",
        ),
        (SAFARI.format(IPHONE, "Version/18.0"), "Safari, iPhone"),
        (SAFARI.format(IPHONE, "FxiOS/144.0 Mobile/15E148"), "Firefox, iPhone"),
        (SAFARI.format(IPAD, "CriOS/141.0.0.0 Mobile/15E148"), "Chrome, iPad"),
        (SAFARI.format(MAC, "Version/18.0"), "Safari, macOS"),
        ("curl/8.0", "curl/8.0"),
        ("x" * 200, "x" * 60),
        ("", ""),
    ],
)
def test_short_names(user_agent, name):
    """The browser and the system, or the beginning of what was sent."""
    assert short_name(user_agent) == name


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX.format("X11; Linux x86_64"), "Firefox, Linux"),
        ("Call us: Firefox", "Firefox"),
        ("curl/8.0", ""),
        ("https://evil.example/", ""),
        ("", ""),
    ],
)
def test_recognized_names(user_agent, name):
    """Nothing that the visitor has written, but what it contains."""
    assert recognized_name(user_agent) == name
