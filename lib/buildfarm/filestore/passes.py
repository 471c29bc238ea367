"""Who may read what from the files listener, told from the builds that run.

Layer 3; tests in `tests/unit/filestore/test_passes.py`. Memory only: no question of a stranger
reaches the database.

A file is open to everybody while a build of a public archive that needs it is with its builder; so
is every chroot. What a private build needs is for who shows the token of that build. A token is
good while the attempt is with its builder, from the claim until it is settled, for the sources of
that build and the archive that it is for, and for nothing else. It names builder and attempt, so
that looking it up costs the same however many builds run.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed

from buildfarm.filestore.tokens import USER, Scope, Tokens, named_in
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.build import BuildOrder


def _nobody(builder_id: int, attempt_id: int) -> bool:
    return False


class Passes:
    """What the builds that run may read. `holds(builder id, attempt id)` tells whether one does."""

    def __init__(self, tokens: Tokens) -> None:
        self.holds: Callable[[int, int], bool] = _nobody
        self._tokens = tokens
        #: The latest order of each builder, and the builders whose latest order opens a file.
        self._orders: dict[int, BuildOrder] = {}
        self._open: dict[str, set[int]] = {}
        self._waiting: list[Deferred[None]] | None = []

    def when_known(self) -> Deferred[None]:
        """Fires when the builds are known that went on while there was no manager.

        Before that nobody is refused: apt gives up at a 401, and a build would fail by a restart.
        """
        if self._waiting is None:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def all_known(self) -> None:
        """Every order that builders held at the start has been granted."""
        waiting, self._waiting = self._waiting or [], None
        for one in waiting:
            one.callback(None)

    def grant(self, order: BuildOrder) -> None:
        """A builder was given `order`, or was found with it; what it had before is over."""
        builder_id = order.attempt.builder_id
        before = self._orders.get(builder_id)
        if before is not None:
            for sha256 in _opened_by(before):
                self._open[sha256].discard(builder_id)
                if not self._open[sha256]:
                    del self._open[sha256]
        self._orders[builder_id] = order
        for sha256 in _opened_by(order):
            self._open.setdefault(sha256, set()).add(builder_id)

    def may_read(self, sha256: str, user: str, token: str) -> bool:
        """Whether who says to be `user` and shows `token` may read this file; both may be empty."""
        if any(self._is_held(builder_id) for builder_id in self._open.get(sha256, ())):
            return True
        order = self._order_of(user, token, Scope.FILES)
        return order is not None and any(file.sha256 == sha256 for file in order.files)

    def private_archive(self, name: str, user: str, token: str) -> ArchiveSnapshot | None:
        """The private archive of this name, if `token` is that of a build for it."""
        order = self._order_of(user, token, Scope.ARCHIVE)
        archive = None if order is None else order.private_archive
        return archive if archive is not None and archive.name == name else None

    def _order_of(self, user: str, token: str, scope: Scope) -> BuildOrder | None:
        """The order of the running build whose token this is."""
        named = named_in(token) if user == USER else None
        order = None if named is None else self._orders.get(named.builder_id)
        if named is None or order is None or order.attempt.id != named.attempt_id:
            return None
        fits = self._tokens.fits(token, order.attempt, scope)
        return order if fits and self._is_held(named.builder_id) else None

    def _is_held(self, builder_id: int) -> bool:
        return self.holds(builder_id, self._orders[builder_id].attempt.id)


def _opened_by(order: BuildOrder) -> set[str]:
    """The files that everybody may read while `order` is carried out."""
    files = (order.chroot,) if order.private else (order.chroot, *order.files)
    return {file.sha256 for file in files}
