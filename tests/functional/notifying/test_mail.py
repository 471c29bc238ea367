"""Mail, handed to a server."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import fixtures

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.certificates import make_certificate, server_context
from buildfarm.farmtesting.mailserver import MailServer, accepts
from buildfarm.flow.threads import Workers
from buildfarm.notifying.errors import DeliveryFailed, DeliveryRefused
from buildfarm.notifying.senders import Senders
from buildfarm.vocab.notificationsettings import MailSettings
from tests.unit.notifying.cases import delivery, notice, settings

ANN = "mail ann@farm.example"


class MailCase(FarmTestCase):
    timeout = 30.0

    def setUp(self) -> None:
        super().setUp()
        self.workers = Workers(self.reactor, 2, 10, "mail")
        self.addCleanup(self.workers.stop, 5.0)

    def senders(self, server: MailServer, **fields: Any) -> Senders:
        """What sends to this server."""
        described: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": server.port,
            "sender": "farm@farm.example",
            "deadline": 10.0,
            **fields,
        }
        return Senders(
            self.reactor,
            settings(MailSettings(**described)),
            mail=self.workers,
            files=self.workers,
            utc_now=utc_now,
        )

    def read(self, server: MailServer) -> EmailMessage:
        """The one mail that the server took."""
        [mail] = server.mails
        message = message_from_bytes(mail.content, policy=default)
        assert isinstance(message, EmailMessage)
        return message


class PlainTests(MailCase):
    async def test_taken(self) -> None:
        """A mail arrives as it was written."""
        server = MailServer(self)
        await self.senders(server).send(delivery(notice(reason="Ä\u2026"), receiver=ANN))
        [mail] = server.mails
        self.assertEqual(
            ("farm@farm.example", ("ann@farm.example",)), (mail.sender, mail.recipients)
        )
        message = self.read(server)
        self.assertEqual(
            "[buildd] failed to build: hello 1.0-1 amd64 in main/bookworm", message["Subject"]
        )
        self.assertIn("  Ä…\r\n  http://127.0.0.1:8085/builds/7", message.get_content())

    async def test_same_message_again(self) -> None:
        """A delivery that is sent twice has the same Message-ID."""
        server = MailServer(self)
        senders = self.senders(server)
        for _ in range(2):
            await senders.send(delivery(notice(), receiver=ANN))
        found = {message_from_bytes(mail.content)["Message-ID"] for mail in server.mails}
        self.assertEqual({"<news-0123abcd-3@farm.example>"}, found)

    async def test_refused(self) -> None:
        """What a server refuses for good is not sent again; what it cannot take now is."""
        server = MailServer(self)
        senders = self.senders(server)
        for answer, kind in (("550 unknown", DeliveryRefused), ("451 later", DeliveryFailed)):
            server.answer = answer
            error = await self.error_of(senders)
            self.assertIs(kind, type(error))
            self.assertIn(f"answers {answer[:3]}: {answer[4:]}", str(error))

    async def test_nobody_there(self) -> None:
        """A server that is not there may be later."""
        server = MailServer(self)
        error = await self.error_of(self.senders(server, port=1))
        self.assertIs(DeliveryFailed, type(error))
        self.assertIn("did not take the mail", str(error))

    async def test_hangs(self) -> None:
        """One that says nothing is left at the deadline, and the thread is free again."""
        server = MailServer(self)
        server.silent = True
        error = await self.error_of(self.senders(server, deadline=0.5))
        self.assertIn("within 0.5 s", str(error))
        await self.wait_until(lambda: self.workers.running == 0)

    async def test_not_configured_any_more(self) -> None:
        """Who was told by mail is not any more where there is no server."""
        server = MailServer(self)
        error = await self.error_of(self.senders(server, host=""))
        self.assertIs(DeliveryRefused, type(error))

    async def error_of(self, senders: Senders) -> Exception:
        """Why a mail was not taken."""
        try:
            await senders.send(delivery(notice(), receiver=ANN))
        except DeliveryFailed as error:
            return error
        self.fail("it was taken")
        raise AssertionError


class EncryptedTests(MailCase):
    def setUp(self) -> None:
        super().setUp()
        directory = self.make_directory()
        self.certificate, self.key = make_certificate(directory)
        self.context = server_context(self.certificate, self.key)
        self.password_file = directory / "password"
        self.password_file.write_text("hunter2\n")
        self.password_file.chmod(0o600)

    def trust(self) -> None:
        """Trust the server's certificate, as SSL_CERT_FILE says it to every program."""
        self.useFixture(fixtures.EnvironmentVariable("SSL_CERT_FILE", str(self.certificate)))

    async def test_starttls_and_password(self) -> None:
        """The password goes out encrypted only, to a server whose certificate is good."""
        self.trust()
        server = MailServer(
            self,
            tls_context=self.context,
            require_starttls=True,
            authenticator=accepts("farm", "hunter2"),
            auth_required=True,
        )
        senders = self.senders(
            server, tls="starttls", user="farm", password_file=self.password_file
        )
        await senders.send(delivery(notice(), receiver=ANN))
        [mail] = server.mails
        self.assertEqual((True, True), (mail.encrypted, mail.authenticated))

    async def test_implicit(self) -> None:
        """TLS from the first byte, to a host by its name."""
        self.trust()
        server = MailServer(self, ssl_context=self.context)
        senders = self.senders(server, tls="implicit", host="localhost")
        await senders.send(delivery(notice(), receiver=ANN))
        self.assertEqual([True], [mail.encrypted for mail in server.mails])

    async def test_untrusted(self) -> None:
        """A server that nobody vouches for gets neither the mail nor the password."""
        server = MailServer(self, tls_context=self.context, require_starttls=True)
        error = await self.refusal(self.senders(server, tls="starttls"))
        self.assertIn("CERTIFICATE_VERIFY_FAILED", error)
        self.assertEqual([], server.mails)

    async def test_server_without_tls(self) -> None:
        """Where TLS is asked for, nothing is sent without it."""
        server = MailServer(self)
        self.assertIn("STARTTLS", await self.refusal(self.senders(server, tls="starttls")))
        self.assertEqual([], server.mails)

    async def test_wrong_password(self) -> None:
        """A password that is refused is told without the password, and may be mended."""
        self.trust()
        server = MailServer(
            self,
            tls_context=self.context,
            authenticator=accepts("farm", "other"),
            auth_required=True,
        )
        senders = self.senders(
            server, tls="starttls", user="farm", password_file=self.password_file
        )
        error = await self.refusal(senders)
        self.assertIn("535", error)
        self.assertNotIn("hunter2", error)

    async def test_password_file(self) -> None:
        """A password that cannot be read is told by its file's name."""
        self.trust()
        server = MailServer(
            self, tls_context=self.context, authenticator=accepts("farm", "x"), auth_required=True
        )
        senders = self.senders(
            server, tls="starttls", user="farm", password_file=Path("/nowhere/password")
        )
        self.assertIn("/nowhere/password", await self.refusal(senders))

    async def refusal(self, senders: Senders) -> str:
        """Why a mail was not taken, this time."""
        try:
            await senders.send(delivery(notice(), receiver=ANN))
        except DeliveryRefused:
            self.fail("it is never sent again")
        except DeliveryFailed as error:
            return str(error)
        self.fail("it was taken")
        raise AssertionError
