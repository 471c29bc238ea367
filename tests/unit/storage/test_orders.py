"""Build orders: what a builder is told of its job."""

import base64

from buildfarm.storage import archives, builds, orders, roster
from buildfarm.vocab.build import Holding
from buildfarm.vocab.states import ResetProtocol, UploaderKind
from tests.unit.storage.cases import StorageTestCase, source, stored

WEB = "http://web.example"


class TestArguments(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()

    def test_all_of_them(self) -> None:
        """Every argument of launchpad-buildd's `binarypackage` is there, none of its own making."""
        self.submit("hello", suite="bookworm-security")
        order = self.start(self.bob)
        self.assertEqual(
            {
                "series": "bookworm",
                "suite": "bookworm-security",
                "arch_tag": "amd64",
                "arch_indep": True,
                "archive_private": False,
                "archive_purpose": "PRIMARY",
                "archives": [],
                "trusted_keys": [],
                "build_debug_symbols": False,
                "build_url": "",
                "fast_cleanup": False,
                "ogrecomponent": "main",
                "distribution": "debian",
                "image_type": "chroot",
                "builder_constraints": [],
            },
            order.args,
        )
        self.assertEqual("hello 1.0-1 amd64 in main/bookworm-security", order.title)
        self.assertEqual(source("hello").files, order.files)
        self.assertEqual("chroot-debian-bookworm-amd64.tar", order.chroot.name)
        self.assertEqual(stored("debian-amd64.tar").sha1, order.chroot.sha1)
        self.assertEqual(300.0, order.estimated_duration)
        self.assertFalse(order.private)

    def test_what_builders_hold(self) -> None:
        """For people: which build, of which archive, since it was sent or, before, claimed."""
        self.submit("hello")
        order = self.start(self.bob)
        self.assertEqual(
            {
                self.bob.id: Holding(
                    order.attempt.build_id,
                    order.title,
                    "main",
                    private=False,
                    estimated_duration=order.estimated_duration,
                    since=order.attempt.sent or order.attempt.claimed,
                )
            },
            orders.holdings(self.store),
        )

    def test_of_another_archive(self) -> None:
        """Base lines, keys, component and privacy are the archive's."""
        self.add_archive(
            "extra",
            component="contrib",
            bases=("deb http://deb.example bookworm main", "deb http://two.example x y"),
            trusted_keys=("armored key",),
            private=True,
        )
        self.submit("hello", archive="extra", architectures=("arm64",))
        arm = self.add_builder("arm", processors=("arm64",))
        order = self.start(arm)
        self.assertEqual(
            [
                ["deb http://deb.example bookworm main", "deb http://two.example x y"],
                [base64.b64encode(b"armored key").decode()],
                "contrib",
                True,
                False,
            ],
            [
                order.args[name]
                for name in (
                    "archives",
                    "trusted_keys",
                    "ogrecomponent",
                    "archive_private",
                    "arch_indep",
                )
            ],
        )
        self.assertTrue(order.private)

    def test_on_a_virtual_builder(self) -> None:
        """Only a builder that is reset afterwards may leave its mess behind."""
        self.add_archive("virtual", virtualized=True)
        self.submit("hello", archive="virtual")
        vm = self.add_builder(
            "vm",
            virtualized=True,
            vm_host="host",
            vm_reset_protocol=ResetProtocol.SYNCHRONOUS,
        )
        self.assertIs(True, self.start(vm).args["fast_cleanup"])

    def test_with_the_web_address(self) -> None:
        """With the manager's own address a build knows its page and what was built before it."""
        changes = {"uploader": "reprepro", "bases": ["deb http://deb.example bookworm main"]}
        self.act(archives.change_archive, "main", changes, "root", self.now())
        build_id = self.submit()
        self.start(self.bob)
        order = self.ask(orders.open_orders, WEB)[self.bob.id]
        self.assertEqual(f"{WEB}/builds/{build_id}", order.args["build_url"])
        self.assertEqual(
            [
                "deb http://deb.example bookworm main",
                f"deb [trusted=yes] {WEB}/archive/main bookworm main",
            ],
            order.args["archives"],
        )

    def test_own_line(self) -> None:
        """A signed archive is trusted by its key; one that apt cannot read has no line."""
        main = self.ask(archives.archive_named, "main")
        self.assertIs(UploaderKind.DIRECTORY, main.uploader)
        self.assertEqual([], orders.own_lines(main, "bookworm", WEB))
        changes = {"uploader": "reprepro", "key_id": "ABCDEF"}
        self.act(archives.change_archive, "main", changes, "root", self.now())
        main = self.ask(archives.archive_named, "main")
        self.assertEqual(
            [f"deb {WEB}/archive/main bookworm main"], orders.own_lines(main, "bookworm", WEB)
        )
        self.assertEqual([], orders.own_lines(main, "bookworm", ""))

    def test_private_archive(self) -> None:
        """The line of a private archive has a token in it, so the database makes none."""
        changes = {"uploader": "reprepro", "private": True}
        self.act(archives.change_archive, "main", changes, "root", self.now())
        self.submit()
        self.start(self.bob)
        order = self.ask(orders.open_orders, WEB)[self.bob.id]
        self.assertTrue(order.private)
        self.assertEqual(self.ask(archives.archive_named, "main"), order.private_archive)
        self.assertEqual([], order.args["archives"])
        self.assertIs(True, order.args["archive_private"])


class TestOpenOrders(StorageTestCase):
    def test_what_is_held(self) -> None:
        """After a restart each builder's job is found, as it was claimed."""
        bob, eve = self.add_builder("bob"), self.add_builder("eve")
        self.add_builder("idle")
        self.submit("a")
        self.submit("b")
        first = self.start(bob)
        [second] = self.claim(eve.id)
        assert second is not None
        held = self.ask(orders.open_orders)
        self.assertEqual({bob.id, eve.id}, set(held))
        self.assertEqual(first.attempt.cookie, held[bob.id].attempt.cookie)
        self.assertEqual(second, held[eve.id])
        self.gather(first)
        self.assertEqual({eve.id}, set(self.ask(orders.open_orders)))

    def test_of_one_builder(self) -> None:
        """One builder's job, or None."""
        bob = self.add_builder()
        self.assertIsNone(self.ask(orders.order_of_builder, bob.id))
        self.submit()
        self.start(bob)
        self.assertEqual(
            self.ask(orders.open_orders)[bob.id], self.ask(orders.order_of_builder, bob.id)
        )

    def test_what_counts_for_the_judge(self) -> None:
        """An order has the build's counters, and whether a cancel was asked for."""
        bob = self.add_builder()
        build_id = self.submit()
        self.lose(self.start(bob))
        order = self.start(bob)
        self.assertEqual(
            (build_id, 0, 0, 0, 1, False),
            (
                order.standing.build_id,
                order.standing.failure_count,
                order.standing.builders_cost,
                order.standing.given_back,
                order.standing.lost_count,
                order.cancelling,
            ),
        )
        self.act(builds.cancel, build_id, "alice", self.now())
        self.assertTrue(self.ask(orders.open_orders)[bob.id].cancelling)

    def test_of_a_removed_builder(self) -> None:
        """Nothing is held by a builder that was removed by force."""
        self.submit()
        self.start(self.add_builder())
        self.act(roster.remove_builder, "bob", True, "root", self.now())
        self.assertEqual({}, self.ask(orders.open_orders))
