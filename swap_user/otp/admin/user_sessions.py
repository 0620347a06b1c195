"""The pages on which staff see the sessions and known browsers of a user, and end them."""

import logging
import uuid
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import NoReverseMatch
from django.utils.translation import gettext as _

from swap_user.otp import audit
from swap_user.otp.admin import user_access
from swap_user.otp.pages.methods.base import MethodsView, log_in_again
from swap_user.otp.pages.methods.sessions import session_name
from swap_user.otp.sessions import engines, records
from swap_user.otp.sessions.ending import end_session, sessions_of
from swap_user.otp.sessions.sessions import end_sessions, is_fresh
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.user_agents import short_name

USER_SESSIONS, END_USER_SESSIONS = "user-sessions", "end-user-sessions"

PER_PAGE = 50


class UserView(MethodsView):
    """
    A page for staff about another user.

    To end something, staff must have logged in recently (R37). What they end is written to the log
    of the admin and to the security log.

    Args:
        admin_site: the site of the page.
    """

    admin_site: Any = None
    access: user_access.Access

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse users who are not staff with the permissions."""
        self.access = user_access.find(self.admin_site, request, kwargs["object_id"])
        return super().dispatch(request, *args, **kwargs)

    @property
    def user(self) -> Any:
        """The user whom the page is about."""
        return self.access.user

    @property
    def is_own(self) -> bool:
        """Whether staff see their own sessions."""
        return bool(self.user.pk == self.request.user.pk)

    def require_permission_to_end(self) -> HttpResponseRedirect | None:
        """
        Return a redirect to the login page, or None if the login is recent enough.

        Raises:
            PermissionDenied: staff may not change this user.
        """
        if not self.access.may_end:
            raise PermissionDenied
        return None if is_fresh(self.request) else log_in_again(self.request, self.login_url)

    def note(self, text: str) -> None:
        """Write to the log of the admin what was done with the user, and show it as a message."""
        self.access.model_admin.log_change(self.request, self.access.obj, text)
        self.add_message(text)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the user, the URLs, and whether the site can end all sessions."""
        object_id = self.kwargs["object_id"]
        can_list = engines.has_keys()
        return super().get_context_data(
            **{
                "access": self.access,
                "account": str(self.user),
                "account_url": self._change_url(),
                "is_own": self.is_own,
                "can_list": can_list,
                # Without keys of sessions, only a new security stamp ends them.
                "can_end_all": can_list or hasattr(self.user, "rotate_security_stamp"),
                "user_sessions_url": self.url_of(USER_SESSIONS, object_id),
                "end_url": self.url_of(END_USER_SESSIONS, object_id),
                **kwargs,
            }
        )

    def _change_url(self) -> str:
        """Return the URL of the user in the admin, or "" if a project has taken the page away."""
        opts = self.access.obj._meta
        name = f"{opts.app_label}_{opts.model_name}_change"
        with suppress(NoReverseMatch):
            return self.url_of(name, quote(self.access.obj.pk))
        return ""


class UserSessionsView(UserView):
    """List the sessions and known browsers of a user, and end one of them."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session, or forget the browser, that the form names."""
        if redirect := self.require_permission_to_end():
            return redirect
        if "session" in request.POST:
            is_done = self.access.sees_sessions and self.end_one(request.POST["session"])
        else:
            is_done = self.access.sees_browsers and self.forget_one(request.POST.get("browser", ""))
        if not is_done:
            text = _("Nothing was ended. It may have ended in the meantime.")
            messages.warning(request, text, fail_silently=True)
        return HttpResponseRedirect(request.get_full_path())

    def end_one(self, session_id: str) -> bool:
        """Return whether a session was ended. The one of this request ends by logging out."""
        try:
            row_id = uuid.UUID(session_id)
        except ValueError:
            return False
        row = records.rows().filter(user_id=self.user.pk, pk=row_id).first()
        if row is None or row_id == self.this_session() or not end_session(self.user, row_id):
            return False
        by, session = self.request.user.pk, row_id
        audit.record(
            logging.INFO, "session ended by staff", user=self.user.pk, by=by, session=session
        )
        self.note(_("Ended a session (%(browser)s).") % {"browser": _session_name(row)})
        return True

    def forget_one(self, pk: str) -> bool:
        """Return whether a known browser was forgotten."""
        # A longer number would not fit into the column.
        if not (pk.isascii() and pk.isdecimal() and len(pk) <= 18):
            return False
        row = known_browsers.of_user(self.user).filter(pk=int(pk)).first()
        if row is None or not row.delete()[0]:
            return False
        by = self.request.user.pk
        audit.record(logging.INFO, "browser forgotten by staff", user=self.user.pk, by=by)
        self.note(_("Forgot a known browser (%(browser)s).") % {"browser": _browser_name(row)})
        return True

    def this_session(self) -> uuid.UUID | None:
        """Return the primary key of the record of the session of this request."""
        note = records.read_note(self.request.session)
        return note.id if note else None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add one page of the sessions, and the known browsers, of which there are ten at most."""
        context = super().get_context_data(
            title=_("Sessions of %(user)s") % {"user": self.user}, **kwargs
        )
        listed = self.access.sees_sessions and context["can_list"]
        page = Paginator(sessions_of(self.user) if listed else [], PER_PAGE).get_page(
            self.request.GET.get("page")
        )
        this = self.this_session()
        browsers = known_browsers.of_user(self.user) if self.access.sees_browsers else []
        return {
            **context,
            "page": page,
            "sessions": [
                {"name": _session_name(row), "row": row, "is_this": row.pk == this} for row in page
            ],
            "browsers": [{"name": _browser_name(row), "row": row} for row in browsers],
        }


class EndUserSessionsView(UserView):
    """End all sessions of a user, and forget the known browsers, after a confirmation."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask for a recent login before the confirmation, so that its answer is not lost."""
        self.access = user_access.find(self.admin_site, request, kwargs["object_id"])
        if not self.access.sees_sessions:
            raise PermissionDenied
        return self.require_permission_to_end() or super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End all sessions. Staff who end their own stay logged in here."""
        end_sessions(self.user, keep=request if self.is_own else None)
        by = request.user.pk
        audit.record(logging.INFO, "sessions ended by staff", user=self.user.pk, by=by)
        self.note(_("Ended all sessions, and forgot all known browsers."))
        return HttpResponseRedirect(self.url_of(USER_SESSIONS, kwargs["object_id"]))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the title."""
        title = _("End all sessions of %(user)s?") % {"user": self.user}
        return super().get_context_data(title=title, **kwargs)


def _session_name(row: Any) -> str:
    """Return the name of a session. It may be any text."""
    return session_name(row) or _("Unknown browser")


def _browser_name(row: Any) -> str:
    """Return the name of a known browser. It may be any text."""
    return short_name(row.user_agent) or _("Unknown browser")
