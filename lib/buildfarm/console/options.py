"""Options that every command line has.

Layer 1. Tests: tests/unit/commands/test_commands.py.
"""

import click

as_json = click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
