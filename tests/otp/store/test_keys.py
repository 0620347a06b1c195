"""Names of keys, and what cookies and rows keep of them: they must not change."""

import pytest

from swap_user.otp.store import keys
from tests.support import make_user

KEPT = {
    "account": "a0ee43da00d34339aa38949fd5b8cc8e",  # in cookies of known browsers
    "browser": "0f699f5ff4d0b9648e22238a2c0f5e59",  # in their rows
    "address": "03f803f8b0f277d1522011eb0f12b5a9",  # in counts of messages
}


@pytest.mark.parametrize(("domain", "kept"), KEPT.items())
def test_hashes_are_those_of_earlier_versions(domain, kept):
    """With the SECRET_KEY of the tests. Another hash would forget all browsers."""
    assert keys.keyed_hash(domain, "user1@example.com") == kept


def test_the_same_text_has_another_hash_for_another_purpose(settings):
    """And with another SECRET_KEY."""
    found = {keys.keyed_hash(domain, "text") for domain in ("a", "b", "ab")}
    settings.SECRET_KEY = "another"
    found |= {keys.keyed_hash(domain, "text") for domain in ("a", "b", "ab")}
    assert len(found) == 6


def test_all_keys_of_an_account_have_its_hash_tag():
    """The cluster keeps them together."""
    assert keys.redis_key("abc", "open", "x") == ":1:swap_user:{abc}:open:x"


@pytest.mark.django_db
def test_users_without_a_name_differ():
    """Nobody can type the name of one."""
    users = [make_user(number) for number in (1, 2)]
    for user in users:
        setattr(user, user.USERNAME_FIELD, "")
    found = {keys.account_key_of(user) for user in users}
    assert len(found) == 2
    assert keys.account_key("") not in found
