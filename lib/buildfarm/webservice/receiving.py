"""Forms with files on their way from the network to the disk: how many, how large, for whom.

Layer 5. Tests: tests/functional/webservice/test_submit.py.
"""

import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from buildfarm.flow.bodystream import BodyStream
from buildfarm.flow.peerplaces import share_of
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import DiskFull
from buildfarm.webservice.answers import Denied
from buildfarm.webservice.forms import Form, FormWriter

#: Seconds after which a client may try again that found no place.
RETRY_AFTER = 10

#: What a form takes on the disk: while it is looked at it is there twice.
_COPIES = 2


def _free(path: Path) -> int:
    return shutil.disk_usage(path).free


class Receiving:
    """Receives at most `most` forms at once, of one person `share_of` that, into `directory`.

    `min_free` bytes stay free on its disk.
    """

    def __init__(
        self,
        workers: Workers,
        directory: Path,
        most: int,
        min_free: Callable[[], int],
        free: Callable[[Path], int] = _free,
    ) -> None:
        self._workers = workers
        self._directory = directory
        self._most = most
        self._min_free = min_free
        self._free = free
        self._by_person: Counter[str] = Counter()
        self._expected = 0

    @property
    def at_once(self) -> int:
        """How many forms are being received."""
        return self._by_person.total()

    @asynccontextmanager
    async def receiving(
        self, person: str, body: BodyStream, content_type: str
    ) -> AsyncIterator[Form]:
        """The form that `person` sends, until this is left; nothing of it stays on the disk.

        Raises Denied where there is no place or no room, Refused for what is no form, and BodyLost.
        """
        self._require_place(person)
        self._by_person[person] += 1
        self._expected += body.length
        writer: FormWriter | None = None
        try:
            await self._require_room()
            writer = FormWriter(content_type, self._directory)
            while piece := await body.read():
                await self._workers.run(writer.write, piece)
            yield writer.finish()
        except DiskFull as error:
            raise Denied(HTTPStatus.INSUFFICIENT_STORAGE, str(error)) from error
        finally:
            self._expected -= body.length
            self._by_person[person] -= 1
            if writer is not None:
                await self._workers.run(writer.form.close)

    def _require_place(self, person: str) -> None:
        share = share_of(self._most)
        if self._by_person[person] < share and self.at_once < self._most:
            return
        who = f"by {person}" if self.at_once < self._most else "in all"
        raise Denied(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"Too many packages are being sent {who}; try again in a moment.",
            {"Retry-After": str(RETRY_AFTER)},
        )

    async def _require_room(self) -> None:
        """Whether all that is expected may come, and still leave enough free."""
        free, least = await self._workers.run(self._free, self._directory), self._min_free()
        if free - _COPIES * self._expected < least:
            raise Denied(
                HTTPStatus.INSUFFICIENT_STORAGE,
                f"There is no room for this on the farm's disk: {free:,} bytes are free, of which "
                f"{least:,} stay free.",
            )
