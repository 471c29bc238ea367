"""Options that several commands have.

Layer 7.
"""

import click

as_json = click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")

pass_manager = click.pass_obj
