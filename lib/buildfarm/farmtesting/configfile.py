"""Configuration files for managers that run as processes.

Beside the layers; for functional tests.
"""

import json
from dataclasses import asdict

from buildfarm.vocab.settings import Settings


def as_toml(settings: Settings) -> str:
    """The configuration file that says `settings`."""
    lines = []
    for section, values in asdict(settings).items():
        lines.append(f"[{section}]")
        lines += [
            f"{key} = {json.dumps(value, default=str)}"
            for key, value in values.items()
            if value is not None
        ]
    return "\n".join(lines) + "\n"
