"""Who the settings say is to be told, as the outbox knows them.

Layer 4. Tests: tests/unit/notifying/test_receivers.py.
"""

from collections.abc import Mapping

from buildfarm.vocab.news import NewsKind, Receiver, mail_receiver
from buildfarm.vocab.notificationsettings import MailSettings, WebhookSettings
from buildfarm.vocab.settings import Settings

#: Notices of one mail: it tells of the first hundred and counts the others.
_MOST_BY_MAIL = 10_000

#: Notices of one webhook delivery, all of which it tells.
_MOST_BY_WEBHOOK = 100

#: Seconds in which what happens together is told together, to a webhook.
_WEBHOOK_GATHERS = 1.0

#: What the requester of a build is told of.
_REQUESTERS = frozenset({NewsKind.BUILD_FAILED, NewsKind.UPLOAD_REFUSED})


def receivers(settings: Settings) -> tuple[Receiver, ...]:
    """Operators by mail, and webhooks."""
    mail = settings.mail
    by_mail = tuple(
        _by_mail(mail, address, _kinds(mail.events), private=mail.private)
        for address in dict.fromkeys(mail.recipients)
    )
    return (by_mail if mail.host else ()) + tuple(map(_webhook, settings.webhooks))


def requesters(settings: Settings) -> Receiver | None:
    """What the requester of a build is as a receiver; None where they are not told.

    The outbox asks for itself whether they may see the archive.
    """
    mail = settings.mail
    if not (mail.host and mail.requesters):
        return None
    return _by_mail(mail, "", _REQUESTERS, private=True)


def may_know_private(settings: Settings, receiver: str) -> bool:
    """Whether this receiver is told what private thing a failed builder was building."""
    return any(one.private for one in receivers(settings) if one.name == receiver)


def webhooks(settings: Settings) -> Mapping[str, WebhookSettings]:
    """Webhooks by the names of the receivers that they are."""
    return {webhook_receiver(one): one for one in settings.webhooks}


def webhook_receiver(webhook: WebhookSettings) -> str:
    """The name of a webhook as a receiver."""
    return f"webhook {webhook.name}"


def _by_mail(
    mail: MailSettings, address: str, kinds: frozenset[NewsKind], *, private: bool
) -> Receiver:
    return Receiver(
        mail_receiver(address),
        kinds,
        frozenset(),
        private,
        mail.gather,
        mail.interval,
        _MOST_BY_MAIL,
    )


def _webhook(webhook: WebhookSettings) -> Receiver:
    return Receiver(
        webhook_receiver(webhook),
        _kinds(webhook.events),
        frozenset(webhook.archives),
        webhook.private,
        _WEBHOOK_GATHERS,
        0.0,
        _MOST_BY_WEBHOOK,
    )


def _kinds(words: tuple[str, ...]) -> frozenset[NewsKind]:
    return frozenset(map(NewsKind, words))
