"""SMS through Vonage: the Messages API, version 1."""

import json
from typing import Any

from swap_user.contrib.sms.base import HTTPSMSSender


class VonageSender(HTTPSMSSender):
    """
    Send codes by SMS through Vonage.

    A subclass of the project sets the attributes, for example from environment variables.
    """

    api_key: str
    """The API key of the account."""

    api_secret: str
    """The API secret of the account."""

    from_number: str
    """The number, without a plus sign, or the name that messages come from."""

    url = "https://api.nexmo.com/v1/messages"

    @property
    def credentials(self) -> tuple[str, str]:
        """See HTTPSMSSender."""
        return self.api_key, self.api_secret

    def post_data(self, receiver: str, text: str) -> bytes:
        """See HTTPSMSSender. Vonage recognizes itself whether the text needs Unicode."""
        message = {
            "message_type": "text",
            "channel": "sms",
            "to": receiver.removeprefix("+"),
            "from": self.from_number,
            "text": text,
        }
        return json.dumps(message).encode()

    def error_code(self, answer: dict[str, Any]) -> str:
        """Return the name of the error: the end of the URL in the problem details (RFC 9457)."""
        return str(answer.get("type", "")).rstrip("/").replace("#", "/").rpartition("/")[2]
