"""The rule of the policy: who must enroll an authenticator app, and how much time they have."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured

from swap_user.conf import swap_user_settings
from swap_user.otp.policies import AnyCode, load_policy

# The longest grace period. A longer one is shortened, and reported by `manage.py check`.
LONGEST = timedelta(days=3650)

_AT_ONCE = timedelta(0)


def exists() -> bool:
    """Return whether the policy requires an app of any user. It makes no query."""
    return is_in(type(load_policy()))


def is_in(policy: type[AnyCode]) -> bool:
    """Return whether a policy of this class requires an app of any user. It makes no query."""
    return bool(
        swap_user_settings.OTP_STAFF_MUST_ENROLL
        or policy.must_enroll_groups
        or policy.must_enroll is not AnyCode.must_enroll
    )


def grace_of(user: Any) -> timedelta | None:
    """
    Return how much time a user has to enroll an app, or None if the user need not enroll one.

    Args:
        user: a user who is logged in.

    Raises:
        ImproperlyConfigured: ``must_enroll()`` of the policy returned something else than a bool or
            a timedelta.
    """
    policy = load_policy()
    answer: object = policy.must_enroll(user)
    if answer is None or answer is False:
        return None
    if answer is True:
        return _AT_ONCE
    if isinstance(answer, timedelta):
        return min(max(answer, _AT_ONCE), LONGEST)
    raise ImproperlyConfigured(
        f"{type(policy).__qualname__}.must_enroll() returned {answer!r}. It must return True, "
        "False or a timedelta."
    )


def problems(policy: type[AnyCode]) -> Iterator[tuple[str, str]]:
    """
    Yield what is wrong with the rule of a policy, and a hint for each problem.

    Args:
        policy: the class of the policy.
    """
    method: object = policy.must_enroll
    if not callable(method) or iscoroutinefunction(method):
        yield (
            "must_enroll is not a method that can be called without await.",
            "Write `def must_enroll(self, user)`, which returns True, False or a timedelta.",
        )
    groups: object = policy.must_enroll_groups
    if not isinstance(groups, Mapping):
        yield (
            f"must_enroll_groups is {groups!r}, which is not a dict.",
            'Write a dict such as `{"Finance": timedelta(days=14)}`.',
        )
        return
    for name, grace in groups.items():
        yield from _problems_of_group(name, grace)
    if groups and group_model() is None:
        yield (
            f"must_enroll_groups names groups, but {get_user_model()._meta.label} has none.",
            "Override must_enroll(self, user), and decide by other attributes of the user.",
        )


def _problems_of_group(name: object, grace: object) -> Iterator[tuple[str, str]]:
    if not isinstance(name, str) or not name:
        yield (
            f"must_enroll_groups contains {name!r}, which is not the name of a group.",
            "Write the name of a group, as in the admin.",
        )
    is_zero = type(grace) is int and grace == 0
    if not (is_zero or (isinstance(grace, timedelta) and _AT_ONCE <= grace <= LONGEST)):
        hint = (
            f"Write a timedelta of 0 to {LONGEST.days} days, such as `timedelta(days=14)`. "
            "`timedelta(0)` requires the app at once."
        )
        yield f"must_enroll_groups[{name!r}] is {grace!r}, which is not a grace period.", hint


def group_model() -> Any:
    """Return the model of the groups of users, or None if users have no groups with names."""
    try:
        field: Any = get_user_model()._meta.get_field("groups")
        related: Any = field.related_model if field.many_to_many else None
        related._meta.get_field("name")
    except (AttributeError, FieldDoesNotExist):
        return None
    return related
