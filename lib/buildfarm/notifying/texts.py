"""What people read: a delivery as the subject and the text of a mail.

Everything that builders and packages have a say in is one line, escaped. Layer 4, pure. Tests:
tests/unit/notifying/test_texts.py.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from buildfarm.vocab.news import Delivery, NewsKind, Notice
from buildfarm.vocab.statewords import STATES
from buildfarm.vocab.text import one_line

#: The most characters of a subject.
_SUBJECT = 120

_COUNTED = {
    NewsKind.BUILDER_FAILED: ("builder failed", "builders failed"),
    NewsKind.BUILD_FAILED: ("build failed", "builds failed"),
    NewsKind.UPLOAD_REFUSED: ("upload was refused", "uploads were refused"),
}


def subject(delivery: Delivery) -> str:
    """One line that names the one thing that has happened, or counts the many."""
    if not delivery.notices:
        return "[buildd] a test: mail of this farm arrives"
    if delivery.count == 1:
        return f"[buildd] {one_line(headline(delivery.notices[0]), _SUBJECT)}"
    counts = _counts(delivery.notices)
    if delivery.count > len(delivery.notices):
        return f"[buildd] {delivery.count} failures, among them {counts}"
    return f"[buildd] {counts}"


def headline(notice: Notice) -> str:
    """One notice in a few words."""
    if notice.kind is NewsKind.BUILDER_FAILED or notice.build is None:
        return f"the builder {notice.builder} has failed"
    if notice.kind is NewsKind.UPLOAD_REFUSED:
        return f"upload refused: {notice.build.title}"
    state = "failed" if notice.state is None else STATES[notice.state]
    return f"{state}: {notice.build.title}"


def text(delivery: Delivery, web_url: str) -> str:
    """The whole text: each notice with its time, its reason and where there is more."""
    if not delivery.notices:
        return f"This is a test, which somebody has asked for.\n\n{web_url}/\n"
    parts = ["\n".join(_lines(notice, web_url)) for notice in delivery.notices]
    more = delivery.count - len(delivery.notices)
    if more:
        parts.append(f"… and {more} more: {web_url}/")
    parts.append(f"Times are UTC. Delivery {delivery.key}.")
    return "\n\n".join(parts) + "\n"


def _lines(notice: Notice, web_url: str) -> Iterator[str]:
    yield f"{notice.time:%Y-%m-%d %H:%M:%S}  {one_line(headline(notice))}"
    yield f"  {one_line(notice.reason, 1000)}"
    if notice.kind is NewsKind.BUILDER_FAILED and notice.builder is not None:
        yield f"  {web_url}/builders/{notice.builder}"
    if notice.build is not None:
        yield f"  {web_url}/builds/{notice.build.id}"


def _counts(notices: Sequence[Notice]) -> str:
    found = Counter(notice.kind for notice in notices)
    return ", ".join(
        f"{found[kind]} {words[found[kind] > 1]}" for kind, words in _COUNTED.items() if found[kind]
    )
