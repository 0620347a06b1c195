"""What a visitor says before the code confirms it: that an address is theirs."""

from base64 import b32encode
from dataclasses import dataclass

from django.utils.crypto import salted_hmac

from swap_user.otp.masked import Masked
from swap_user.otp.store import keys

CHANGE, SIGN_UP = "change", "sign-up"

DIGITS = 8
"""
The number of digits of the code.

There is no account whose wrong guesses could be counted. Five tries at each of five messages a day
guess one of 10^8 codes in a year with a probability of 0.01 %.
"""


@dataclass(frozen=True, slots=True)
class AddressClaim:
    """
    What a visitor says: that an address is theirs.

    Attributes:
        purpose: CHANGE or SIGN_UP.
        name: the address in its canonical form.
        owner: the primary key of the user who changes the address, as text. "" for a sign-up.
    """

    purpose: str
    name: str
    owner: str = ""

    @property
    def key(self) -> str:
        """The keyed hash that takes the place of an account key."""
        return keys.keyed_hash("confirmation", "\0".join((self.purpose, self.owner, self.name)))

    def secret(self, flow: str | None) -> str:
        """
        Return the secret of the codes of a flow, in base32.

        Args:
            flow: the flow that requested the code, or None.
        """
        digest = salted_hmac("swap_user.confirmation", f"{self.key}:{flow}", algorithm="sha256")
        return Masked(b32encode(digest.digest()).decode())
