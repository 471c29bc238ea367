"""What is wrong with settings of mail and webhooks.

Layer 6; part of `assembly.settings`. Tests: tests/unit/assembly/test_settings.py.
"""

from collections.abc import Iterator, Sequence

from buildfarm.assembly.urls import is_public_url
from buildfarm.vocab.names import is_name
from buildfarm.vocab.news import is_mail_address
from buildfarm.vocab.notificationsettings import (
    EVERY_KIND,
    TLS_KINDS,
    MailSettings,
    WebhookSettings,
)

#: Webhooks that there may be: each has a place of its own on the way out.
MAX_WEBHOOKS = 100

#: Mail to these hosts never leaves the machine.
_OUR_OWN = ("localhost", "127.0.0.1", "::1")


def mail_faults(mail: MailSettings) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) of `[mail]`."""
    if mail.tls not in TLS_KINDS:
        yield "mail.tls", f"{mail.tls!r} is none of {', '.join(TLS_KINDS)}"
    yield from _kind_faults("mail", mail.events)
    if mail.host and not is_mail_address(mail.sender):
        yield "mail.sender", f"{mail.sender!r} is no mail address, and mail has to have one"
    for address in mail.recipients:
        if not is_mail_address(address):
            yield "mail.recipients", f"{address!r} is no mail address (name@host, in ASCII)"
    if mail.user and mail.password_file is None:
        yield "mail.user", "a user needs a password_file"
    if mail.user and mail.tls == "none" and mail.host not in _OUR_OWN:
        yield "mail.tls", "without TLS the password would be readable on its way; use starttls"


def webhook_faults(webhooks: Sequence[WebhookSettings]) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) of every `[[webhooks]]`."""
    if len(webhooks) > MAX_WEBHOOKS:
        yield "webhooks", f"there are {len(webhooks)}, and at most {MAX_WEBHOOKS} are allowed"
    names = [one.name for one in webhooks]
    for one in webhooks:
        if not is_name(one.name):
            yield "webhooks.name", f"{one.name!r} is no name: use a-z, 0-9, '.', '+' and '-'"
        if names.count(one.name) > 1:
            yield "webhooks.name", f"{one.name!r} is used twice"
        if not is_public_url(one.url, query=True):
            yield "webhooks.url", f"{one.url!r} is no URL that begins with http:// or https://"
        yield from _kind_faults("webhooks", one.events)


def _kind_faults(section: str, kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    for kind in kinds:
        if kind not in EVERY_KIND:
            yield f"{section}.events", f"{kind!r} is none of {', '.join(EVERY_KIND)}"
