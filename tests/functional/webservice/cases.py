"""A farm with its web service, and real clients of it, in threads and as programs."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from launchpadlib.credentials import AccessToken, Consumer, Credentials
from launchpadlib.launchpad import Launchpad
from twisted.internet.threads import deferToThread

from buildfarm.assembly.walltime import utc_now
from buildfarm.commands.credentials import write_credentials
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.farm import Farm
from buildfarm.flow.children import CommandResult, run_command
from buildfarm.identity.secrets import NewSecret, new_secret
from buildfarm.storage import people, tokens
from buildfarm.vocab.access import BUILDD_ADMINS, AccessLevel
from buildfarm.vocab.people import TokenKind

T = TypeVar("T")

#: What launchpadlib calls every client that gives only its application's name, or begins with.
CONSUMER = "System-wide: tests"

SCRIPT = Path(__file__).with_name("clientscript.py")
BROWSER = Path(__file__).with_name("browserscript.py")

#: Who has which release of launchpadlib: ours the one of the lock file, Debian's its own.
RELEASES = {"PyPI": sys.executable, "Debian": "/usr/bin/python3"}


class ClientTestCase(FarmTestCase):
    """Runs programs that are clients of something that the test serves."""

    async def run_program(self, *arguments: str, **environment: str) -> str:
        """What a program prints that has to end well."""
        result = await self.run_command(*arguments, **environment)
        self.assertEqual(0, result.exit_code, result.output)
        return result.output

    async def run_command(self, *arguments: str, **environment: str) -> CommandResult:
        """How a program ends; its home is a directory of its own."""
        home = environment.setdefault("HOME", str(self.make_directory()))
        return await run_command(
            self.reactor,
            arguments,
            deadline=40.0,
            max_output=100_000,
            env=environment,
            cwd=Path(home),
        )

    async def script(self, release: str, check: str, root: str, *arguments: str, **env: str) -> Any:
        """What one check of `clientscript` saw."""
        cache = env.pop("cache", None) or str(self.make_directory())
        command = (RELEASES[release], str(SCRIPT), check, root, cache, *arguments)
        return json.loads((await self.run_program(*command, **env)).splitlines()[-1])


class WebServiceTestCase(ClientTestCase):
    """A running farm. `ann` is a moderator, `bert` is somebody."""

    farm: Farm

    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self)
        now = utc_now()
        for name, is_team in (("ann", False), ("bert", False), (BUILDD_ADMINS, True)):
            await self.farm.write(people.add_person, name, name.title(), is_team, "test", now)
        await self.farm.write(people.join, "ann", BUILDD_ADMINS, "test", now)
        await self.arrange()
        web = replace(self.farm.settings.web, public_url=self.root.rstrip("/"))
        self.farm.settings = replace(self.farm.settings, web=web)
        await self.farm.start()
        self.addCleanup(self.wait_until, self._is_left, 5.0, "the clients to hang up")

    async def arrange(self) -> None:
        """What a test does to the farm before it starts."""

    @property
    def root(self) -> str:
        """The address of the web service, without a version."""
        return f"http://127.0.0.1:{self.farm.web_port}/"

    async def token(self, person: str, level: AccessLevel) -> NewSecret:
        """A token of a person."""
        new = new_secret()
        await self.farm.write(
            tokens.issue,
            TokenKind.ACCESS,
            new.kept,
            "test",
            utc_now(),
            person=person,
            level=level,
        )
        return new

    async def credentials(self, person: str, level: AccessLevel = AccessLevel.ADMINISTER) -> str:
        """A file with a token of a person, as `buildd-manager token create` writes it."""
        token = await self.token(person, level)
        path = self.make_directory() / "credentials"
        write_credentials(path, CONSUMER, token.key, token.secret)
        return str(path)

    async def browser(self, person: str, answer: str) -> dict[str, str]:
        """An environment in which programs open a browser, where `person` gives this answer."""
        link = await self.farm.ask("token.login", {"person": person})
        return {
            "BROWSER": f"{sys.executable} {BROWSER} %s",
            "LOGIN_LINK": link,
            "ANSWER": answer,
        }

    async def client(
        self, person: str | None = None, level: AccessLevel = AccessLevel.ADMINISTER
    ) -> Launchpad:
        """launchpadlib, logged in as a person, or as nobody."""
        cache = self.make_directory()
        if person is None:
            client = await deferToThread(
                Launchpad.login_anonymously, "test", self.root, str(cache), version="devel"
            )
            return self._leaving(client)
        token = await self.token(person, level)

        def login() -> Launchpad:
            credentials = Credentials()
            credentials.consumer = Consumer("test")
            credentials.access_token = AccessToken(token.key, token.secret)
            return Launchpad(credentials, None, None, self.root, cache=str(cache), version="devel")

        return self._leaving(await deferToThread(login))

    def _leaving(self, client: Launchpad) -> Launchpad:
        """Have `client` hang up when the test ends."""
        self.addCleanup(deferToThread, client._browser._connection.close)
        return client

    def _is_left(self) -> bool:
        """Whether nobody is connected to the web service any more."""
        return not any(
            hasattr(one, "server") and one.getHost().port == self.farm.web_port
            for one in self.reactor.getReaders()
        )

    async def do(self, work: Callable[..., T], *args: Any) -> T:
        """The result of blocking work of a client."""
        return await deferToThread(work, *args)
