"""Handing a claimed build to its builder: DESIGN section 3, step 5.

Layer 4. Tests: tests/unit/scanning/test_dispatch.py, tests/functional/scanning.

The order of things is the promise. Files first, since a builder that downloads answers nothing
else; then `status` once more; the attempt is SENT in the database before `build` is on the wire;
and only the builder's own reply confirms it. Everything else is doubt, which the caller resolves
by closing the attempt and cleaning the builder, never by asking the builder what it thinks.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum

from buildfarm.builders.client import BuilderClient
from buildfarm.filestore.tokens import USER, Scope, Tokens
from buildfarm.filestore.urls import file_url, with_credentials
from buildfarm.scanning.job import Job
from buildfarm.storage import attempts
from buildfarm.storage.epochs import Epoch
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.archive import source_line
from buildfarm.vocab.build import BuildOrder, StoredFile
from buildfarm.vocab.errors import BuilderError, BuilderNonsense
from buildfarm.vocab.settings import FilesSettings, ScanningSettings
from buildfarm.vocab.states import AttemptState, DaemonStatus


class Handover(Enum):
    """How far a dispatch came."""

    CONFIRMED = "the builder confirmed the build"
    NOT_IDLE = "the builder was not idle just before the build was sent"
    UNCONFIRMED = "the build was sent and not confirmed"
    CANCELLED = "a cancel was asked for before anything was sent"


class Dispatcher:
    """Hands claimed builds to builders, one at a time each."""

    def __init__(
        self,
        *,
        storage: Transactor,
        epoch: Epoch,
        files: FilesSettings,
        tokens: Tokens,
        scanning: ScanningSettings,
        utc_now: Callable[[], datetime],
        checkpoint: Callable[[str], None],
    ) -> None:
        self._storage = storage
        self._epoch = epoch
        self._files = files
        self._tokens = tokens
        self.scanning = scanning
        self._utc_now = utc_now
        self._checkpoint = checkpoint

    async def dispatch(self, client: BuilderClient, job: Job) -> tuple[Handover, str]:
        """Send `job` to the builder behind `client`; how it went and the sentence that says so.

        Raises BuilderError while nothing has been sent: the attempt is still CLAIMED and may be
        dispatched again. A chroot and sources that are already there cost one short call each.
        """
        self._checkpoint("dispatch.claimed")
        order = job.order
        await self._ensure_present(client, order.chroot)
        token = self._tokens.token(order.attempt, Scope.FILES) if order.private else ""
        for file in order.files:
            await self._ensure_present(client, file, token)
        self._checkpoint("dispatch.files-present")
        observation = await client.fetch_status()
        if observation.status is not DaemonStatus.IDLE:
            return (
                Handover.NOT_IDLE,
                f"just before the build was sent, the builder said {observation.status.name}",
            )
        if job.cancelling:
            return Handover.CANCELLED, "a cancel was asked for before the build was sent"
        await self._storage.write(
            attempts.mark_sent, self._epoch, order.attempt.id, self._utc_now()
        )
        job.state = AttemptState.SENT
        self._checkpoint("dispatch.sent")
        return await self._send(client, job)

    async def _ensure_present(
        self, client: BuilderClient, file: StoredFile, token: str = ""
    ) -> None:
        deadline = self.scanning.call_timeout + file.size / self._files.min_rate
        url = file_url(self._files.public_url, file)
        user = USER if token else ""
        reply = await client.ensure_present(file.sha1, url, user, token, deadline)
        if not reply.present:
            raise BuilderNonsense(
                f"the builder could not fetch {file.name} from {url}: {reply.text!r}; "
                "check that it reaches the address in [files] public_url"
            )

    async def _send(self, client: BuilderClient, job: Job) -> tuple[Handover, str]:
        order = job.order
        filemap = {file.name: file.sha1 for file in order.files}
        try:
            reply = await client.build(job.cookie, order.chroot.sha1, filemap, self._args(order))
        except BuilderError as error:
            return Handover.UNCONFIRMED, f"`build` was not answered as it should be: {error}"
        if not reply.confirms(job.cookie):
            return (
                Handover.UNCONFIRMED,
                f"`build` was answered {reply.status.name} {reply.text!r}",
            )
        job.state = AttemptState.CONFIRMED
        self._checkpoint("dispatch.confirmed")
        return Handover.CONFIRMED, "the builder confirmed the build"

    def _args(self, order: BuildOrder) -> dict[str, object]:
        """The arguments of the build, with the line of its private archive and the token in it.

        The line goes to the daemon and nowhere else (docs/decisions/161).
        """
        archive, lines = order.private_archive, order.args["archives"]
        if archive is None or not isinstance(lines, list):
            return order.args
        token = self._tokens.token(order.attempt, Scope.ARCHIVE)
        url = with_credentials(self._files.public_url.rstrip("/"), USER, token)
        line = source_line(archive, str(order.args["suite"]), f"{url}/archive/{archive.name}")
        return {**order.args, "archives": [*lines, line]}
