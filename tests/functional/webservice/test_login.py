"""How a client gets a token: the two addresses that it posts forms to.

The whole way of launchpadlib, with a browser, is in test_clients.py.
"""

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qsl, urlencode

from buildfarm.assembly.walltime import utc_now
from buildfarm.storage import tokenrequests
from buildfarm.vocab.access import AccessLevel
from tests.functional.webservice.cases import WebServiceTestCase


class LoginTests(WebServiceTestCase):
    async def post(
        self, path: str, form: dict[str, str], method: str = "POST", **headers: str
    ) -> tuple[int, str]:
        """Post a form; the status and body of the answer."""

        def ask() -> tuple[int, str]:
            connection = HTTPConnection("127.0.0.1", self.farm.web_port, timeout=20)
            sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
            try:
                connection.request(method, path, urlencode(form), sent)
                response = connection.getresponse()
                return response.status, response.read().decode()
            finally:
                connection.close()

        return await self.do(ask)

    async def asked(self) -> dict[str, str]:
        """A client that has asked for a token: its key and secret."""
        status, body = await self.post("/+request-token", signed())
        self.assertEqual(200, status)
        return dict(parse_qsl(body))

    async def fetch(self, token: dict[str, str], secret: str = "") -> tuple[int, dict[str, str]]:
        """The client comes for the token that it has asked for."""
        form = signed(token["oauth_token"], secret or token["oauth_token_secret"])
        status, body = await self.post("/+access-token", form)
        return status, dict(parse_qsl(body))

    async def answer(self, token: dict[str, str], act: Any, *args: Any) -> None:
        """A person answers in the browser."""
        await self.farm.write(act, token["oauth_token"], "ann", *args, utc_now())

    async def test_granted(self) -> None:
        """The client is told to go on waiting, then gets a token of its person's, and only once."""
        token = await self.asked()
        self.assertEqual(401, (await self.fetch(token))[0])
        await self.answer(token, tokenrequests.approve, AccessLevel.WRITE)
        status, granted = await self.fetch(token)
        self.assertEqual((200, "None"), (status, granted["lp.context"]))
        visitor = await self.names(granted)
        self.assertEqual(("303", "/devel/~ann"), visitor)
        self.assertEqual(403, (await self.fetch(token))[0])

    async def names(self, granted: dict[str, str]) -> tuple[str, str]:
        """Where `me` of somebody with this token leads."""
        header = (
            f'OAuth oauth_consumer_key="a script", oauth_token="{granted["oauth_token"]}", '
            f'oauth_signature="%26{granted["oauth_token_secret"]}"'
        )

        def ask() -> tuple[str, str]:
            connection = HTTPConnection("127.0.0.1", self.farm.web_port, timeout=20)
            try:
                connection.request("GET", "/devel/people/+me", headers={"Authorization": header})
                response = connection.getresponse()
                location = response.getheader("Location") or ""
                return str(response.status), "/" + location.removeprefix(self.root)
            finally:
                connection.close()

        return await self.do(ask)

    async def test_refused(self) -> None:
        """A client whose request was refused is told so, for good."""
        token = await self.asked()
        await self.answer(token, tokenrequests.refuse)
        for _ in range(2):
            self.assertEqual(403, (await self.fetch(token))[0])

    async def test_another_clients_request(self) -> None:
        """Knowing the key, which the browser sees, is not enough."""
        token = await self.asked()
        await self.answer(token, tokenrequests.approve, AccessLevel.WRITE)
        self.assertEqual(403, (await self.fetch(token, "0" * 64))[0])
        self.assertEqual(200, (await self.fetch(token))[0])

    async def test_asked_for_as_json(self) -> None:
        """A client that accepts JSON gets the same as JSON."""
        status, body = await self.post("/+request-token", signed(), Accept="application/json")
        found = json.loads(body)
        self.assertEqual((200, "a script"), (status, found["oauth_token_consumer"]))
        self.assertEqual([], found["access_levels"])

    async def test_what_is_no_request(self) -> None:
        """Forms without a consumer or a signature, and strange names, are refused with a word."""
        for form in ({}, {"oauth_consumer_key": "a"}, {**signed(), "oauth_consumer_key": "a\nb"}):
            for path in ("/+request-token", "/+access-token"):
                status, body = await self.post(path, form)
                self.assertIn(status, (400, 403))
                self.assertTrue(body.endswith("."), body)

    async def test_asked_another_way(self) -> None:
        """They take forms alone."""
        for method in ("HEAD", "GET"):
            for path in ("/+request-token", "/+access-token"):
                status, _ = await self.post(path, signed(), method)
                self.assertEqual(405, status)


def signed(token: str = "", secret: str = "") -> dict[str, str]:
    """A form as launchpadlib signs it."""
    return {
        "oauth_consumer_key": "a script",
        "oauth_signature_method": "PLAINTEXT",
        "oauth_signature": f"&{secret}",
        **({"oauth_token": token} if token else {}),
    }
