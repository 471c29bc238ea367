"""The outbox's stage with its senders, wired; and the senders alone, for who tries the settings.

Layer 6; part of `assembly.service`. Tests: tests/functional/notifying.
"""

from buildfarm.assembly.ground import Ground
from buildfarm.flow.threads import Workers
from buildfarm.notifying.senders import Senders
from buildfarm.notifying.stage import MAILS_AT_ONCE, NewsStage
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.settings import Settings


class Telling:
    """Tells of failures from `start` to `stop`; see `NewsStage`."""

    def __init__(self, ground: Ground) -> None:
        """Mail has threads of its own: a server that hangs keeps no other work waiting."""
        crew = ground.surroundings.make_crew(MAILS_AT_ONCE, "mail")
        self._workers = Workers(ground.reactor, MAILS_AT_ONCE, 64, "mail", crew)
        self._senders = Senders(
            ground.reactor,
            ground.settings,
            mail=self._workers,
            files=ground.workers,
            utc_now=ground.utc_now,
        )
        self._stage = NewsStage(
            ground.reactor,
            storage=ground.storage,
            settings=ground.settings,
            send=self._senders.send,
            utc_now=ground.utc_now,
            spread=ground.surroundings.spread,
            checkpoint=ground.checkpoint,
        )

    def waiting(self) -> int:
        """How many receivers wait for their turn; see `NewsStage.waiting`."""
        return self._stage.waiting()

    def start(self) -> None:
        """Go on with what waits."""
        self._stage.start()

    def publish(self, announcement: Announcement) -> None:
        """Hear what acts announce."""
        self._stage.publish(announcement)

    def reload(self, settings: Settings) -> None:
        """Tell these receivers from now on, with these delays."""
        self._senders.settings = settings
        self._stage.reload(settings)

    async def stop(self, grace: float) -> None:
        """Give what is under way half of `grace` seconds, and its threads the other half."""
        await self._stage.stop(grace / 2)
        await self._workers.stop(grace / 2)
