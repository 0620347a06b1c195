"""Save the session in the view, where an outage can be handled, before SessionMiddleware does."""

import copy
from typing import Any, cast

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.http import HttpRequest

from swap_user.otp.availability import DATABASE_ERRORS, report_session_outage


class SavedSession:
    """
    Wraps a session that was saved in this request, and saves it again only if it has changed.

    This object replaces ``request.session``. SessionMiddleware always calls ``save()`` when it sets
    the cookie. So it sets the cookie as usual, but the session is not written a second time. All
    other attributes are those of the session.

    Args:
        session: the session, already saved.
    """

    def __init__(self, session: SessionBase) -> None:
        # __setattr__() sets attributes of the session, such as ``modified``, not of this object.
        vars(self).update(_session=session, _saved=_snapshot(session))

    def save(self, must_create: bool = False) -> None:
        """Save the session if it has changed since it was saved."""
        if must_create or _snapshot(self._session) != self._saved:
            self._session.save(must_create)

    def cycle_key(self) -> None:
        """Give the session a new key. ``renew_key()`` finds this method in the class."""
        self._session.cycle_key()

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_session"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._session, name, value)

    def __contains__(self, key: str) -> bool:
        return key in self._session

    def __getitem__(self, key: str) -> Any:
        return self._session[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._session[key] = value

    def __delitem__(self, key: str) -> None:
        del self._session[key]


def save_session(request: HttpRequest) -> bool:
    """
    Save the session of ``request``, if SessionMiddleware would save it.

    If SessionMiddleware saved it, an outage would result in a server error without a page.

    Returns:
        False if another request has deleted the session meanwhile. SessionMiddleware answers that
        with status 400.

    Raises:
        LoginUnavailable: the cache that holds the sessions can't be reached.
        DatabaseError: the database that holds them can't be reached.
    """
    session: Any = getattr(request, "session", None)
    if session is None or isinstance(session, SavedSession):
        return True
    if session.is_empty() or not (session.modified or settings.SESSION_SAVE_EVERY_REQUEST):
        return True
    try:
        # Django raises RuntimeError for a cache that does not store anything.
        with report_session_outage(OSError, RuntimeError):
            session.save()
    except UpdateError as error:
        if isinstance(error.__context__, DATABASE_ERRORS):
            raise error.__context__ from None
        return False
    request.session = cast("SessionBase", SavedSession(session))
    return True


def _snapshot(session: SessionBase) -> tuple[str | None, dict[str, Any]]:
    """Return the key and a copy of the data, which are what save() writes."""
    return session.session_key, copy.deepcopy(dict(session.items()))
