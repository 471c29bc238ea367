"""One try of one delivery, by whatever way its receiver is reached.

Layer 4. Tests: tests/functional/notifying.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from buildfarm.flow.deadlines import with_deadline
from buildfarm.flow.threads import Workers
from buildfarm.notifying.errors import DeliveryFailed, DeliveryRefused
from buildfarm.notifying.mailing import Conversation, compose
from buildfarm.notifying.payloads import headers, payload, secret_of
from buildfarm.notifying.posting import Poster
from buildfarm.notifying.receivers import may_know_private, webhooks
from buildfarm.notifying.secretfiles import read_secret
from buildfarm.verdicts.news import as_told
from buildfarm.vocab.errors import Refused, Stopped
from buildfarm.vocab.news import Delivery, is_mail_address
from buildfarm.vocab.notificationsettings import WebhookSettings
from buildfarm.vocab.settings import Settings


class Senders:
    """Sends by mail, in threads of its own, and to webhooks, in the reactor."""

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        *,
        mail: Workers,
        files: Workers,
        utc_now: Callable[[], datetime],
    ) -> None:
        """`mail` are threads for mail alone: a server that hangs keeps nobody else waiting.

        `files` are those in which files are read.
        """
        self.settings = settings
        self._reactor = reactor
        self._mailing = mail
        self._files = files
        self._utc_now = utc_now
        self._poster = Poster(reactor)

    async def send(self, delivery: Delivery) -> None:
        """Return once the receiver has taken it.

        Raises DeliveryRefused where it never will, DeliveryFailed where it may later.
        """
        private = may_know_private(self.settings, delivery.receiver)
        told = tuple(as_told(one, private=private) for one in delivery.notices)
        delivery = replace(delivery, notices=told)
        kind, _, name = delivery.receiver.partition(" ")
        webhook = webhooks(self.settings).get(delivery.receiver)
        if webhook is not None:
            await self._post(webhook, delivery)
        elif kind == "mail" and is_mail_address(name) and self.settings.mail.host:
            await self._mail(name, delivery)
        else:
            raise DeliveryRefused(f"The configuration has no {delivery.receiver} any more.")

    async def _mail(self, recipient: str, delivery: Delivery) -> None:
        mail = self.settings.mail
        web_url = self.settings.web.public_url
        message = compose(delivery, mail.sender, recipient, web_url, self._utc_now())
        conversation = Conversation(mail)

        def too_late() -> Exception:
            return DeliveryFailed(f"{mail.host} did not take the mail within {mail.deadline:g} s.")

        sending = self._mailing.run(conversation.send, message, recipient)
        try:
            await with_deadline(self._reactor, mail.deadline, sending, too_late)
        finally:
            conversation.cut()

    async def _post(self, webhook: WebhookSettings, delivery: Delivery) -> None:
        body = payload(delivery, self.settings.web.public_url)
        try:
            content = await self._files.run(read_secret, webhook.secret_file)
            secret = secret_of(content, str(webhook.secret_file))
        except Stopped:
            raise
        except Refused as error:
            raise DeliveryFailed(str(error)) from error
        signed = headers(delivery.key, body, secret, self._utc_now())
        await self._poster.post(webhook.url, signed, body, webhook.deadline)
