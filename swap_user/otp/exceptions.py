"""What can go wrong, under one base class."""


class OTPError(Exception):
    """The base of everything that this package raises."""


class InvalidCode(OTPError):
    """The code is wrong, used or too old: which of these is only in the log."""


class AnotherCodeNeeded(OTPError):
    """
    The code was right, and the policy asks for one more before the user is let in.

    Args:
        missing: groups of kinds ("sent", "authenticator", "recovery", "password"); of each, one
            has still to be shown, in the same session.
    """

    def __init__(self, missing: tuple[frozenset[str], ...]) -> None:
        super().__init__("The code was right; another one is needed.")
        self.missing = missing


class LoginUnavailable(OTPError):
    """
    Redis can't be reached, so no code can be checked and nobody gets in.

    A page answers this with status 503 and words to come back in a moment.
    """


class EncryptionError(OTPError):
    """A stored secret can't be read: it was altered, or moved from another row."""


class MissingKey(EncryptionError):
    """
    The key that a stored secret was encrypted with is not configured.

    Args:
        key_id: the id of that key, as it stands in the stored secret.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"No key with the id {key_id} is configured; put it back into "
            f'SWAP_USER["OTP_ENCRYPTION_KEYS"] (or, where keys come from SECRET_KEY, the former '
            f"SECRET_KEY into SECRET_KEY_FALLBACKS)."
        )
        self.key_id = key_id
