"""What a budget is."""

from swap_user.otp.store.budgets import DAY, HOUR, YEAR, Budget


def test_periods_are_in_seconds():
    """As the windows of Redis are."""
    assert (HOUR, DAY, YEAR) == (3_600, 86_400, 31_536_000)


def test_an_event_costs_one():
    """Unless it is said how many are charged at a time."""
    assert Budget("key", 5, HOUR, "address").cost == 1
