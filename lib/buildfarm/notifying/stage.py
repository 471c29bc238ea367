"""The stage between the outbox and its receivers.

It gives what is new to the deliveries of those who are to know, and makes what is due: one delivery
at a time for each receiver, so that a slow one delays no other. Each try is counted in the
database before it is made and its end recorded after: a manager that is killed in between makes it
again, under the same key.

Layer 4. Tests: tests/unit/notifying/test_stage.py.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from buildfarm.flow.wakeup import Wakeup
from buildfarm.notifying.errors import DeliveryFailed, DeliveryRefused
from buildfarm.notifying.receivers import may_know_private, receivers, requesters
from buildfarm.storage import outbox
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.announcements import Announcement, NewsArrived
from buildfarm.vocab.errors import FarmError, StaleState, Stopped
from buildfarm.vocab.news import Delivery, DeliveryState
from buildfarm.vocab.notificationsettings import NotificationSettings
from buildfarm.vocab.settings import Settings

#: Seconds after which the database is asked again although nobody said that there is news.
_LONGEST_SLEEP = 60.0

#: Receivers that are looked at together.
_READ = 500

#: Mails on their way at once; webhooks are as many as there are.
MAILS_AT_ONCE = 4


def retry_delay(tries: int, settings: NotificationSettings, spread: float) -> float:
    """Seconds until the try after `tries` of them: doubling, bounded, `spread` in 0 … 1."""
    delay = min(settings.first_retry * 2.0 ** min(tries - 1, 30), settings.longest_retry)
    return delay * (0.75 + 0.5 * spread)


class NewsStage:
    """Tells of failures until somebody has taken it, or it is given up."""

    log = Logger()

    def __init__(
        self,
        reactor: IReactorTime,
        *,
        storage: Transactor,
        settings: Settings,
        send: Callable[[Delivery], Awaitable[None]],
        utc_now: Callable[[], datetime],
        spread: Callable[[], float],
        checkpoint: Callable[[str], None],
    ) -> None:
        """`send` makes one try; it raises DeliveryFailed. `spread` gives numbers in 0 … 1."""
        self.settings = settings
        self._reactor = reactor
        self._storage = storage
        self._send = send
        self._utc_now = utc_now
        self._spread = spread
        self._checkpoint = checkpoint
        self._wakeup = Wakeup(reactor)
        self._under_way: dict[str, Deferred[Any]] = {}
        self._stopping = False
        self._running: Deferred[None] | None = None
        self._kept_waiting = 0

    def waiting(self) -> int:
        """How many receivers could be told more, and are told something else at present."""
        return self._kept_waiting

    def start(self) -> None:
        """Go on with what an earlier manager left, and with what comes."""
        self._running = Deferred.fromCoroutine(self._run())

    def publish(self, announcement: Announcement) -> None:
        """Look at the outbox when a commit says that there is news."""
        if isinstance(announcement, NewsArrived):
            self._wakeup.wake()

    def reload(self, settings: Settings) -> None:
        """Go on with these receivers and delays."""
        self.settings = settings
        self._wakeup.wake()

    async def stop(self, grace: float) -> None:
        """Begin nothing more; what is under way has `grace` seconds, and is tried again later."""
        self._stopping = True
        self._wakeup.wake()
        if self._running is not None:
            await self._running
        under_way = list(self._under_way.values())
        ended = DeferredList(under_way, consumeErrors=True)
        ended.addTimeout(grace, self._reactor)
        await ended

    async def _run(self) -> None:
        while not self._stopping:
            sleep = _LONGEST_SLEEP
            try:
                await self._address()
                sleep = await self._begin_due()
            except CancelledError:
                return
            except FarmError as error:
                self.log.warn("the outbox could not be looked at: {error}", error=error)
                sleep = self.settings.notifications.first_retry
            except Exception:  # noqa: BLE001 - the next look is made all the same
                self.log.failure("the outbox could not be looked at")
                sleep = self.settings.notifications.first_retry
            await self._wakeup.sleep(sleep)

    async def _address(self) -> None:
        """Give all that is new to those who are to know."""
        while not self._stopping and await self._storage.read(outbox.has_new):
            told, by_mail = receivers(self.settings), requesters(self.settings)
            await self._storage.write(outbox.address, told, by_mail, self._utc_now())

    async def _begin_due(self) -> float:
        """Begin what is due and has a place; seconds until the next look."""
        now = self._utc_now()
        due = await self._storage.read(outbox.due, now, _READ)
        self._kept_waiting = 0
        for delivery_id, receiver in due:
            if self._stopping or not self._has_place(receiver):
                self._kept_waiting += 1
                continue
            delivering = Deferred.fromCoroutine(self._deliver(delivery_id))
            self._under_way[receiver] = delivering
            delivering.addBoth(self._ended, receiver)
        following = await self._storage.read(outbox.next_due, now)
        if following is None:
            return _LONGEST_SLEEP
        return min(_LONGEST_SLEEP, max(0.05, (following - now).total_seconds()))

    def _has_place(self, receiver: str) -> bool:
        if receiver in self._under_way:
            return False
        mails = sum(one.startswith("mail ") for one in self._under_way)
        return not receiver.startswith("mail ") or mails < MAILS_AT_ONCE

    def _ended(self, recorded: bool | None, receiver: str) -> None:
        del self._under_way[receiver]
        if recorded:
            # What was not recorded is still due: it is not tried again before the next look.
            self._wakeup.wake()

    async def _deliver(self, delivery_id: int) -> bool:
        """One try, and the record of it, whatever goes wrong with that; whether it is recorded."""
        try:
            await self._try(delivery_id)
        except StaleState:
            return True
        except (CancelledError, Stopped):
            return False
        except FarmError as error:
            words = "what became of delivery {id} was not recorded: {error}"
            self.log.warn(words, id=delivery_id, error=error)
        except Exception:  # noqa: BLE001 - it stays due and is tried again from the database
            self.log.failure("delivery {id} failed", id=delivery_id)
        else:
            return True
        return False

    async def _try(self, delivery_id: int) -> None:
        known = await self._storage.read(outbox.delivery, delivery_id)
        now = self._utc_now()
        delay = retry_delay(known.tries + 1, self.settings.notifications, self._spread())
        next_try = now + timedelta(seconds=delay)
        private = may_know_private(self.settings, known.receiver)
        delivery = await self._storage.write(outbox.begin, delivery_id, next_try, private, now)
        self._checkpoint("news.begun")
        if not delivery.notices:
            await self._give_up(delivery, "all that it tells of is private by now")
            return
        try:
            await self._send(delivery)
        except DeliveryRefused as error:
            await self._give_up(delivery, str(error))
        except DeliveryFailed as error:
            await self._postpone_or_give_up(delivery, str(error), next_try)
        else:
            self._checkpoint("news.sent")
            await self._end(delivery, DeliveryState.DELIVERED, None)
            self._checkpoint("news.recorded")
            self.log.info(
                "told {receiver} of {count} ({key})",
                receiver=delivery.receiver,
                count=delivery.count,
                key=delivery.key,
            )

    async def _postpone_or_give_up(
        self, delivery: Delivery, error: str, next_try: datetime
    ) -> None:
        age = (self._utc_now() - delivery.created).total_seconds()
        if age >= self.settings.notifications.give_up:
            await self._give_up(delivery, f"after {delivery.tries} tries, the last one: {error}")
            return
        self.log.warn(
            "{receiver} was not told, and is again at {next:%H:%M:%S} UTC: {error}",
            receiver=delivery.receiver,
            next=next_try,
            error=error,
        )
        await self._storage.write(outbox.postpone, delivery.id, error, next_try)

    async def _give_up(self, delivery: Delivery, error: str) -> None:
        self.log.warn(
            "{receiver} is not told ({key}): {error}",
            receiver=delivery.receiver,
            key=delivery.key,
            error=error,
        )
        await self._end(delivery, DeliveryState.GIVEN_UP, error)

    async def _end(self, delivery: Delivery, state: DeliveryState, error: str | None) -> None:
        await self._storage.write(outbox.end, delivery.id, state, error, self._utc_now())
