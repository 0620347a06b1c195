"""
Enrollment: an authenticator app gets a secret, and the user confirms it with a code of the app.

The authenticator is saved when it is confirmed. Until then, a login does not accept its codes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyotp
import segno
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings
from swap_user.models import Authenticator
from swap_user.otp.authenticators.secrets import enrolled, open_secret, seal
from swap_user.otp.availability import DATABASE_ERRORS
from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.crypto import hotp
from swap_user.otp.exceptions import EncryptionError, InvalidCode, TooManyAuthenticators
from swap_user.otp.masked import Masked, MaskedHTML, mask
from swap_user.otp.site_name import site_name
from swap_user.otp.store import keys
from swap_user.otp.verification import labels, marks
from swap_user.otp.verification.candidates import candidates, choose
from swap_user.signals import authenticator_added
from swap_user.users import usernames
from swap_user.users.databases import atomic

# How long an enrollment can be confirmed, in seconds.
SECONDS = 600

# With more authenticators, more codes are right at a time: guessing is easier, checking slower.
MAX_PER_USER = 20

# Number of digits of a code of an authenticator app. Sent codes may be longer.
MIN_DIGITS, MAX_DIGITS = 6, 8

_NO_LOGIN = Pending(challenges=[], far=None, shown=frozenset())


@dataclass(frozen=True, slots=True)
class Enrollment:
    """
    An authenticator that is not confirmed yet.

    Attributes:
        authenticator: the unsaved row, with the encrypted secret.
        issuer: the name of the site in the app.
        expires_at: expiry of the enrollment, Unix time in seconds.
    """

    authenticator: Authenticator
    issuer: str
    expires_at: float

    @property
    def secret(self) -> str:
        """The secret in base32 without padding, for users who can't scan the QR code."""
        return open_secret(self.authenticator).rstrip("=")

    @property
    def provisioning_uri(self) -> str:
        """
        The URI in the QR code (Key URI format).

        The issuer is a prefix of the account name and also a parameter. It contains no colon,
        because a colon ends the prefix. A long issuer or account name is shortened, so that a phone
        can scan the QR code.
        """
        authenticator = self.authenticator
        options: dict[str, Any] = {
            "s": self.secret,
            "digits": authenticator.digits,
            "digest": hotp.ALGORITHMS[authenticator.algorithm],
        }
        app: pyotp.TOTP | pyotp.HOTP
        if authenticator.type == Authenticator.Type.HOTP:
            app = pyotp.HOTP(**options)
        else:
            app = pyotp.TOTP(**options, interval=authenticator.period)
        name = labels.shorten(usernames.stored(authenticator.user), labels.MAX_ACCOUNT)
        issuer = labels.shorten(self.issuer, labels.MAX_ISSUER)
        return Masked(app.provisioning_uri(name=name, issuer_name=issuer or None))

    def qr_svg(self) -> str:
        """Return the QR code as an SVG element, which is dark on light on every page."""
        # Error correction level L has the highest capacity, for long names. segno raises the level
        # if there is room.
        picture = segno.make(self.provisioning_uri, micro=False, error="l")
        # With a unit, segno adds a viewBox, so that a page can scale the picture.
        return MaskedHTML(
            picture.svg_inline(scale=5, border=4, dark="#000", light="#fff", unit="px")
        )

    @sensitive_variables("typed", "code")
    def confirm(self, typed: object, request: HttpRequest | None = None) -> Authenticator:
        """
        Check a code of the app and save the authenticator.

        The code is consumed (RFC 6238 section 5.2).

        Args:
            typed: the code as typed.
            request: the user's request, or None. With it, the session records that the user has
                shown a code of the app. Otherwise the OTP admin and pages that require a recent
                login may ask the user to log in again, if the policy requires the app.

        Returns:
            The saved authenticator.

        Raises:
            InvalidCode: the code is wrong or used, or the enrollment has expired.
            TooManyAuthenticators: the user has the maximum number of authenticators.
            LoginUnavailable: Redis can't be reached.
        """
        typed, now = mask(typed), time.time()
        code = hotp.normalize(typed)
        if code is None or now >= self.expires_at:
            raise InvalidCode("The code is wrong, or the enrollment has expired.")
        match = choose(code, candidates([self.authenticator], _NO_LOGIN, sent_digits=0, now=now))
        if match is None:
            raise InvalidCode("The code is wrong.")
        # Checked again, because others may have been added since the enrollment began.
        _refuse_too_many(self.authenticator.user)
        account_key = keys.account_key_of(self.authenticator.user)
        mark = marks.take(account_key, self.authenticator.pk.hex, match.counter)
        if mark is None:
            raise InvalidCode("The code is already used.")
        authenticator = self.authenticator
        authenticator.consumed, authenticator.last_used_at = match.counter, timezone.now()
        try:
            with atomic(Authenticator):
                authenticator.save(force_insert=True)
        except IntegrityError:
            raise InvalidCode("This enrollment is already confirmed.") from None
        except DATABASE_ERRORS:
            mark.give_back()  # so that the caller can try again
            raise
        authenticator_added.send(
            Authenticator, user=authenticator.user, authenticator=authenticator, request=request
        )
        return authenticator

    def pack(self) -> dict[str, Any]:
        """Return the enrollment as plain data for a session, with the encrypted secret."""
        authenticator = self.authenticator
        return {
            "id": str(authenticator.pk),
            "type": authenticator.type,
            "name": authenticator.name,
            "secret": authenticator.secret,
            "algorithm": authenticator.algorithm,
            "digits": authenticator.digits,
            "period": authenticator.period,
            "issuer": self.issuer,
            "expires_at": self.expires_at,
        }

    @classmethod
    def unpack(cls, user: Any, packed: object) -> Enrollment | None:
        """
        Return the enrollment of packed data, or None if it has expired or is of another user.

        Args:
            user: the owner of the enrollment. The secret can't be decrypted for another user.
            packed: the result of ``pack()``, as read from a session.
        """
        match packed:
            case {
                "id": str(pk),
                "issuer": str(issuer),
                "expires_at": int() | float() as expires_at,
                **fields,
            } if time.time() < expires_at:
                named: dict[str, Any] = {str(key): value for key, value in fields.items()}
                try:
                    authenticator = Authenticator(id=UUID(pk), user=user, **named)
                    open_secret(authenticator)
                except (EncryptionError, TypeError, ValueError):
                    return None
                return cls(authenticator, issuer, expires_at)
            case _:
                return None


