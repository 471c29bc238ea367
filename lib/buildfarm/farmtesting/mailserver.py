"""A mail server for tests: it takes, refuses or ignores mail, in a thread of its own.

Beside the layers; for tests/functional/notifying.
"""

import asyncio
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.ports import free_port


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that was taken, and whether it came encrypted, and by a user."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    encrypted: bool
    authenticated: bool


class MailServer:
    """A server at `port` of 127.0.0.1; `mails` are those that it took.

    `answer`, if set, is what it says to each mail's content in place of taking it; `silent`: it
    says nothing to that for ever.
    """

    def __init__(self, test: FarmTestCase, **described: Any) -> None:
        """`described` are arguments of `aiosmtpd.controller.Controller`."""
        self.port = free_port()
        self.mails: list[Mail] = []
        self.answer = ""
        self.silent = False
        self._controller = _Controller(self, hostname="127.0.0.1", port=self.port, **described)
        self._controller.start()
        test.addCleanup(self._controller.stop)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        if self.silent:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        if self.answer:
            return self.answer
        content = envelope.content
        assert isinstance(content, bytes), "nobody asked for text"
        transport: Any = server.transport
        self.mails.append(
            Mail(
                str(envelope.mail_from),
                tuple(map(str, envelope.rcpt_tos)),
                content,
                session.ssl is not None or transport.get_extra_info("ssl_object") is not None,
                bool(session.authenticated),
            )
        )
        return "250 taken"


class _Controller(Controller):
    """As aiosmtpd's, but that it looks for itself by a plain connection."""

    def _trigger_server(self) -> None:
        if self.ssl_context is None:
            super()._trigger_server()  # type: ignore[no-untyped-call]
            return
        context = ssl._create_unverified_context()
        with suppress(OSError, smtplib.SMTPException):
            smtplib.SMTP_SSL(self.hostname, self.port, timeout=5, context=context).close()


def accepts(user: str, password: str) -> Any:
    """An authenticator that knows one user."""

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (
            user.encode(),
            password.encode(),
        )
        return AuthResult(success=good, handled=False)

    return authenticate
