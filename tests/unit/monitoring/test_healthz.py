"""`/healthz`: what is sent."""

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.test.requesthelper import DummyRequest

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.monitoring.healthz import WELL, HealthResource
from buildfarm.vocab.health import Health


class HealthzTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.health: Deferred[Health] = Deferred()
        self.request = DummyRequest([b"healthz"])
        self.request._disconnected = False

    def answer(self, method: bytes = b"GET") -> tuple[int | None, bytes]:
        """The status and body that were sent."""
        self.request.method = method
        HealthResource(lambda: self.health).render(self.request)
        return self.request.responseCode, b"".join(self.request.written)

    def test_well(self) -> None:
        """200, and nothing is kept by caches."""
        self.health.callback(Health())
        self.assertEqual((200, WELL.encode()), self.answer())
        headers = dict(self.request.responseHeaders.getAllRawHeaders())
        self.assertEqual([b"no-store"], headers[b"Cache-Control"])

    def test_in_trouble(self) -> None:
        """503, with a sentence a line."""
        self.health.callback(Health(("This.", "That.")))
        self.assertEqual((503, b"This.\nThat.\n"), self.answer())

    def test_head(self) -> None:
        """HEAD has the status alone."""
        self.health.callback(Health(("This.",)))
        self.assertEqual((503, b""), self.answer(b"HEAD"))

    def test_a_fault_of_ours(self) -> None:
        """Is logged, and tells nothing."""
        self.health.errback(ZeroDivisionError("secret"))
        status, body = self.answer()
        self.assertEqual((500, False), (status, b"secret" in body))
        self.assertEqual(1, len(self.flush_logged_errors(ZeroDivisionError)))

    def test_a_client_that_goes(self) -> None:
        """Ends the question, and nothing is sent."""
        self.answer()
        self.request._disconnected = True
        self.request.processingFailed(Failure(ConnectionError()))
        self.assertEqual([], self.request.written)
