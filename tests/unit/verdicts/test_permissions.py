"""Who may see and do what: every kind of visitor, every deed."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.verdicts.permissions import (
    LEVELS,
    OWN_TROUBLE,
    Deed,
    may_see,
    private_seen,
    refusal,
    told_of_own_trouble,
)
from buildfarm.vocab.access import ANYBODY, BUILDD_ADMINS, AccessLevel, Visitor

ADMINS = frozenset({BUILDD_ADMINS})

#: One of each kind, with a token that allows everything.
STRANGER = Visitor("bert", level=AccessLevel.ADMINISTER)
READER = Visitor("rita", level=AccessLevel.ADMINISTER, readable=frozenset({"secret"}))
UPLOADER = Visitor("una", level=AccessLevel.ADMINISTER, uploadable=frozenset({"secret"}))
ADMIN = Visitor("ann", ADMINS, AccessLevel.ADMINISTER)

visitors = st.builds(
    Visitor,
    st.sampled_from([None, "ann"]),
    st.sampled_from([frozenset(), frozenset({"team"}), ADMINS]),
    st.sampled_from(AccessLevel),
    st.sampled_from([frozenset(), frozenset({"secret"}), frozenset({"other"})]),
    st.sampled_from([frozenset(), frozenset({"secret"}), frozenset({"other"})]),
)


class SeeingTests(FarmTestCase):
    def test_a_private_archive(self) -> None:
        """Its readers, its uploaders and moderators see it, whatever their token allows."""
        seen = {
            visitor.person: may_see(visitor, "secret", private=True)
            for visitor in (ANYBODY, STRANGER, READER, UPLOADER, ADMIN)
        }
        self.assertEqual({None: False, "bert": False, "rita": True, "una": True, "ann": True}, seen)

    @given(visitors)
    def test_a_public_one(self, visitor: Visitor) -> None:
        """Everybody sees it."""
        self.assertTrue(may_see(visitor, "secret", private=False))

    @given(visitors)
    def test_the_set_of_what_is_seen_says_the_same(self, visitor: Visitor) -> None:
        """So what is prepared for one visitor can be shown to whoever has the same set."""
        seen = private_seen(visitor)
        for archive in ("secret", "other"):
            self.assertEqual(
                may_see(visitor, archive, private=True), seen is None or archive in seen
            )

    def test_trouble_of_our_own(self) -> None:
        """Sentences about disks and archives are for moderators; others learn of some trouble."""
        sentences = ("no space left on /srv/spool/PACKAGEBUILD-7",)
        self.assertEqual(sentences, told_of_own_trouble(private_seen(ADMIN), sentences))
        for visitor in (ANYBODY, STRANGER, READER, UPLOADER):
            seen = private_seen(visitor)
            self.assertEqual((OWN_TROUBLE,), told_of_own_trouble(seen, sentences))
            self.assertEqual((), told_of_own_trouble(seen, ()))


class DoingTests(FarmTestCase):
    def test_every_deed(self) -> None:
        """Uploaders do what concerns their archive, moderators everything, others nothing."""
        for deed in Deed:
            uploaders = deed in {Deed.SUBMIT, Deed.RETRY, Deed.CANCEL}
            allowed = {
                visitor.person: refusal(visitor, deed, "secret") is None
                for visitor in (ANYBODY, STRANGER, READER, UPLOADER, ADMIN)
            }
            self.assertEqual(
                {None: False, "bert": False, "rita": False, "una": uploaders, "ann": True},
                allowed,
                deed,
            )
        other = refusal(UPLOADER, Deed.SUBMIT, "other")
        self.assertEqual("una may not submit sources in the archive other.", other)

    def test_every_level(self) -> None:
        """A token of too low a level is not enough, even of a moderator."""
        for deed in Deed:
            for level in AccessLevel:
                found = refusal(Visitor("ann", ADMINS, level), deed, "secret")
                self.assertEqual(level.includes(LEVELS[deed]), found is None, (deed, level))

    def test_in_words(self) -> None:
        """Each refusal says who may not do what, and why."""
        reading = Visitor("ann", ADMINS, AccessLevel.READ)
        self.assertEqual(
            [
                "To change a builder you have to log in, or use a token.",
                "This token of ann allows read; to change a builder takes administer.",
                "bert is not in launchpad-buildd-admins, who alone may change a builder.",
            ],
            [refusal(visitor, Deed.MODERATE) for visitor in (ANYBODY, reading, STRANGER)],
        )


class LevelTests(FarmTestCase):
    def test_each_includes_those_before(self) -> None:
        """Read, write, administer."""
        read, write, administer = AccessLevel
        self.assertTrue(administer.includes(write) and write.includes(read))
        self.assertFalse(read.includes(write) or write.includes(administer))
        self.assertTrue(all(level.includes(level) for level in AccessLevel))
