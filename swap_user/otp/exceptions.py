"""The exceptions of one-time codes, with one base class."""


class OTPError(Exception):
    """Base class of the exceptions of one-time codes."""


class InvalidCode(OTPError):
    """The code that confirms an enrollment is wrong or used, or the enrollment has expired."""


class TooManyAuthenticators(OTPError, ValueError):
    """The user has the maximum number of authenticators. One must be removed first."""


class AnotherCodeNeeded(OTPError):
    """
    The code is right, but the policy requires another factor before the user is logged in.

    Attributes:
        missing: groups of factors ("sent", "authenticator", "recovery", "password"). The user must
            still show one factor of each group, in the same session.
    """

    def __init__(self, missing: tuple[frozenset[str], ...]) -> None:
        super().__init__("The code is right, but another factor is needed.")
        self.missing = missing


class LoginUnavailable(OTPError):
    """
    Redis or the database can't be reached, so no code can be checked.

    The pages answer with status 503 and ask the visitor to try again later.
    """


class EncryptionError(OTPError):
    """A stored secret can't be decrypted: it was altered, or copied from another row."""


class MissingKey(EncryptionError):
    """
    The key that a stored secret is encrypted with is not configured.

    Attributes:
        key_id: the id of the missing key, from the stored secret.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"No key with the id {key_id} is configured; add it to "
            'SWAP_USER["OTP_ENCRYPTION_KEYS"] again or, if keys are derived from SECRET_KEY, add '
            "the former SECRET_KEY to SECRET_KEY_FALLBACKS."
        )
        self.key_id = key_id
