"""What people and programs are told of without asking: failures, and who gets to know of them.

A notice is written in the transaction of what it tells. Notices for one receiver are bundled into
deliveries; a delivery is what is sent, and sent again until somebody has taken it.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from buildfarm.vocab.states import BuildState


class NewsKind(Enum):
    """What has happened, by the words that settings and payloads use."""

    BUILDER_FAILED = "builder-failed"
    BUILD_FAILED = "build-failed"
    UPLOAD_REFUSED = "upload-refused"


#: The ends of a build that are news, and of what kind.
NEWS_OF_STATE = {
    BuildState.FAILEDTOBUILD: NewsKind.BUILD_FAILED,
    BuildState.MANUALDEPWAIT: NewsKind.BUILD_FAILED,
    BuildState.CHROOTWAIT: NewsKind.BUILD_FAILED,
    BuildState.FAILEDTOUPLOAD: NewsKind.UPLOAD_REFUSED,
}


class DeliveryState(Enum):
    """What has become of a delivery. GIVEN_UP: it was tried for as long as settings allow."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True, slots=True)
class BuildInNews:
    """The build that a notice is about, or that a failed builder had. Names as `BuildSnapshot`."""

    id: int
    source: str
    version: str
    architecture: str
    archive: str
    suite: str
    requester: str
    private: bool

    @property
    def title(self) -> str:
        """As `BuildSnapshot.title`."""
        return f"{self.source} {self.version} {self.architecture} in {self.archive}/{self.suite}"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that has happened. `state` is what the build became; times are naive UTC."""

    id: int
    time: datetime
    kind: NewsKind
    reason: str
    state: BuildState | None
    builder: str | None
    attempt: int | None
    build: BuildInNews | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Notices for one receiver, sent as one. `key` stays the same however often it is sent.

    `notices` are at most as many as one look at it takes, `count` is how many there are.
    """

    id: int
    key: str
    receiver: str
    state: DeliveryState
    created: datetime
    due: datetime
    tries: int
    last_error: str | None
    ended: datetime | None
    count: int
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who is told, and of what.

    `name` is `mail ADDRESS` or `webhook NAME`. `archives` restricts news of builds to those of
    these archives where it is not empty; `private`: it may know of private archives. The first
    notice waits `gather` seconds for others; the next delivery is due `interval` seconds after the
    one before at the earliest. `most` notices make one delivery.
    """

    name: str
    kinds: frozenset[NewsKind]
    archives: frozenset[str]
    private: bool
    gather: float
    interval: float
    most: int


_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{0,63}"
    r"@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,188}[A-Za-z0-9])?"
)


def is_mail_address(text: str) -> bool:
    """Whether `text` is a plain mail address, without a name, quotes or anything but ASCII."""
    return _ADDRESS.fullmatch(text) is not None


def mail_receiver(address: str) -> str:
    """The name of a receiver by mail."""
    return f"mail {address}"
