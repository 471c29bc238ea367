"""Every setting of the manager, with its default and unit.

One dataclass per section of the TOML file, named as the section; `assembly.settings` reads the
file into these and refuses what does not fit. `configs/production.toml` explains each key.
Sizes are bytes, times seconds. Paths are absolute after loading.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from buildfarm.vocab.notificationsettings import (
    DepWaitSettings,
    MailSettings,
    NotificationSettings,
    WebhookSettings,
)

#: What entry points take from the mode of every file that is made: others get nothing.
UMASK = 0o027

_MIB = 1024 * 1024
_GIB = 1024 * _MIB

#: Read by the settings loader: an unknown key is an error, never ignored.
_FORBID_UNKNOWN = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerSettings:
    """`[manager]`: where the state is kept and what the process may use.

    `database` is a Storm URI; empty means SQLite in the state directory. `database_threads` are
    those that read; SQLite has one thread that writes. Below `min_free_bytes` dispatch pauses.
    """

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    state_dir: Path
    database: str = ""
    control_socket: Path | None = None
    database_threads: int = 4
    file_threads: int = 8
    min_free_bytes: int = _GIB
    switch_interval: float = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSettings:
    """`[files]`: what builders download: chroots, sources, private archives they build for."""

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    listen: str = "tcp:8086:interface=127.0.0.1"
    public_url: str = "http://127.0.0.1:8086"
    min_rate: int = 256 * 1024
    max_downloads: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """`[web]`: the listener for people; published archives are under `/archive/NAME/`.

    `proxies` are addresses and networks of reverse proxies: their `X-Forwarded-*` is believed.
    A source package that is uploaded has `max_upload` bytes; `max_uploads` are received at once.
    A browser that has logged in stays so for `session_lasts`.
    """

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    listen: str = "tcp:8085:interface=127.0.0.1"
    public_url: str = "http://127.0.0.1:8085"
    proxies: tuple[str, ...] = ()
    max_upload: int = 4 * _GIB
    max_uploads: int = 8
    session_lasts: float = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanningSettings:
    """`[scanning]`: how builders are asked, and when one is given up.

    `cpu_share` is the part of one core that all scans together may use; `call_timeout` bounds
    `status` and every other short call. `build_deadline` and `abort_deadline` bound BUILDING and
    ABORTING without end; a scan failure counts after `failures_to_count` in a row and
    `failure_span` seconds.
    """

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    cpu_share: float = 0.25
    idle_interval: float = 30.0
    call_timeout: float = 60.0
    build_timeout: float = 60.0
    connect_timeout: float = 10.0
    build_deadline: float = 86_400.0
    abort_deadline: float = 300.0
    failures_to_count: int = 5
    failure_span: float = 75.0
    tail_interval: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetSettings:
    """`[resets]`: the command that resets a virtual builder.

    `command` is an argument list; `%(vm_host)s` and `%(buildd_name)s` (the first label of the
    URL's host) are replaced in each argument. Empty: no virtual builder can be used.
    `deadline` bounds the command, `cleaning_deadline` how long a 2.0 builder may stay CLEANING.
    """

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    command: tuple[str, ...] = ()
    deadline: float = 600.0
    cleaning_deadline: float = 1800.0
    per_vm_host: int = 4
    max_output: int = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherSettings:
    """`[gather]`: what a builder may hand us, and how slowly."""

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    max_file_bytes: int = 4 * _GIB
    max_total_bytes: int = 8 * _GIB
    max_files: int = 500
    max_log_bytes: int = 512 * _MIB
    max_spool_bytes: int = 64 * _GIB
    min_rate: int = 64 * 1024
    concurrent: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSettings:
    """`[uploads]`: how many at once, for how long, and how failures are tried again."""

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    threads: int = 8
    deadline: float = 900.0
    check_deadline: float = 120.0
    check_memory: int = 512 * _MIB
    first_retry: float = 5.0
    longest_retry: float = 600.0
    max_tries: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """`[retention]`: how long what is not needed any more is kept.

    `events` is the story of builds and builders. `results` are those that were refused, or that
    this database does not know. `logs` are those of attempts that ended, but the last one of a
    build that is current; `sources` those of builds that nobody will build again. `files` is how
    old a file in the file store must be before it is removed because nothing names it. `tokens`
    are those that have ended, `unused_tokens` those that stand and that nobody uses.
    """

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    events: float = 365 * 86_400.0
    results: float = 30 * 86_400.0
    logs: float = 180 * 86_400.0
    sources: float = 30 * 86_400.0
    news: float = 30 * 86_400.0
    files: float = 7 * 86_400.0
    tokens: float = 30 * 86_400.0
    unused_tokens: float = 365 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration file."""

    __pydantic_config__: ClassVar = _FORBID_UNKNOWN
    manager: ManagerSettings
    files: FilesSettings = field(default_factory=FilesSettings)
    web: WebSettings = field(default_factory=WebSettings)
    scanning: ScanningSettings = field(default_factory=ScanningSettings)
    resets: ResetSettings = field(default_factory=ResetSettings)
    gather: GatherSettings = field(default_factory=GatherSettings)
    uploads: UploadSettings = field(default_factory=UploadSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    notifications: NotificationSettings = field(default_factory=NotificationSettings)
    mail: MailSettings = field(default_factory=MailSettings)
    webhooks: tuple[WebhookSettings, ...] = ()
    depwait: DepWaitSettings = field(default_factory=DepWaitSettings)

    @property
    def database_uri(self) -> str:
        """The Storm URI of the database."""
        return self.manager.database or f"sqlite:///{self.manager.state_dir}/buildd-manager.db"

    @property
    def control_socket(self) -> Path:
        """Where the running daemon listens for commands."""
        return self.manager.control_socket or self.manager.state_dir / "control.sock"

    @property
    def lock_file(self) -> Path:
        """Held exclusively by the running daemon, or by a command that works without one."""
        return self.manager.state_dir / "manager.lock"

    @property
    def spool_dir(self) -> Path:
        """Results between gather and upload, one directory per attempt."""
        return self.manager.state_dir / "spool"

    @property
    def store_dir(self) -> Path:
        """Sources, chroots and logs by SHA-256."""
        return self.manager.state_dir / "files"

    @property
    def locks_dir(self) -> Path:
        """Lock files that reset and upload children hold, one per builder and per archive."""
        return self.manager.state_dir / "locks"

    @property
    def indexes_dir(self) -> Path:
        """Package indexes of base archives, as they were fetched last."""
        return self.manager.state_dir / "indexes"

    @property
    def token_key(self) -> Path:
        """What the tokens of private builds are made with; mode 0600."""
        return self.manager.state_dir / "token.key"
