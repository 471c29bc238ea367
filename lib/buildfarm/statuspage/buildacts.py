"""What people tell a build from its page: cancel, retry, rescore.

Who may is decided by `verdicts.permissions`, and what may follow what by the act itself, as for the
web service.

Layer 5. Tests: tests/functional/statuspage/test_acts.py.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus

from buildfarm.statuspage.answers import Answer, Declined, missing, see_other
from buildfarm.statuspage.routes import Route, Visit
from buildfarm.statuspage.sight import fetch_seen
from buildfarm.storage.builds import cancel, rescore, retry
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.permissions import Deed, refusal
from buildfarm.verdicts.transitions import cancel_refusal, rescore_refusal, retry_refusal
from buildfarm.vocab.access import Visitor
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import BuildState

DEEDS = {
    "cancel": Deed.CANCEL,
    "retry": Deed.RETRY,
    "rebuild": Deed.RETRY,
    "rescore": Deed.RESCORE,
}


def offered(visitor: Visitor, build: BuildSnapshot) -> frozenset[str]:
    """The acts that `visitor` may choose for `build`, by their names in the form."""
    clauses = {
        "cancel": cancel_refusal(build.state),
        "retry": retry_refusal(build.state),
        "rebuild": None if build.state is BuildState.FAILEDTOUPLOAD else "it is what retry does",
        "rescore": rescore_refusal(build.state),
    }
    return frozenset(
        name
        for name, clause in clauses.items()
        if clause is None and refusal(visitor, DEEDS[name], build.archive) is None
    )


class BuildActs:
    """Takes the forms."""

    def __init__(
        self,
        storage: Transactor,
        forget: Callable[[], None],
        utc_now: Callable[[], datetime],
    ) -> None:
        """`forget` has pages read again what they show: whoever has acted wants to see it."""
        self._storage = storage
        self._forget = forget
        self._utc_now = utc_now
        self.routes = (Route("/builds/{id}/+act", act=self.act),)

    async def act(self, visit: Visit) -> Answer:
        """Carry out what the form says. Raises Declined, Refused."""
        build = (await fetch_seen(self._storage, visit)).build
        name = visit.form.get("act", "")
        if name not in DEEDS:
            raise missing("such act")
        sentence = refusal(visit.visitor, DEEDS[name], build.archive)
        if sentence is not None:
            raise Declined(HTTPStatus.FORBIDDEN, sentence)
        actor, now = visit.visitor.person or "", self._utc_now()
        if name == "cancel":
            await self._storage.write(cancel, build.id, actor, now)
        elif name == "rescore":
            await self._storage.write(rescore, build.id, _score(visit.form), actor, now)
        else:
            await self._storage.write(retry, build.id, name == "rebuild", actor, now)
        self._forget()
        return see_other(f"/builds/{build.id}")


def _score(form: Mapping[str, str]) -> int:
    text = form.get("score", "").strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        raise Refused("A score is a whole number; a higher one goes first.")
    return int(text)
