"""Settings of what goes out by itself: news by mail and webhook, and dep-waits tried again.

Part of `vocab.settings`, which see. Times are seconds.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

_FORBID_UNKNOWN = {"extra": "forbid"}

#: Every kind of news, as `vocab.news.NewsKind` names them.
EVERY_KIND = ("builder-failed", "build-failed", "upload-refused")

#: How mail is encrypted on its way to the server.
TLS_KINDS = ("none", "starttls", "implicit")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """`[mail]`: the server that takes mail, and who gets it. Without a `host` no mail is sent.

    `recipients` get the news named by `events`, of private archives only where `private` says so.
    `requesters`: whoever submitted a build is told of its end, at the address that
    `buildd-manager person mail` has set.
    """

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    host: str = ""
    port: int = 25
    tls: str = "none"
    user: str = ""
    password_file: Path | None = None
    sender: str = ""
    recipients: tuple[str, ...] = ()
    events: tuple[str, ...] = EVERY_KIND
    private: bool = False
    requesters: bool = True
    gather: float = 30.0
    interval: float = 600.0
    deadline: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """One `[[webhooks]]`: a URL that is told of news, signed with the secret in a file.

    `archives` restricts it to builds of these archives where it is not empty; news of private
    archives it gets only where `private` says so.
    """

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    name: str
    url: str
    secret_file: Path
    events: tuple[str, ...] = EVERY_KIND
    archives: tuple[str, ...] = ()
    private: bool = False
    deadline: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSettings:
    """`[notifications]`: how what could not be delivered is tried again, and for how long."""

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    first_retry: float = 10.0
    longest_retry: float = 3600.0
    give_up: float = 3 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DepWaitSettings:
    """`[depwait]`: builds in MANUALDEPWAIT that are tried again by themselves.

    Their archives' indexes and those of the base archives are looked at every `interval`, and the
    archive's own soon after something was published in it. `deadline` bounds one look,
    `max_index_bytes` one index as it is fetched. After a build has come back `max_tries` times with
    the same dependency, a person has to retry it; between two tries is at least `first_retry`,
    doubling.
    """

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    automatic: bool = True
    interval: float = 900.0
    deadline: float = 300.0
    max_index_bytes: int = 256 * 1024 * 1024
    first_retry: float = 600.0
    max_tries: int = 10
