"""Who is told of what.

| news | whom |
| --- | --- |
| a builder failed | operators by mail, webhooks |
| a build failed, an upload was refused | the same, and the build's requester by mail |

Each as far as its settings name that kind of news. A build in a private archive is told only to
receivers that may know of private archives; that a builder failed is told to all, but to others
without the build it had, and without the sentence, which may quote from that build.

Layer 1: pure. Tests: tests/unit/verdicts/test_news.py.
"""

from dataclasses import replace

from buildfarm.vocab.news import NewsKind, Notice, Receiver

#: Stands for the reason where it may tell of something private.
UNTOLD = "It failed while it was building something private."


def wants(receiver: Receiver, notice: Notice) -> bool:
    """Whether `receiver` is to be told of `notice`."""
    if notice.kind not in receiver.kinds:
        return False
    build = notice.build
    if notice.kind is NewsKind.BUILDER_FAILED or build is None:
        return True
    if receiver.archives and build.archive not in receiver.archives:
        return False
    return receiver.private or not hides_build(notice)


def hides_build(notice: Notice) -> bool:
    """Whether `notice` is of a private build, so that not even that it is there may be told."""
    if notice.kind is NewsKind.BUILDER_FAILED or notice.build is None:
        return False
    return notice.build.private


def as_told(notice: Notice, *, private: bool) -> Notice:
    """`notice` as whoever may know of `private` archives, or not, is told of it.

    Only for notices that they want.
    """
    hidden = notice.build is not None and notice.build.private and not private
    if notice.kind is NewsKind.BUILDER_FAILED and hidden:
        return replace(notice, reason=UNTOLD, build=None, attempt=None)
    return notice
