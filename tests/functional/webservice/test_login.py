"""How launchpadlib gets a token."""

from typing import Any

from launchpadlib.credentials import Consumer, Credentials
from launchpadlib.launchpad import Launchpad
from lazr.restfulclient.errors import HTTPError

from buildfarm.assembly.walltime import utc_now
from buildfarm.storage import tokenrequests
from buildfarm.vocab.access import AccessLevel
from tests.functional.webservice.cases import WebServiceTestCase


class LoginTests(WebServiceTestCase):
    async def asked(self) -> Credentials:
        """A client that has asked for a token."""
        credentials = Credentials()
        credentials.consumer = Consumer("a script")
        await self.do(credentials.get_request_token, None, self.root)
        return credentials

    async def fetch(self, credentials: Credentials) -> int | None:
        """The client comes for its token; the status of the refusal, if it is one."""

        def exchange() -> int | None:
            try:
                credentials.exchange_request_token_for_access_token(self.root)
            except HTTPError as error:
                return int(error.response.status)
            return None

        return await self.do(exchange)

    async def answer(self, credentials: Credentials, act: Any, *args: Any) -> None:
        """A person answers in the browser."""
        key = credentials._request_token.key
        await self.farm.write(act, key, "ann", *args, utc_now())

    async def test_granted(self) -> None:
        """The client waits, is told to go on waiting, and gets a token that is its person's."""
        credentials = await self.asked()
        self.assertEqual(401, await self.fetch(credentials))
        await self.answer(credentials, tokenrequests.approve, AccessLevel.WRITE)
        self.assertIsNone(await self.fetch(credentials))

        def login() -> Launchpad:
            cache = str(self.make_directory())
            return Launchpad(credentials, None, None, self.root, cache=cache, version="devel")

        client = self._leaving(await self.do(login))
        self.assertEqual("ann", await self.do(lambda: client.me.name))

    async def test_refused(self) -> None:
        """A client whose request was refused is told so, for good."""
        credentials = await self.asked()
        await self.answer(credentials, tokenrequests.refuse)
        self.assertEqual(403, await self.fetch(credentials))

    async def test_another_clients_request(self) -> None:
        """Knowing the key, which the browser sees, is not enough."""
        credentials = await self.asked()
        await self.answer(credentials, tokenrequests.approve, AccessLevel.WRITE)
        credentials._request_token.secret = "0" * 64
        self.assertEqual(403, await self.fetch(credentials))
