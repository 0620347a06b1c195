"""Where codes arrive: in mail, or in a file."""

from __future__ import annotations

import re
import time
from typing import Protocol

from services.smtp import SMTPServer
from tests.e2e.browser import SECONDS
from tests.e2e.project import Project

CODE = r"\b\d{6}\b"


class Inbox(Protocol):
    """Where the codes arrive."""

    def wait_for(self, count: int) -> list[tuple[str, str]]:
        """Wait until ``count`` messages are there; return receiver and code, oldest first."""


class MailInbox:
    """Codes from the mail that an SMTP server got."""

    def __init__(self, smtp: SMTPServer) -> None:
        self.smtp = smtp

    def wait_for(self, count: int) -> list[tuple[str, str]]:
        """See Inbox.wait_for()."""
        deadline = time.monotonic() + SECONDS
        while True:
            # Those without a code tell the owner of something.
            sent = [
                (str(mail["To"]), code_in(text))
                for mail in self.smtp.messages
                if re.search(CODE, text := mail.get_body(("plain",)).get_content())
            ]
            if len(sent) >= count:
                return sent
            assert time.monotonic() < deadline, sent
            time.sleep(0.01)


class FileInbox:
    """Codes from the file that the project's own sender writes."""

    def __init__(self, project: Project) -> None:
        self.path = project.folder / "sent"
        (project.folder / "sender.py").write_text(
            SENDER.replace("        # implement your logic here.", self._logic)
        )

    @property
    def _logic(self) -> str:
        return (
            f"        with open({str(self.path)!r}, 'a') as sent:\n"
            "            sent.write(f'{receiver} {otp}\\n')"
        )

    def wait_for(self, count: int) -> list[tuple[str, str]]:
        """See Inbox.wait_for()."""
        deadline = time.monotonic() + SECONDS
        while True:
            lines = self.path.read_text().splitlines() if self.path.exists() else []
            if len(lines) >= count:
                return [(receiver, code) for receiver, code in map(str.split, lines)]
            assert time.monotonic() < deadline, lines
            time.sleep(0.01)


# sender.py as the steps print it.
SENDER = """\
from swap_user.otp.senders import AbstractOTPSender

class MyPhoneOTPSender(AbstractOTPSender):

    def send(self, receiver: str, otp: str, **kwargs):
        # implement your logic here.
        # For example, interaction with sms/push API.
        pass
"""


def code_in(text: str) -> str:
    """Return the one code in a message."""
    (code,) = re.findall(CODE, text)
    return code
