"""Who the settings say is told."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.notifying.receivers import may_know_private, receivers, requesters
from buildfarm.vocab.news import NewsKind
from buildfarm.vocab.notificationsettings import MailSettings
from tests.unit.notifying.cases import settings, webhook

MAIL = MailSettings(
    host="mail.example", sender="farm@farm.example", recipients=("ann@b", "eve@b", "ann@b")
)


class TestReceivers(FarmTestCase):
    def test_nobody(self) -> None:
        """Without settings nobody is told, and without a server nobody by mail."""
        self.assertEqual((), receivers(settings()))
        self.assertEqual((), receivers(settings(MailSettings(recipients=("ann@b",)))))
        self.assertIs(None, requesters(settings()))

    def test_operators_and_webhooks(self) -> None:
        """Each address is one receiver, and so is each webhook, for what it asks for."""
        hook = webhook(events=("builder-failed",), archives=("main",), private=True)
        found = receivers(settings(MAIL, hook))
        self.assertEqual(["mail ann@b", "mail eve@b", "webhook ci"], [one.name for one in found])
        self.assertEqual({NewsKind.BUILDER_FAILED}, found[-1].kinds)
        self.assertEqual(({"main"}, True), (found[-1].archives, found[-1].private))

    def test_private(self) -> None:
        """Who may know what private thing a failed builder was building is as settings say."""
        told = settings(MAIL, webhook("a", private=True), webhook("b"))
        names = ("mail ann@b", "webhook a", "webhook b", "mail requester@b")
        self.assertEqual(
            [False, True, False, False], [may_know_private(told, name) for name in names]
        )

    def test_requesters(self) -> None:
        """Requesters are told of their builds, of no builders, and only where that is wanted."""
        told = requesters(settings(MAIL))
        assert told is not None
        self.assertEqual({NewsKind.BUILD_FAILED, NewsKind.UPLOAD_REFUSED}, told.kinds)
        quiet = MailSettings(host="mail.example", sender="a@b", requesters=False)
        self.assertIs(None, requesters(settings(quiet)))
