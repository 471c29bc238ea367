"""Mail: composed so that no header can be smuggled in, and handed to a server.

Layer 4. Tests: tests/unit/notifying/test_mailing.py, tests/functional/notifying/test_mail.py.
"""

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from buildfarm.notifying.errors import DeliveryFailed, DeliveryRefused
from buildfarm.notifying.secretfiles import read_secret
from buildfarm.notifying.texts import subject, text
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.news import Delivery
from buildfarm.vocab.notificationsettings import MailSettings
from buildfarm.vocab.text import one_line

#: Lines longer than a mail may have are broken by this encoding.
_ENCODING = "quoted-printable"

#: SMTP's answers from here on are for good.
_PERMANENT = 500


def compose(
    delivery: Delivery, sender: str, recipient: str, web_url: str, now: datetime
) -> EmailMessage:
    """The mail; every try of a delivery has the same Message-ID, by which a repetition is known.

    `now` is naive UTC.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = one_line(subject(delivery), 200)
    message["Date"] = format_datetime(now.replace(tzinfo=UTC))
    message["Message-ID"] = f"<{delivery.key}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Buildd-Manager-Delivery"] = delivery.key
    message.set_content(text(delivery, web_url), cte=_ENCODING)
    return message


class Conversation:
    """One mail's conversation with the server, in a thread; `cut` ends it from another one."""

    def __init__(self, mail: MailSettings) -> None:
        self._mail = mail
        self._cut = False
        self._turn = threading.Lock()
        self._socket: socket.socket | None = None

    def send(self, message: EmailMessage, recipient: str) -> None:
        """Hand the mail to the server; blocks.

        Raises DeliveryRefused where it is refused for good, DeliveryFailed for whatever may pass.
        """
        try:
            with self._connected() as server:
                if self._mail.user:
                    assert self._mail.password_file is not None, "the settings were checked"
                    server.login(self._mail.user, read_secret(self._mail.password_file).decode())
                server.sendmail(self._mail.sender, [recipient], message.as_bytes())
        except smtplib.SMTPRecipientsRefused as error:
            code, told = next(iter(error.recipients.values()))
            raise _refusal(code, told) from error
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError, ValueError, Refused) as error:
            words = "it took too long" if self._cut else one_line(str(error)) or repr(error)
            raise DeliveryFailed(f"{self._mail.host} did not take the mail: {words}.") from error

    def cut(self) -> None:
        """End it: whoever blocks in `send` goes on with an error."""
        with self._turn:
            self._cut = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> smtplib.SMTP:
        mail = self._mail
        context = ssl.create_default_context()
        if mail.tls == "implicit":
            return _WatchedOverTLS(mail, context, self._watch)
        server = _Watched(mail, self._watch)
        if mail.tls == "starttls":
            try:
                server.starttls(context=context)
                assert server.sock is not None, "it is connected"
                self._watch(server.sock)
            except BaseException:
                server.close()
                raise
        return server

    def _watch(self, connection: socket.socket) -> None:
        """Have `cut` end this connection."""
        with self._turn:
            self._socket = connection
            if self._cut:
                raise TimeoutError("it took too long")


class _Watched(smtplib.SMTP):
    """A connection whose socket is known before the server has said its first word."""

    def __init__(self, mail: MailSettings, watch: Callable[[socket.socket], None]) -> None:
        self._watch = watch
        super().__init__(mail.host, mail.port, timeout=mail.deadline)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._watch(connection)
        return connection


class _WatchedOverTLS(smtplib.SMTP_SSL):
    """The same, encrypted from the beginning."""

    def __init__(
        self, mail: MailSettings, context: ssl.SSLContext, watch: Callable[[socket.socket], None]
    ) -> None:
        self._watch = watch
        super().__init__(mail.host, mail.port, timeout=mail.deadline, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._watch(connection)
        return connection


def _refusal(code: int, words: bytes | str) -> DeliveryFailed:
    told = words.decode(errors="replace") if isinstance(words, bytes) else words
    sentence = f"The mail server answers {code}: {one_line(told)}"
    return (DeliveryRefused if code >= _PERMANENT else DeliveryFailed)(sentence)
