"""What a builder said when it was asked, decoded and bounded, but not believed."""

from dataclasses import dataclass, field

from buildfarm.vocab.states import BuildOutcome, DaemonStatus


@dataclass(frozen=True, slots=True)
class Observation:
    """One `status` reply.

    `build_id` is the cookie that the builder claims to work for, as text. `logtail` is raw bytes
    (at most 2048, UTF-8 may be cut). `filemap` maps names to SHA-1, both as the builder sent them.
    """

    status: DaemonStatus
    build_id: str | None = None
    outcome: BuildOutcome | None = None
    logtail: bytes = b""
    filemap: dict[str, str] = field(default_factory=dict)
    dependencies: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class BuilderInfo:
    """One `info` reply: protocol version, architecture tag, build types."""

    protocol: str
    architecture: str
    build_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuildReply:
    """What `build` answered: only `BUILDING` with our own cookie confirms a dispatch."""

    status: DaemonStatus
    text: str

    def confirms(self, cookie: str) -> bool:
        """Whether this reply is the one that makes an attempt CONFIRMED."""
        return self.status is DaemonStatus.BUILDING and self.text == cookie


@dataclass(frozen=True, slots=True)
class PresenceReply:
    """What `ensurepresent` answered: whether the file is there, and the daemon's words."""

    present: bool
    text: str


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file fetched from a builder, flushed to disk; `size` in bytes, digests in hexadecimal."""

    size: int
    sha1: str
    sha256: str