def enroll(
    user: AbstractBaseUser,
    type: str = "totp",
    name: str = "",
    *,
    algorithm: str = "SHA1",
    digits: int = 6,
    period: int | None = None,
    issuer: str | None = None,
) -> Enrollment:
    """
    Start the enrollment of an authenticator.

    Args:
        user: the owner of the authenticator.
        type: "totp" (time-based) or "hotp" (counter-based).
        name: the name that the user gives to the authenticator.
        algorithm: "SHA1" (supported by all apps), "SHA256" or "SHA512".
        digits: number of digits of a code, 6 to 8.
        period: length of a time step in seconds, 1 to 120. The default is ``OTP_PERIOD``.
        issuer: name of the site in the app. The default is ``OTP_ISSUER``, or the name of the
            current Site.

    Returns:
        The enrollment, with the secret and the QR code. Its ``confirm(code)`` completes it.

    Raises:
        ValueError: an argument is out of range.
        TooManyAuthenticators: the user has the maximum number of authenticators. This exception is
            a ValueError too.
    """
    _refuse_too_many(user)
    owner: Any = user
    authenticator = Authenticator(
        user=owner,
        type=type,
        name=" ".join(name.split()),
        algorithm=algorithm,
        digits=digits,
        period=swap_user_settings.OTP_PERIOD if period is None else period,
    )
    _validate(authenticator)
    seal(authenticator, hotp.generate_secret(algorithm))
    return Enrollment(
        authenticator=authenticator,
        issuer=(site_name("") if issuer is None else issuer).replace(":", " ").strip(),
        expires_at=time.time() + SECONDS,
    )


def _refuse_too_many(user: AbstractBaseUser) -> None:
    if enrolled(user).count() >= MAX_PER_USER:
        raise TooManyAuthenticators(
            f"A user can have at most {MAX_PER_USER} authenticators; remove one first."
        )


def _validate(authenticator: Authenticator) -> None:
    if authenticator.type not in (Authenticator.Type.TOTP, Authenticator.Type.HOTP):
        raise ValueError(f'type must be "totp" or "hotp", not {authenticator.type!r}.')
    if not MIN_DIGITS <= authenticator.digits <= MAX_DIGITS:
        raise ValueError(f"digits must be {MIN_DIGITS} to {MAX_DIGITS}.")
    if not 1 <= authenticator.period <= 120:
        raise ValueError("period must be 1 to 120 seconds.")
    try:
        authenticator.full_clean(exclude=["user", "secret"], validate_unique=False)
    except ValidationError as error:
        raise ValueError("; ".join(error.messages)) from None
