"""Whether the farm works, as those are told who watch over it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """`troubles` are sentences that anybody may read: no path, no package, no builder in them."""

    troubles: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is no trouble."""
        return not self.troubles
