"""The web service behind a reverse proxy: a real nginx, with TLS, in front of a farm."""

import json
import signal
import ssl
from dataclasses import replace
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

from twisted.internet.threads import deferToThread

from buildfarm.farmtesting.authority import Authority
from buildfarm.farmtesting.ports import free_port
from buildfarm.farmtesting.processes import Process
from buildfarm.identity.attempts import MOST
from tests.functional.webservice.cases import RELEASES, WebServiceTestCase

#: As docs/operations.md has it, on ports and in a directory of the test's own.
CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location / {{
            proxy_pass {farm};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""


class ProxyTestCase(WebServiceTestCase):
    proxies: tuple[str, ...] = ("127.0.0.0/8",)

    async def arrange(self) -> None:
        """Have the farm believe in the proxies of the test."""
        web = replace(self.farm.settings.web, proxies=self.proxies)
        self.farm.settings = replace(self.farm.settings, web=web)

    async def get(self, connect: Any, **headers: str) -> tuple[int, Any]:
        """Status and body of the service's root, or of `me` where a token comes along."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        path = "/devel/people/+me" if "Authorization" in sent else "/devel/"

        def asking() -> tuple[int, Any]:
            connection = connect()
            try:
                connection.request("GET", path, headers=sent)
                response = connection.getresponse()
                return response.status, response.read().decode()
            finally:
                connection.close()

        return await deferToThread(asking)

    def directly(self) -> HTTPConnection:
        """A connection to the farm itself."""
        return HTTPConnection("127.0.0.1", self.farm.web_port, timeout=20)

    async def root_seen(self, **headers: str) -> str:
        """By which address the farm thinks that it was asked."""
        _, body = await self.get(self.directly, **headers)
        address: str = json.loads(body)["resource_type_link"]
        return address.removesuffix("devel/#service-root")

    async def wrong_tokens(self, **headers: str) -> list[int]:
        """What more wrong tokens than are allowed are answered with."""
        wrong = 'OAuth oauth_consumer_key="c", oauth_token="k", oauth_signature="%26s"'
        return [
            (await self.get(self.directly, Authorization=wrong, **headers))[0]
            for _ in range(MOST + 1)
        ]


class BelievedTests(ProxyTestCase):
    async def test_links(self) -> None:
        """They have the scheme and the name by which the client reached the proxy."""
        said = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "farm.example"}
        self.assertEqual("https://farm.example/", await self.root_seen(**said))
        self.assertEqual(self.root, await self.root_seen())

    async def test_whose_attempts_are_counted(self) -> None:
        """The client's own, by what the proxy says: another is not kept out."""
        tried = await self.wrong_tokens(X_Forwarded_For="203.0.113.1, 198.51.100.1")
        self.assertEqual([401] * MOST + [429], tried)
        self.assertEqual(401, (await self.wrong_tokens(X_Forwarded_For="198.51.100.2"))[0])


class UnbelievedTests(ProxyTestCase):
    proxies = ("192.0.2.80",)

    async def test_links(self) -> None:
        """A peer that is no proxy of ours changes nothing in them."""
        said = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "farm.example"}
        self.assertEqual(self.root, await self.root_seen(**said))

    async def test_whose_attempts_are_counted(self) -> None:
        """The peer's own, whomever it names."""
        tried = [
            (await self.wrong_tokens(X_Forwarded_For=f"198.51.100.{number}"))[-1]
            for number in range(2)
        ]
        self.assertEqual([429, 429], tried)


class NginxTests(ProxyTestCase):
    """Clients speak TLS with nginx, which is at the same address as the farm."""

    async def arrange(self) -> None:
        """Choose where nginx listens."""
        await super().arrange()
        self.directory = self.make_directory()
        self.authority = Authority(self.directory)
        self.port = free_port()

    async def setUp(self) -> None:
        await super().setUp()
        await self.start_nginx()

    @property
    def root(self) -> str:
        """The address of the web service, as clients know it."""
        return f"https://127.0.0.1:{self.port}/"

    def behind(self) -> str:
        """Where nginx finds the farm."""
        return f"http://127.0.0.1:{self.farm.web_port}"

    async def start_nginx(self) -> None:
        """Have nginx serve the farm."""
        key, certificate = self.authority.issue("127.0.0.1")
        configuration = self.directory / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(
                directory=self.directory,
                port=self.port,
                certificate=certificate,
                key=key,
                farm=self.behind(),
            )
        )
        arguments = ("/usr/sbin/nginx", "-c", str(configuration))
        log = self.directory / "nginx.log"
        nginx = Process.start(self.reactor, arguments, log, cwd=self.directory)
        self.addCleanup(nginx.when_ended)
        self.addCleanup(nginx.send, signal.SIGQUIT)
        await self.wait_until(self.answers, 10.0, log.read_text)

    async def answers(self) -> bool:
        """Whether nginx is there."""
        try:
            return (await self.get(self.through_nginx))[0] == 200
        except OSError:
            return False

    def through_nginx(self) -> HTTPSConnection:
        """A connection to nginx."""
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        return HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context)

    async def test_clients(self) -> None:
        """Both releases of launchpadlib work through it: every link leads through it again."""
        await self.farm.add_builder(self.farm.daemon(), "alpha")
        people = (await self.credentials("ann"), await self.credentials("bert"), "-")
        for release in RELEASES:
            trusted = {"FARM_CA": str(self.authority.certificate)}
            found = await self.script(release, "writing", self.root, *people, **trusted)
            self.assertEqual([False, "its disk is broken"], found["saved"])
            self.assertEqual(["PreconditionFailed", 412], found["older"])
            found = await self.script(release, "reading", self.root, "-", **trusted)
            self.assertEqual("alpha", found["by address"])


class NginxBySocketTests(NginxTests):
    """The same where nginx reaches the farm by a socket of the machine, which has no address."""

    proxies = ("unix",)

    async def arrange(self) -> None:
        """Have the farm listen at a path."""
        await super().arrange()
        self.socket = self.make_directory() / "web.sock"
        web = replace(self.farm.settings.web, listen=f"unix:{self.socket}:mode=600")
        self.farm.settings = replace(self.farm.settings, web=web)

    def behind(self) -> str:
        """Where nginx finds the farm."""
        return f"http://unix:{self.socket}:"
