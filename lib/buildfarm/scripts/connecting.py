"""The farm that a script works with, and the options that name it.

Layer 7. What a script does runs inside a `FarmCommand` or `FarmGroup`: there a refusal of the
farm's becomes the sentence that the script ends with. launchpadlib is imported when it is needed,
so that `--help` is quick. Tests: tests/functional/scripts.
"""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click

from buildfarm.scripts.addresses import (
    CREDENTIALS_VARIABLE,
    DEFAULT_FARM,
    FARM_VARIABLE,
    farm_url,
    own_credentials,
)
from buildfarm.vocab.errors import Refused

#: Seen in every script's `--help`.
ENDING = "Exit status: 0 done; 1 refused, with a sentence on standard error; 2 wrong usage."


@dataclass
class Farm:
    """A farm at an address, and who one is there: `credentials` were named, or are looked for."""

    url: str
    credentials: Path | None = None

    @cached_property
    def file(self) -> Path | None:
        """The file of credentials that is used; None for anybody."""
        if self.credentials is not None:
            return self.credentials
        own = own_credentials(self.url, os.environ)
        return own if own.exists() else None

    @cached_property
    def authority(self) -> Any:
        """launchpadlib's credentials: the file's, or nobody's. Raises Refused."""
        from buildfarm.scripts import client

        return client.anonymous() if self.file is None else client.credentials_in(self.file)

    @cached_property
    def service(self) -> Any:
        """launchpadlib's root of the farm, connected. Raises Refused, FarmUnreachable."""
        from buildfarm.scripts import client

        return client.connected(self.url, self.authority)

    def refusal(self, error: Exception) -> str | None:
        """The sentence where `error` is a refusal of the farm's, else None."""
        from lazr.restfulclient.errors import HTTPError

        return self.told(error) if isinstance(error, HTTPError) else None

    def refusal_of_one(self, error: Exception) -> str | None:
        """The same where what is asked next may be granted; None where it is who asks."""
        from lazr.restfulclient.errors import Unauthorized

        return None if isinstance(error, Unauthorized) else self.refusal(error)

    def told(self, error: Any) -> str:
        """The sentence for a refusal of the farm's, launchpadlib's HTTPError."""
        from buildfarm.scripts import client

        return self.sentence(error.response.status, client.said(error))

    def sentence(self, status: int, words: str) -> str:
        """The sentence for an answer of this status with the farm's own words."""
        if status != HTTPStatus.UNAUTHORIZED:
            return words
        if self.file is None:
            return f"{words} {_no_credentials(self.url)}"
        if words.startswith("Unknown access token"):
            return (
                f"The farm takes the token in {self.file} no more: it is unknown, revoked or has "
                "expired. Have another one made with `buildd-manager token create`."
            )
        return words


def _no_credentials(url: str) -> str:
    own = own_credentials(url, os.environ)
    return (
        f"No credentials were named, and there are none at {own}; on the farm, "
        "`buildd-manager token create --person NAME --level LEVEL --credentials-file FILE` "
        "makes such a file."
    )


class _Telling:
    """Ends with the farm's own words where the farm refuses something."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises Refused."""
        from lazr.restfulclient.errors import HTTPError

        try:
            return super().invoke(ctx)  # type: ignore[misc]
        except HTTPError as error:
            farm = ctx.find_object(Farm)
            assert farm is not None, "every script is decorated `with_farm`"
            raise Refused(farm.told(error)) from error


class FarmCommand(_Telling, click.Command):
    """A script that does one thing."""


class FarmGroup(_Telling, click.Group):
    """A script with commands of its own."""


def _url(text: str) -> str:
    try:
        return farm_url(text)
    except Refused as error:
        raise click.BadParameter(str(error)) from error


def with_farm(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the options that name a farm; its first argument is that Farm."""

    @_FARM
    @_CREDENTIALS
    @click.pass_context
    @functools.wraps(command)
    def on_farm(ctx: click.Context, /, url: str, credentials: Path | None, **given: Any) -> Any:
        ctx.obj = Farm(url, credentials)
        return command(ctx.obj, **given)

    return on_farm


_FARM = click.option(
    "--farm",
    "url",
    type=_url,
    metavar="URL",
    envvar=FARM_VARIABLE,
    default=DEFAULT_FARM,
    show_default=True,
    help=f"The farm; also from {FARM_VARIABLE}.",
)
_CREDENTIALS = click.option(
    "--credentials",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    envvar=CREDENTIALS_VARIABLE,
    help=f"A file with a token; also from {CREDENTIALS_VARIABLE}. Without one "
    "~/.config/buildd-manager/HOST.credentials counts if it is there, else you are nobody.",
)

#: What every script's command line has besides.
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
