"""
Sessions for which SessionMiddleware sets no cookie.

The middleware reads the attribute ``accessed`` of a session, and leaves a response alone if there
is none. So it is taken from the session of an app. Otherwise the middleware could send the
key of the session in a cookie, or add "Vary: Cookie" to an answer that depends on no cookie.
"""

from functools import lru_cache
from typing import Any

from django.contrib.sessions.backends.base import SessionBase


def cookieless(session: SessionBase) -> SessionBase:
    """
    Return the same session, without the attribute that SessionMiddleware reads.

    Args:
        session: the session of an app, which becomes ``request.session``.
    """
    # No wrapper: Django checks and copies sessions of its own classes.
    session.__class__ = _class_of(type(session))
    return session


class _Cookieless:
    @property
    def accessed(self) -> bool:
        raise AttributeError("accessed")

    @accessed.setter
    def accessed(self, value: bool) -> None:
        """Ignore it: the methods of a session set it."""


@lru_cache(maxsize=8)
def _class_of(store: type[Any]) -> type[Any]:
    # It has the name of its base, because Django signs session data with a key that contains it.
    names = {"__module__": store.__module__, "__qualname__": store.__qualname__}
    return type("CookielessSession", (_Cookieless, store), names)
