"""The verbs of what is old: sweep now, and what the last sweep removed.

Layer 5. Tests: tests/functional/admin/test_verbs.py.
"""

from buildfarm.admin.farm import Caller, Farm
from buildfarm.retention.removed import Removed


async def sweep(farm: Farm, caller: Caller) -> Removed:
    """Remove what is older than `[retention]` says, now; what that was."""
    return await farm.sweep.run()


async def last_sweep(farm: Farm, caller: Caller) -> Removed | None:
    """What the last sweep of this manager removed; None where there was none yet."""
    return farm.sweep.last
