"""Who may read what, while which build runs."""

from dataclasses import replace
from typing import Any

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import a_standing, an_attempt
from buildfarm.farmtesting.uploadtasks import archive
from buildfarm.filestore.passes import Passes
from buildfarm.filestore.tokens import Scope, Tokens
from buildfarm.vocab.build import BuildOrder, StoredFile
from buildfarm.vocab.states import UploaderKind

CHROOT, DSC, OTHER = (StoredFile(name, 1, name * 40, name * 64) for name in "abc")


class TestPasses(FarmTestCase):
    """A private build on builder 1, and what may be read by its token."""

    def setUp(self) -> None:
        super().setUp()
        self.tokens = Tokens(bytes(32))
        self.passes = Passes(self.tokens)
        self.held = {1: 10}
        self.passes.holds = lambda builder, attempt: self.held.get(builder) == attempt
        self.private_archive = replace(
            archive(UploaderKind.REPREPRO, self.make_directory()), name="secret", private=True
        )
        self.order = self.make_order()
        self.passes.grant(self.order)

    def make_order(self, builder: int = 1, attempt: int = 10, **changed: Any) -> BuildOrder:
        """An order of a private archive."""
        taken = an_attempt(id=attempt, builder_id=builder, cookie=f"cookie-{attempt}")
        described = {"private": True, "private_archive": self.private_archive, **changed}
        return BuildOrder(
            attempt=taken,
            title="hello",
            chroot=CHROOT,
            files=(DSC,),
            args={},
            estimated_duration=1.0,
            standing=a_standing(),
            **described,
        )

    def token(self, scope: Scope = Scope.FILES, order: BuildOrder | None = None) -> str:
        """The token of an order."""
        return self.tokens.token((order or self.order).attempt, scope)

    def test_while_it_runs(self) -> None:
        """The token opens this build's sources and nothing else; the chroot is open."""
        token = self.token()
        self.assertTrue(self.passes.may_read(DSC.sha256, "buildd", token))
        self.assertFalse(self.passes.may_read(OTHER.sha256, "buildd", token))
        self.assertFalse(self.passes.may_read(DSC.sha256, "", ""))
        self.assertFalse(self.passes.may_read(DSC.sha256, "root", token))
        self.assertTrue(self.passes.may_read(CHROOT.sha256, "", ""))

    def test_its_archive(self) -> None:
        """The token for apt opens the archive that the build is for, and no other."""
        token = self.token(Scope.ARCHIVE)
        found = self.passes.private_archive("secret", "buildd", token)
        self.assertIs(self.private_archive, found)
        self.assertIsNone(self.passes.private_archive("other", "buildd", token))
        self.assertIsNone(self.passes.private_archive("secret", "buildd", self.token()))
        self.assertFalse(self.passes.may_read(DSC.sha256, "buildd", token))

    def test_over_when_the_attempt_is(self) -> None:
        """Once the builder holds it no more, or another, its token opens nothing."""
        self.held.clear()
        self.assert_shut(self.order)
        self.held[1] = 11
        self.passes.grant(self.make_order(attempt=11))
        self.assert_shut(self.order)

    def assert_shut(self, order: BuildOrder) -> None:
        """Nothing of `order` can be read, by its tokens or without."""
        self.assertFalse(self.passes.may_read(DSC.sha256, "buildd", self.token(order=order)))
        token = self.token(Scope.ARCHIVE, order)
        self.assertIsNone(self.passes.private_archive("secret", "buildd", token))

    def test_another_builder(self) -> None:
        """The token of a build on another builder opens its own files only."""
        other = replace(self.make_order(2, 20), files=(OTHER,))
        self.held[2] = 20
        self.passes.grant(other)
        token = self.token(order=other)
        self.assertFalse(self.passes.may_read(DSC.sha256, "buildd", token))
        self.assertTrue(self.passes.may_read(OTHER.sha256, "buildd", token))

    def test_public_builds(self) -> None:
        """Sources of a public archive are open while a build that needs them runs."""
        self.assertFalse(self.passes.may_read(OTHER.sha256, "", ""))
        for builder in (2, 3):
            self.held[builder] = builder * 10
            order = self.make_order(builder, builder * 10, private=False, private_archive=None)
            self.passes.grant(replace(order, files=(OTHER,)))
        self.assertTrue(self.passes.may_read(OTHER.sha256, "", ""))
        del self.held[2]
        self.assertTrue(self.passes.may_read(OTHER.sha256, "", ""))
        del self.held[3]
        self.assertFalse(self.passes.may_read(OTHER.sha256, "", ""))

    def test_nobody_is_refused_before_all_is_known(self) -> None:
        """Questions that come before the running builds are known wait for that."""
        early = self.passes.when_known()
        self.assertNoResult(early)
        self.passes.all_known()
        self.assertIsNone(self.successResultOf(early))
        self.assertIsNone(self.successResultOf(self.passes.when_known()))
