"""What happens to Redis, to an account or to its sign-in methods."""

from __future__ import annotations

from swap_user.otp import end_sessions, enroll, generate_recovery_codes, remove_authenticator
from tests.statemachine.app import PERIOD, App
from tests.statemachine.model import Account, Browser
from tests.statemachine.world import World
from tests.support import username


class Events(World):
    """Each event changes the model too."""

    def _clear(self) -> None:
        """Clear the cache."""
        self.clock.clear()
        for account in self.accounts:
            account.forget_mails()
            for app in account.apps:
                app.far = None
        for browser in self.browsers:
            browser.tries.clear()

    def _restart(self, *, crashes: bool) -> None:
        """Restart Redis, which has written everything to disk."""
        if self.restarts < 2:  # each takes a while
            self.restarts += 1
            if crashes:
                self.server.kill()
            self.server.restart()

    def _switch_activity(self, whose: Account) -> None:
        """Deactivate a user, or activate the user again."""
        whose.is_active = not whose.is_active
        user = self._row(whose)
        user.is_active = whose.is_active
        user.save()

    def _rename(self, whose: Account, number: int) -> None:
        """Change the username, and with it the address that codes go to."""
        free = [each for each in self.names if each not in {one.number for one in self.accounts}]
        if not free or number % 2:
            free = [next(self.numbers)]
            self.names += free
        whose.number = free[number % len(free)]
        user = self._row(whose)
        setattr(user, user.USERNAME_FIELD, username(whose.number))
        user.save()
        whose.forget_mails()
        whose.has_secret = False
        for app in whose.apps:
            app.far = None
        for browser in self.browsers:
            browser.known.pop(whose, None)
            browser.tries.pop(whose, None)

    def _revoke_browsers(self, whose: Account, kept: Browser) -> None:
        """End all sessions of a user, but one."""
        request = self._request(kept)
        user = self._row(whose)
        if request is not None:
            request.user = user
        end_sessions(user, keep=request)
        for each in self.browsers:
            if each is not kept:
                each.known.pop(whose, None)

    def _remove_app(self, whose: Account) -> None:
        """Remove the app that was added first."""
        if whose.apps:
            user = self._row(whose)
            rows = user.otp_authenticators.exclude(type="sent").order_by("created_at")
            assert remove_authenticator(rows[0])
            del whose.apps[0]

    def _add_app(self, whose: Account, type: str) -> None:
        """Enroll an app. The code that confirms it is used by that."""
        enrollment = enroll(self._row(whose), type=type)
        step = int(self.clock.now // PERIOD)
        app = App(type, enrollment.secret, step if type == "totp" else 0)
        enrollment.confirm(app.shown(app.consumed))
        whose.apps.append(app)

    def _renew_recovery_codes(self, whose: Account) -> None:
        """Generate recovery codes, which replace those before."""
        whose.used += whose.unused
        whose.unused = generate_recovery_codes(self._row(whose))
