"""The page on which users see where they are logged in, and end sessions (R52)."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from swap_user.models import LoginSession
from swap_user.otp.pages.methods.base import MethodsView
from swap_user.otp.pages.methods.names import SESSIONS
from swap_user.otp.sessions import engines, records
from swap_user.otp.sessions.app_store import is_app_key
from swap_user.otp.sessions.ending import end_session, sessions_of
from swap_user.otp.sessions.sessions import end_sessions
from swap_user.otp.visitors.user_agents import short_name


class SessionsView(MethodsView):
    """
    List the sessions of the user, and end one or all others.

    It needs no recent login, because it gives nothing to whoever does it, and must be quick for an
    owner who sees a session that is not theirs.
    """

    title = gettext_lazy("Where you are logged in")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session in the form, or all others."""
        if "others" in request.POST:
            end_sessions(self.user, keep=request)
            self.add_message(_("You are logged out everywhere else."))
        elif self.end_one(request.POST.get("session", "")):
            self.add_message(_("That session has ended."))
        return self.redirect_to_page(SESSIONS)

    def end_one(self, session_id: str) -> bool:
        """Return whether a session was ended. The current one ends by logging out."""
        try:
            row_id = uuid.UUID(session_id)
        except ValueError:
            return False
        return row_id != self.this_session() and end_session(self.user, row_id)

    def this_session(self) -> uuid.UUID | None:
        """Return the primary key of the record of this session."""
        note = records.read_note(self.request.session)
        return note.id if note else None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the sessions, the current one first."""
        records.follow(self.request)  # a session of before the upgrade has no record yet
        this = self.this_session()
        rows = sessions_of(self.user)  # with sessions in cookies, only those of apps
        sessions = [
            {
                "name": session_name(row) or _("A browser"),
                "row": row,
                "is_this": row.pk == this,
            }
            for row in sorted(rows, key=lambda row: row.pk != this)
        ]
        return super().get_context_data(
            **{
                "sessions": sessions,
                "can_list": engines.has_keys(),
                "has_others": any(not each["is_this"] for each in sessions),
                **kwargs,
            }
        )


def session_name(row: LoginSession) -> str:
    """Return the names of the browser and system of a session, or of its app, or "" if unknown."""
    name = short_name(row.user_agent)
    if is_app_key(row.session_key):
        return _("%(name)s (app)") % {"name": name} if name else _("An app")
    return name
