"""What programs read, and how they know whose it is."""

import base64
import hashlib
import hmac
import json

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.notifying.payloads import headers, payload, secret_of
from buildfarm.vocab.errors import Refused
from tests.unit.notifying.cases import WEB, broken, delivery, notice

SECRET = b"a secret of enough bytes to be one"


class TestPayload(FarmTestCase):
    def test_body(self) -> None:
        """Everything that is told, with where there is more."""
        body = json.loads(payload(delivery(notice(), broken(2)), WEB))
        self.assertEqual(
            ("news-0123abcd-3", WEB, "2026-01-01T00:00:00Z", False),
            (body["delivery"], body["farm"], body["created"], body["test"]),
        )
        failed, lost = body["news"]
        self.assertEqual(
            {
                "id": 1,
                "time": "2026-01-01T00:00:00Z",
                "kind": "build-failed",
                "reason": "bob ended the build with PACKAGEFAIL: the package does not build.",
                "builder": {"name": "bob", "url": "http://farm.example/builders/bob"},
                "build": {
                    "id": 7,
                    "url": "http://farm.example/builds/7",
                    "source": "hello",
                    "version": "1.0-1",
                    "architecture": "amd64",
                    "archive": "main",
                    "suite": "bookworm",
                    "requester": "ann",
                    "attempt": 1,
                    "state": "FAILEDTOBUILD",
                },
            },
            failed,
        )
        self.assertEqual(("builder-failed", None), (lost["kind"], lost["build"]))

    def test_the_same_each_time(self) -> None:
        """A delivery that is sent again has the same body."""
        self.assertEqual(payload(delivery(notice()), WEB), payload(delivery(notice()), WEB))


class TestSignature(FarmTestCase):
    def test_headers(self) -> None:
        """Key, time and body are signed together, as Standard Webhooks has it."""
        found = headers("news-1", b"{}", SECRET, BEGINNING)
        self.assertEqual("1767225600", found["webhook-timestamp"])
        mac = hmac.new(SECRET, b"news-1.1767225600.{}", hashlib.sha256).digest()
        expected = base64.b64encode(mac).decode()
        self.assertEqual(f"v1,{expected}", found["webhook-signature"])
        self.assertEqual("news-1", found["webhook-id"])


class TestSecret(FarmTestCase):
    def test_plain_and_base64(self) -> None:
        """A secret is a line as it is, or base64 after `whsec_`."""
        self.assertEqual(SECRET, secret_of(SECRET + b"\n", "it"))
        self.assertEqual(SECRET, secret_of(b"whsec_" + base64.b64encode(SECRET), "it"))

    def test_refused(self) -> None:
        """One that could be guessed is refused, and so is what is no base64."""
        for content in (b"short", b"whsec_c2hvcnQ=", b"whsec_!!!"):
            self.assertRaises(Refused, secret_of, content, "it")
