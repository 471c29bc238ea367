"""What moderators tell a builder from its page.

Who may is decided by `verdicts.permissions`, and what may follow what by the act itself, as for the
web service.

Layer 5. Tests: tests/functional/statuspage/test_acts.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

from buildfarm.statuspage.answers import Answer, Declined, missing, see_other
from buildfarm.statuspage.routes import Route, Visit
from buildfarm.statuspage.snapshots import Snapshots
from buildfarm.storage.roster import change_builder
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.permissions import Deed, refusal
from buildfarm.vocab.access import Visitor
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.names import is_name
from buildfarm.vocab.states import CleanStatus

#: Characters of a note.
MAX_NOTE = 500


@dataclass(frozen=True, slots=True)
class BuilderAct:
    """One button: its label, what it changes, and for which builders it is offered."""

    label: str
    changes: Mapping[str, object]
    fits: Callable[[BuilderSnapshot], bool]
    noted: bool = False


ACTS = {
    "disable": BuilderAct(
        "Disable", {"builderok": False}, lambda builder: builder.builderok, noted=True
    ),
    "enable": BuilderAct(
        "Enable", {"builderok": True, "failnotes": None}, lambda builder: not builder.builderok
    ),
    "manual": BuilderAct("Make manual", {"manual": True}, lambda builder: not builder.manual),
    "auto": BuilderAct("Make automatic", {"manual": False}, lambda builder: builder.manual),
    "reset": BuilderAct(
        "Reset",
        {"clean_status": CleanStatus.DIRTY},
        lambda builder: builder.clean_status is CleanStatus.CLEAN,
    ),
}


def offered(visitor: Visitor, builder: BuilderSnapshot) -> Mapping[str, BuilderAct]:
    """The acts that `visitor` may choose for `builder`, by their names in the form."""
    if not builder.active or refusal(visitor, Deed.MODERATE) is not None:
        return {}
    return {name: act for name, act in ACTS.items() if act.fits(builder)}


class BuilderActs:
    """Takes the forms."""

    def __init__(
        self, storage: Transactor, snapshots: Snapshots, utc_now: Callable[[], datetime]
    ) -> None:
        self._storage = storage
        self._snapshots = snapshots
        self._utc_now = utc_now
        self.routes = (Route("/builders/{name}/+act", act=self.act),)

    async def act(self, visit: Visit) -> Answer:
        """Carry out what the form says. Raises Declined, Refused."""
        sentence = refusal(visit.visitor, Deed.MODERATE)
        if sentence is not None:
            raise Declined(HTTPStatus.FORBIDDEN, sentence)
        name, act = visit.places["name"], ACTS.get(visit.form.get("act", ""))
        if act is None or not is_name(name):
            raise missing("such act")
        changes = dict(act.changes)
        if act.noted:
            changes["failnotes"] = _note(visit.form)
        actor, now = visit.visitor.person or "", self._utc_now()
        await self._storage.write(change_builder, name, changes, actor, now)
        self._snapshots.forget()
        return see_other(f"/builders/{quote(name)}")


def _note(form: Mapping[str, str]) -> str:
    note = " ".join(form.get("note", "").split())
    if not note or len(note) > MAX_NOTE:
        raise Refused(f"Say in a note why, in at most {MAX_NOTE} characters: it is shown to all.")
    return note
