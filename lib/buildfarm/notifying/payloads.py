"""What programs read: a delivery as JSON, and the signature by which they know whose it is.

The signature is that of Standard Webhooks (docs/notifications.md): HMAC-SHA256 over the delivery's
key, the time of this try and the body. Layer 4, pure. Tests: tests/unit/notifying/test_payloads.py.
"""

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from buildfarm.vocab.errors import Refused
from buildfarm.vocab.news import Delivery, Notice
from buildfarm.vocab.text import one_line

#: Bytes that a secret has at least: what is shorter can be found by trying.
MIN_SECRET = 24

#: What begins a secret that is written in base64.
_PREFIX = b"whsec_"


def payload(delivery: Delivery, web_url: str) -> bytes:
    """The body, the same for each try of a delivery."""
    body = {
        "delivery": delivery.key,
        "farm": web_url,
        "created": _time(delivery.created),
        "test": not delivery.notices,
        "news": [_notice(notice, web_url) for notice in delivery.notices],
    }
    return json.dumps(body).encode()


def headers(key: str, body: bytes, secret: bytes, now: datetime) -> dict[str, str]:
    """The headers that name, date and sign `body`; `now` is naive UTC, that of this try."""
    timestamp = str(int(now.replace(tzinfo=UTC).timestamp()))
    signature = base64.b64encode(sign(key, timestamp, body, secret)).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "buildd-manager",
        "webhook-id": key,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }


def sign(key: str, timestamp: str, body: bytes, secret: bytes) -> bytes:
    """What proves that `body` was sent by who has the secret, under this key and at this time."""
    return hmac.digest(secret, f"{key}.{timestamp}.".encode() + body, hashlib.sha256)


def secret_of(content: bytes, where: str) -> bytes:
    """The secret in a file with this content: one line, in base64 after `whsec_`, else as it is.

    Raises Refused for one that is too short, or is no base64.
    """
    line = content.strip()
    if line.startswith(_PREFIX):
        try:
            line = base64.b64decode(line.removeprefix(_PREFIX), validate=True)
        except binascii.Error as error:
            raise Refused(f"{where}: what follows whsec_ is not base64.") from error
    if len(line) < MIN_SECRET:
        raise Refused(f"{where}: a secret has at least {MIN_SECRET} bytes; this has {len(line)}.")
    return line


def _notice(notice: Notice, web_url: str) -> dict[str, Any]:
    build = notice.build
    return {
        "id": notice.id,
        "time": _time(notice.time),
        "kind": notice.kind.value,
        "reason": one_line(notice.reason, 2000),
        "builder": None
        if notice.builder is None
        else {"name": notice.builder, "url": f"{web_url}/builders/{notice.builder}"},
        "build": None
        if build is None
        else {
            "id": build.id,
            "url": f"{web_url}/builds/{build.id}",
            "source": build.source,
            "version": build.version,
            "architecture": build.architecture,
            "archive": build.archive,
            "suite": build.suite,
            "requester": build.requester,
            "attempt": notice.attempt,
            "state": None if notice.state is None else notice.state.value,
        },
    }


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}Z"
