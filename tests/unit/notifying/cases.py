"""Deliveries and settings for tests of what is told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from buildfarm.farmtesting.cases import BEGINNING
from buildfarm.vocab.news import BuildInNews, Delivery, DeliveryState, NewsKind, Notice
from buildfarm.vocab.notificationsettings import MailSettings, WebhookSettings
from buildfarm.vocab.settings import ManagerSettings, Settings
from buildfarm.vocab.states import BuildState

WEB = "http://farm.example"

BUILD = BuildInNews(7, "hello", "1.0-1", "amd64", "main", "bookworm", "ann", private=False)


def notice(number: int = 1, **fields: Any) -> Notice:
    """A build that failed, unless said otherwise."""
    failed = Notice(
        number,
        BEGINNING,
        NewsKind.BUILD_FAILED,
        "bob ended the build with PACKAGEFAIL: the package does not build.",
        BuildState.FAILEDTOBUILD,
        "bob",
        1,
        BUILD,
    )
    return replace(failed, **fields)


def broken(number: int = 1, **fields: Any) -> Notice:
    """A builder that failed."""
    described = {"kind": NewsKind.BUILDER_FAILED, "state": None, "build": None, **fields}
    return notice(number, **described)


def delivery(*notices: Notice, receiver: str = "webhook ci", count: int = 0) -> Delivery:
    """A delivery of these notices, about to be made."""
    return Delivery(
        id=3,
        key="news-0123abcd-3",
        receiver=receiver,
        state=DeliveryState.WAITING,
        created=BEGINNING,
        due=BEGINNING,
        tries=1,
        last_error=None,
        ended=None,
        count=count or len(notices),
        notices=notices,
    )


def settings(
    mail: MailSettings | None = None, *webhooks: WebhookSettings, **others: Any
) -> Settings:
    """Settings of who is told."""
    return Settings(
        manager=ManagerSettings(state_dir=Path("/nowhere")),
        mail=mail or MailSettings(),
        webhooks=webhooks,
        **others,
    )


def webhook(name: str = "ci", **fields: Any) -> WebhookSettings:
    """A webhook."""
    described: dict[str, Any] = {
        "url": "http://hooks.example/",
        "secret_file": Path("/nowhere/secret"),
        **fields,
    }
    return WebhookSettings(name=name, **described)
