"""Epochs: which start of the manager owns the farm.

Each start begins a new epoch and takes every open attempt over. Guarded updates name the epoch, so
a manager that lost the farm to another cannot change anything any more.

Layer 3. Tests: tests/unit/storage/test_epochs.py.
"""

from dataclasses import dataclass
from typing import Any

from storm.expr import And, Exists, Select, Update

from buildfarm.storage.acts import Committed
from buildfarm.storage.statements import Parameter, Statement
from buildfarm.storage.tables import IS_OPEN, Attempt, Farm
from buildfarm.vocab.errors import StaleState


@dataclass(frozen=True, slots=True)
class Epoch:
    """The fencing number of one start of the manager, and the id of its database."""

    number: int
    database_id: str


#: True in SQL while the epoch given as parameter `epoch` is the farm's.
IS_CURRENT = Exists(Select(1, And(Farm.id == 1, Farm.epoch == Parameter("epoch")), tables=[Farm]))

_FARM = Statement(Select((Farm.epoch, Farm.database_id), Farm.id == 1))


def begin_epoch(store: Any) -> Committed[Epoch]:
    """Begin the next epoch; every open attempt belongs to it from now on."""
    number, database_id = _FARM.one(store)
    store.execute(Update({Farm.epoch: number + 1}, Farm.id == 1), noresult=True)
    store.execute(Update({Attempt.epoch: number + 1}, IS_OPEN, Attempt), noresult=True)
    return Committed(Epoch(number + 1, database_id))


def current_epoch(store: Any) -> Epoch:
    """The epoch that the last start of the manager began; number 0 before the first."""
    return Epoch(*_FARM.one(store))


def require_current(store: Any, epoch: Epoch) -> None:
    """Raise StaleState where another start of the manager owns the farm by now."""
    if current_epoch(store) != epoch:
        raise StaleState(f"Epoch {epoch.number} is over: a newer manager owns this farm.")
