"""Every behaviour of hostile builders, by its name.

Beside the layers. Each is run against the real client and scanner in tests/functional/hostile,
alone and among a thousand; people read the table in docs/hostile-builders.md.
"""

from collections.abc import Mapping

from buildfarm.farmtesting.hostile.behaviour import Behaviour
from buildfarm.farmtesting.hostile.conduct import CONDUCT
from buildfarm.farmtesting.hostile.logs import HOSTILE_LOGS
from buildfarm.farmtesting.hostile.markup import MARKUP
from buildfarm.farmtesting.hostile.packages import PACKAGES
from buildfarm.farmtesting.hostile.results import RESULTS
from buildfarm.farmtesting.hostile.transport import TRANSPORT
from buildfarm.farmtesting.hostile.wrongtypes import WRONG_TYPES

#: Those that are written one by one.
SINGLE = (*TRANSPORT, *MARKUP, *CONDUCT, *RESULTS, *HOSTILE_LOGS, *PACKAGES)

BEHAVIOURS: Mapping[str, Behaviour] = {
    behaviour.name: behaviour for behaviour in (*SINGLE, *WRONG_TYPES)
}
