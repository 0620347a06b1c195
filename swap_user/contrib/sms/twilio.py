"""SMS through Twilio: the resource Messages of the API of 2010-04-01."""

from typing import Any
from urllib.parse import quote, urlencode

from swap_user.contrib.sms.base import HTTPSMSSender


class TwilioSender(HTTPSMSSender):
    """
    Send codes by SMS through Twilio.

    A subclass of the project sets the attributes, for example from environment variables.
    """

    account_sid: str
    """The SID of the account, which begins with AC."""

    auth_token: str
    """The auth token of the account, or the secret of ``api_key``."""

    api_key = ""
    """The SID of an API key, which begins with SK, or "" for the auth token of the account."""

    from_number: str
    """The number or name that messages come from, or the SID of a messaging service (MG…)."""

    content_type = "application/x-www-form-urlencoded"

    @property
    def url(self) -> str:
        """See HTTPSMSSender."""
        account = quote(self.account_sid, safe="")
        return f"https://api.twilio.com/2010-04-01/Accounts/{account}/Messages.json"

    @property
    def credentials(self) -> tuple[str, str]:
        """See HTTPSMSSender."""
        return self.api_key or self.account_sid, self.auth_token

    def post_data(self, receiver: str, text: str) -> bytes:
        """See HTTPSMSSender."""
        is_service = self.from_number.startswith("MG") and len(self.from_number) == 34
        origin = "MessagingServiceSid" if is_service else "From"
        return urlencode({"To": receiver, origin: self.from_number, "Body": text}).encode()

    def error_code(self, answer: dict[str, Any]) -> str:
        """Return the number of the error, such as "21211"."""
        return str(answer.get("code", ""))
