"""Usernames of the user model of these settings, as they are typed."""

from __future__ import annotations

from tests.support import spellings
from tests.user_models import UserModel

KIND = UserModel.USERNAME_FIELD
VARIANTS = spellings()
BAD = {
    "email": ["alice", "@", "a@b c.com", "a\x00@b.com"],
    "phone": ["alice", "112", "0151 1"],
    "username": ["a\x00"],
}[KIND]


def is_inside(client) -> bool:
    return client.get("/admin/").status_code == 200
