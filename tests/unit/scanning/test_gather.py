"""Gather: what a builder offers is fetched whole and flushed, or refused whole."""

import gzip
from dataclasses import replace

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.daemonscript import Script
from buildfarm.farmtesting.memory import inline_workers
from buildfarm.filestore.store import FileStore
from buildfarm.scanning.gather import PLACE_SECONDS, Gathered, Gatherer
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.errors import BuilderError, ResultsCorrupt
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.settings import GatherSettings
from buildfarm.vocab.states import BuildOutcome
from tests.unit.scanning.cases import CHANGES, RESULTS, ScanningTestCase

LOG = b"RUN: builder-prep\n\x1b[1mbuilt\x1b[0m\n"


class GatherTests(ScanningTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()
        self.client = self.make_client(self.bob)
        self.addCleanup(self.client.close)
        self.job = self.job_of(self.claimed(self.bob))
        self.spool = self.spool_dir / self.job.order.attempt.spool

    def build(self, script: Script | None = None, name: str = "bob") -> Observation:
        """Have the daemon build; what it says once it has ended."""
        self.daemon(name).script = lambda order: script or Script(results=RESULTS, log=LOG)
        self.successResultOf(self.dispatcher.dispatch(self.client, self.job))
        self.clock.advance(10.0)
        return self.ask_daemon(self.client)

    def limit(self, **limits: int) -> None:
        self.gatherer.settings = replace(GatherSettings(), **limits)

    def begin(self, said: Observation) -> Deferred[Gathered]:
        return Deferred.fromCoroutine(self.gatherer.gather(self.client, self.job, said))

    def gather(self, said: Observation) -> Gathered:
        return self.successResultOf(self.begin(said))

    def log_of(self, log: StoredFile | None) -> bytes:
        assert log is not None
        with FileStore(self.store_dir).open(log.sha256) as file:
            return gzip.decompress(file.read())

    def spooled(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.spool.iterdir()}

    def test_results_are_kept_under_numbers(self) -> None:
        """The builder's names, sorted, are data; on our disk the files are 0001, 0002 and so on."""
        gathered = self.gather(self.build())
        names = sorted(RESULTS)
        self.assertEqual(names, [file.name for file in gathered.files])
        self.assertEqual({"0001": RESULTS[names[0]], "0002": RESULTS[names[1]]}, self.spooled())
        self.assertIsNone(gathered.refusal)

    def test_the_log_is_stored_compressed(self) -> None:
        """It is in the file store, and not in the spool any more."""
        self.assertEqual(LOG, self.log_of(self.gather(self.build()).log))

    def test_a_build_that_failed_leaves_a_log_and_no_spool(self) -> None:
        """Only a build that is OK has results."""
        gathered = self.gather(self.build(Script(BuildOutcome.PACKAGEFAIL, log=LOG)))
        self.assertEqual((), gathered.files)
        self.assertEqual(LOG, self.log_of(gathered.log))
        self.assertFalse(self.spool.exists())

    def test_a_cancelled_build_leaves_its_log_alone(self) -> None:
        """An OK that arrives while cancelling is not fetched."""
        said = self.build()
        self.job.cancel()
        gathered = self.gather(said)
        self.assertEqual((), gathered.files)
        self.assertEqual(LOG, self.log_of(gathered.log))

    def test_what_an_interrupted_gather_left_is_removed(self) -> None:
        """It is fetched again, from the beginning."""
        self.spool.mkdir(parents=True)
        (self.spool / "0007").write_text("half of something")
        self.gather(self.build())
        self.assertEqual(["0001", "0002"], sorted(self.spooled()))

    def test_a_name_that_is_none_refuses_the_results(self) -> None:
        """Nothing that a builder says becomes a path; the refusal shows the name escaped."""
        said = self.build()
        for name in ("../hello.deb", ".hidden", "", "a/b", "line\nbreak"):
            gathered = self.gather(replace(said, filemap={CHANGES: "1" * 40, name: "2" * 40}))
            self.assertEqual((), gathered.files)
            self.assertNotIn("\n", gathered.refusal or "\n")
            self.assertEqual(LOG, self.log_of(gathered.log))
            self.assertFalse(self.spool.exists())

    def test_too_many_files_are_refused(self) -> None:
        """The limit is in the sentence, and nothing is fetched."""
        self.limit(max_files=1)
        gathered = self.gather(self.build())
        self.assertIn("the limit is 1", gathered.refusal or "")
        self.assertEqual((), gathered.files)

    def test_a_file_that_is_too_large_is_refused(self) -> None:
        """What was fetched before it is removed as well."""
        self.limit(max_file_bytes=10)
        gathered = self.gather(self.build())
        self.assertIn("more than 10 bytes", gathered.refusal or "")
        self.assertFalse(self.spool.exists())

    def test_results_that_are_too_large_together_are_refused(self) -> None:
        """Each may be within its limit while all of them are not."""
        self.limit(max_total_bytes=sum(map(len, RESULTS.values())) - 1)
        gathered = self.gather(self.build())
        self.assertIsNotNone(gathered.refusal)
        self.assertFalse(self.spool.exists())
        self.limit(max_total_bytes=sum(map(len, RESULTS.values())))
        self.assertEqual(2, len(self.gather(self.ask_daemon(self.client)).files))

    def test_a_file_that_is_not_what_was_announced_is_an_error(self) -> None:
        """The digest is the builder's word, and it is held to it."""
        said = self.build()
        name, other = sorted(RESULTS)
        digests = {name: said.filemap[other]}
        self.gather(replace(said, filemap=digests))
        self.daemon()._cache[said.filemap[name]] = b"something else"
        self.failureResultOf(self.begin(said), ResultsCorrupt)

    def test_a_result_that_is_not_there_is_an_error(self) -> None:
        """The builder fails then; the gather is tried again, and nothing is left of this one."""
        said = self.build()
        self.failureResultOf(self.begin(replace(said, filemap={CHANGES: "0" * 40})), BuilderError)
        self.assertFalse(self.spool.exists())

    def test_a_log_that_cannot_be_fetched_leaves_its_last_tail(self) -> None:
        """The end of it was seen while it was built, and the results are gathered all the same."""
        said = self.build()
        self.limit(max_log_bytes=10)
        self.job.logtail = "the end"
        gathered = self.gather(said)
        self.assertEqual(b"the end", self.log_of(gathered.log))
        self.assertEqual(2, len(gathered.files))

    def begin_two(self) -> tuple[Deferred[Gathered], Deferred[Gathered]]:
        """The gather of a builder that hangs, which has the only place, and one that waits."""
        settings = GatherSettings(concurrent=1)
        store = FileStore(self.store_dir)
        self.gatherer = Gatherer(self.clock, settings, self.spool_dir, store, inline_workers())
        said = self.build()
        self.daemon().hang()
        first = self.begin(said)
        ann = self.add_builder("ann")
        self.client = self.make_client(ann)
        self.addCleanup(self.client.close)
        self.submit("other")
        [order] = self.claim(ann.id)
        assert order is not None
        self.job = self.job_of(order)
        second = self.begin(self.build(name="ann"))
        self.assertNoResult(second)
        return first, second

    def test_a_slow_builder_gives_its_place_back(self) -> None:
        """It is still gathered from; whoever waited goes on meanwhile."""
        slow, second = self.begin_two()
        self.clock.advance(PLACE_SECONDS)
        self.assertEqual(2, len(self.successResultOf(second).files))
        self.assertNoResult(slow)
        self.daemon().wake()
        self.assertEqual(2, len(self.successResultOf(slow).files))

    def test_as_many_gather_at_once_as_may(self) -> None:
        """Whoever comes then waits for a place, and goes on when there is one."""
        first, second = self.begin_two()
        self.daemon().wake()
        self.assertEqual(2, len(self.successResultOf(first).files))
        self.assertEqual(2, len(self.successResultOf(second).files))
