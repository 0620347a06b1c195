"""A local SMTP server that keeps the mails it receives."""

from __future__ import annotations

import asyncio
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aiosmtpd.controller import Controller

from services.redis import free_port

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session


class SMTPServer:
    """An SMTP server in a thread of this process, on a free port; a context manager.

    Attributes:
        messages: the received mails, oldest first.
        seconds: how long the server takes to accept a mail.
    """

    def __init__(self, *, seconds: float = 0) -> None:
        self.messages: list[EmailMessage] = []
        self.seconds = seconds
        self.host = "127.0.0.1"
        self.port = free_port()
        self._controller = Controller(self, hostname=self.host, port=self.port)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail. aiosmtpd calls this method."""
        assert envelope.content is not None
        await asyncio.sleep(self.seconds)
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content
        self.messages.append(message_from_bytes(raw, policy=policy.default))
        return "250 kept"

    def wait_for(self, count: int, *, seconds: float = 10) -> list[EmailMessage]:
        """
        Wait until `count` mails have arrived, and return all mails.

        Raises:
            TimeoutError: they did not arrive in time.
        """
        deadline = time.monotonic() + seconds
        while len(self.messages) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.messages)} of {count} mails after {seconds} s")
            time.sleep(0.01)
        return self.messages

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._controller.stop()
