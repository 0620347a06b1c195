"""
A new key for a session (R53). The session keeps its data.

``SessionBase.cycle_key()`` would write the new row and delete the old one at once. If the caller is
in a transaction that is rolled back, as with ATOMIC_REQUESTS, both would be undone, and
SessionMiddleware would answer with status 400. So here the session only loses its key. It gets a
new one when it is saved, which SessionMiddleware does after the view, and the old row is deleted
then. That also saves one write.
"""

from functools import lru_cache
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.db import router


class _RenewedSession(SessionBase):
    """
    Deletes the row with the former key as soon as the session has a row with a new key.

    If another request has deleted it before, that request has ended the session, or has renewed it
    at the same time. A session has only one successor, so this one is deleted.
    """

    _replaced_key: str | None = None

    def save(self, must_create: bool = False) -> None:
        super().save(must_create)
        if (key := self._take_replaced_key()) and not self._delete_once(key):
            super().delete(self.session_key)
            raise UpdateError("Another request has ended or renewed the session.")

    async def asave(self, must_create: bool = False) -> None:
        await super().asave(must_create)
        if key := self._take_replaced_key():
            is_deleted = await sync_to_async(self._delete_once)(key)
            if not is_deleted:
                await super().adelete(self.session_key)
                raise UpdateError("Another request has ended or renewed the session.")

    def delete(self, session_key: str | None = None) -> None:
        super().delete(session_key)
        # Without an argument, as flush() calls it, the session itself is deleted.
        if session_key is None and (key := self._take_replaced_key()):
            super().delete(key)

    async def adelete(self, session_key: str | None = None) -> None:
        await super().adelete(session_key)
        if session_key is None and (key := self._take_replaced_key()):
            await super().adelete(key)

    def _delete_once(self, key: str) -> bool:
        """Delete a session, and return whether it was there. With files, two calls may both do."""
        model, cache = getattr(self, "model", None), getattr(self, "_cache", None)
        if model is None and cache is None:
            was_there = self.exists(key)
            super().delete(key)
            return was_there
        deleted = 0
        if model is not None:
            rows = model._base_manager.using(router.db_for_write(model))
            deleted, _ = rows.filter(session_key=key).delete()
        if cache is not None:
            was_cached = cache.delete(cast("Any", self).cache_key_prefix + key)
            return bool(deleted if model is not None else was_cached)
        return bool(deleted)

    def _take_replaced_key(self) -> str | None:
        # Only once: create() calls save() in a loop, and save() calls create().
        key = self._replaced_key
        self._replaced_key = None
        return key


def renew_key(session: SessionBase) -> None:
    """
    Let the session get a new key when it is saved. The old key is not valid from then on.

    Nothing happens if the session is not stored yet.

    Args:
        session: the session of a request. Its class is replaced by a subclass.
    """
    # Reading loads the data. If no session is stored under the key, this also removes the key.
    session.get("")
    if type(session).cycle_key is not SessionBase.cycle_key:
        # Sessions in cookies: there is no row to delete, and the key is the signed data.
        session.cycle_key()
        return
    key = session.session_key
    if key is None:
        return
    if not isinstance(session, _RenewedSession):
        session.__class__ = _renewed(type(session))
    renewed = cast("Any", session)
    renewed._session_key = None
    renewed._replaced_key = key
    renewed.modified = True


@lru_cache(maxsize=8)
def _renewed(engine: type[SessionBase]) -> type[SessionBase]:
    """Return a subclass of a session engine for renewed sessions."""
    # It has the name of the engine, because Django signs session data with a key that contains it.
    named = {"__qualname__": engine.__qualname__, "__module__": engine.__module__}
    return type(engine.__name__, (_RenewedSession, engine), named)
