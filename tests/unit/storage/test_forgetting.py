"""Logs and sources that are given up, and those that never are."""

from buildfarm.storage import builds, forgetting
from buildfarm.vocab.build import BuildOrder
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.unit.storage.cases import StorageTestCase, source, stored

DAY = 86_400.0


class ForgettingTests(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()

    def forget_logs(self) -> int:
        """Give up logs of more than a day; how many."""
        before = self.later(-DAY)
        return self.act(forgetting.forget_logs, self.ask(forgetting.old_logs, before, 0), before)

    def forget_sources(self) -> int:
        """Give up sources of more than a day; how many."""
        before = self.later(-DAY)
        found = self.ask(forgetting.old_sources, before, 0)
        return self.act(forgetting.forget_sources, found, before)

    def failed(self, order: BuildOrder) -> None:
        """Let the build of `order` fail, with a log."""
        log = stored(f"log-{order.attempt.id}")
        self.end(order, BuildOutcome.PACKAGEFAIL, log=log)

    def logs(self) -> list[str | None]:
        """The log of each attempt."""
        return [digest for (digest,) in self.rows("SELECT log_digest FROM attempt ORDER BY id")]

    def files(self) -> list[str]:
        """The column of files of each source package."""
        return [files for (files,) in self.rows("SELECT files FROM source ORDER BY id")]

    # Logs.

    def test_the_last_log_of_a_current_build_stays(self) -> None:
        """However old it is, people can still read why it failed."""
        build_id = self.submit()
        self.failed(self.start(self.bob))
        self.pass_time(100 * DAY)
        self.assertEqual(0, self.forget_logs())
        self.assertIsNotNone(self.build(build_id).log_digest)

    def test_the_log_of_an_earlier_attempt_goes(self) -> None:
        """The build keeps the one of its last attempt."""
        build_id = self.submit()
        self.failed(self.start(self.bob))
        self.act(builds.retry, build_id, False, "alice", self.now())
        self.failed(self.start(self.bob))
        self.pass_time(2 * DAY)
        self.assertEqual(1, self.forget_logs())
        first, last = self.logs()
        self.assertEqual((None, self.build(build_id).log_digest), (first, last))
        self.assertIsNotNone(last)
        self.assertEqual(0, self.forget_logs())

    def test_logs_of_a_build_that_is_not_current_go(self) -> None:
        """A newer version was submitted: nobody asks for the old log after its time."""
        build_id = self.submit()
        self.failed(self.start(self.bob))
        self.submit(version="2.0-1")
        self.assertEqual(0, self.forget_logs())
        self.pass_time(2 * DAY)
        self.assertEqual(1, self.forget_logs())
        self.assertEqual([None], self.logs())
        self.assertIsNone(self.build(build_id).log_digest)

    def test_the_log_of_an_open_attempt_stays(self) -> None:
        """Results that wait for their upload have a log, whatever was submitted since."""
        self.submit()
        self.gather(self.start(self.bob))
        self.submit(version="2.0-1")
        self.pass_time(2 * DAY)
        self.assertEqual(0, self.forget_logs())

    def test_an_attempt_that_became_younger_keeps_its_log(self) -> None:
        """The act looks again: what the query found may be another thing by then."""
        self.submit()
        order = self.start(self.bob)
        self.failed(order)
        self.submit(version="2.0-1")
        before = self.later(-DAY)
        self.assertEqual(0, self.act(forgetting.forget_logs, [order.attempt.id], before))

    # Sources.

    def test_sources_of_what_was_published_go(self) -> None:
        """A published build is never built again."""
        self.submit()
        order = self.start(self.bob)
        self.gather(order)
        self.publish(order)
        self.assertEqual(0, self.forget_sources())
        self.pass_time(2 * DAY)
        self.assertEqual(1, self.forget_sources())
        self.assertEqual(["[]"], self.files())
        self.assertEqual(0, self.forget_sources())

    def test_sources_of_what_can_be_retried_stay(self) -> None:
        """A build that failed, waits, runs or uploads needs them, however long that takes."""
        failed = self.submit("failed")
        self.failed(self.start(self.bob))
        self.submit("gathered")
        self.gather(self.start(self.bob))
        self.submit("running")
        self.start(self.bob)
        self.submit("waiting")
        self.pass_time(100 * DAY)
        self.assertEqual(0, self.forget_sources())
        self.act(builds.retry, failed, False, "alice", self.now())

    def test_one_of_several_builds_is_enough(self) -> None:
        """What one architecture has published, another may still have to build."""
        self.submit(architectures=("amd64", "arm64"))
        order = self.start(self.bob)
        self.gather(order)
        self.publish(order)
        self.pass_time(2 * DAY)
        self.assertEqual(0, self.forget_sources())

    def test_sources_of_what_is_not_current_go(self) -> None:
        """After that a retry is refused in a sentence."""
        build_id = self.submit()
        self.failed(self.start(self.bob))
        self.submit(version="2.0-1")
        self.pass_time(2 * DAY)
        self.assertEqual(1, self.forget_sources())
        refused = self.assertRaises(
            Refused, self.act, builds.retry, build_id, False, "alice", self.now()
        )
        self.assertEqual(
            f"Build {build_id} cannot be built again: its sources were kept for as long as "
            "[retention] sources says; submit a newer version.",
            str(refused),
        )
        self.assertIs(BuildState.FAILEDTOBUILD, self.state(build_id))

    def test_a_retry_between_query_and_act_keeps_them(self) -> None:
        """The act looks again."""
        build_id = self.submit()
        self.failed(self.start(self.bob))
        self.submit(version="2.0-1")
        self.pass_time(2 * DAY)
        before = self.later(-DAY)
        found = self.ask(forgetting.old_sources, before, 0)
        self.act(builds.retry, build_id, False, "alice", self.now())
        self.assertEqual(0, self.act(forgetting.forget_sources, found, before))

    def test_submitted_again(self) -> None:
        """The same source for another suite brings its files, and they are named again."""
        self.submit()
        order = self.start(self.bob)
        self.gather(order)
        self.publish(order)
        self.pass_time(2 * DAY)
        self.forget_sources()
        self.submit(suite="bookworm-security")
        [files] = self.files()
        self.assertIn(source().files[0].sha256, files)

    def test_a_span_at_a_time(self) -> None:
        """No query looks at more ids than a span, and none is left out."""
        self.submit()
        self.failed(self.start(self.bob))
        self.submit(version="2.0-1")
        self.pass_time(2 * DAY)
        last = self.ask(forgetting.last_attempt)
        self.assertEqual(1, last)
        self.assertEqual((), self.ask(forgetting.old_logs, self.later(-DAY), last))
        self.assertEqual((1,), self.ask(forgetting.old_logs, self.later(-DAY), last - 1))
        self.assertEqual(2, self.ask(forgetting.last_source))
