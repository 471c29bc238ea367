"""A reply, sent as a Twisted request wants it.

Layer 5. Tests: tests/functional/webservice.
"""

from typing import Any

from buildfarm.webservice.answers import CONTENT_RETURNED, Reply

_REASONS = {CONTENT_RETURNED: b"Content Returned"}


def send(request: Any, reply: Reply) -> None:
    """Answer `request`, unless its client has gone."""
    if request._disconnected:  # noqa: SLF001 - Twisted has no other name for it
        return
    request.setResponseCode(reply.status, _REASONS.get(reply.status))
    request.setHeader("content-type", reply.content_type)
    request.setHeader("content-length", str(len(reply.body)))
    request.setHeader("x-content-type-options", "nosniff")
    request.setHeader("vary", "Accept, Authorization")
    for name, value in reply.headers.items():
        request.setHeader(name, value)
    if request.method != b"HEAD":
        request.write(reply.body)
    request.finish()
