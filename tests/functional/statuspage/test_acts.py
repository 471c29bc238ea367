"""Steering the farm from its pages."""

import re
from urllib.parse import urlencode

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.farm import built_in
from buildfarm.storage import events, people
from buildfarm.vocab.people import ArchiveRight, TokenKind
from buildfarm.vocab.states import BuildState
from tests.functional.filestore.listeners import Answer, send_form
from tests.functional.statuspage.farmcases import FarmPagesTestCase

_WORD = re.compile(rb'name="csrf" value="([0-9a-f]{64})"')


class ActTests(FarmPagesTestCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.farm_daemon = self.farm.daemon(built_in(60))
        await self.farm.add_builder(self.farm_daemon)
        await self.log_in("ann")

    async def log_in(self, person: str) -> None:
        """Go on as somebody else."""
        link = await self.issue(TokenKind.LOGIN, person)
        port = self.farm.web_port
        form = urlencode({"link": link.joined})
        answer = await self.clients.run(send_form, port, "/+login", form)
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        page = await self.look("/", cookie=self.cookie)
        found = _WORD.search(page.body)
        assert found is not None
        self.word = found[1].decode()

    async def post(self, path: str, **form: str) -> Answer:
        """Post a form of one's own session."""
        encoded = urlencode({"csrf": self.word, **form})
        return await self.clients.run(send_form, self.farm.web_port, path, encoded, self.cookie)

    async def told(self, path: str, status: int, **form: str) -> str:
        """Post a form that is refused so; the page that says why."""
        answer = await self.post(path, **form)
        self.assertEqual(status, answer.status)
        return answer.body.decode()

    async def test_moderators_steer_builders(self) -> None:
        """Out with a note, in, manual, automatic; each leads back to the page, which shows it."""
        steps = [
            ({"act": "disable", "note": "the fan  is\nloud"}, "builderok", False),
            ({"act": "enable"}, "builderok", True),
            ({"act": "manual"}, "manual", True),
            ({"act": "auto"}, "manual", False),
        ]
        for form, field, value in steps:
            await self.look("/builders/bob", cookie=self.cookie)
            answer = await self.post("/builders/bob/+act", **form)
            self.assertEqual((303, "/builders/bob"), (answer.status, answer.headers["location"]))
            builder = await self.farm.builder()
            self.assertEqual(value, getattr(builder, field))
            if field == "builderok" and not value:
                self.assertEqual("the fan is loud", builder.failnotes)
                page = await self.look("/builders/bob", cookie=self.cookie)
                self.assertIn(b"the fan is loud", page.body)
                self.assertIn(b'value="enable"', page.body)

    async def test_a_builder_is_reset(self) -> None:
        """While it is clean; the story names who wanted it."""
        bob = await self.farm.builder()

        async def accepted() -> bool:
            return (await self.post("/builders/bob/+act", act="reset")).status == 303

        await self.wait_until(accepted, what="bob to be clean")
        story = await self.farm.read(events.events_of_builder, bob.id)
        self.assertIn(("ann", "CLEAN", "DIRTY"), [(e.actor, e.before, e.after) for e in story])

    async def test_what_is_wrong_is_said(self) -> None:
        """A note is needed, an act is one of those there are, a builder is known."""
        self.assertIn(
            "Say in a note why", await self.told("/builders/bob/+act", 409, act="disable")
        )
        await self.told("/builders/bob/+act", 404, act="explode")
        self.assertIn("no builder", await self.told("/builders/eve/+act", 409, act="manual"))

    async def test_others_steer_nothing(self) -> None:
        """Somebody is told why; a stranger has no form; nothing happens."""
        await self.log_in("bert")
        page = await self.told("/builders/bob/+act", 403, act="manual")
        self.assertIn("launchpad-buildd-admins", page)
        self.assertNotIn(b"+act", (await self.look("/builders/bob", cookie=self.cookie)).body)
        self.cookie = ""
        await self.told("/builders/bob/+act", 403, act="manual")
        self.assertFalse((await self.farm.builder()).manual)

    async def test_builds(self) -> None:
        """Rescored while they wait, cancelled, tried again: by uploaders, all but the first."""
        await self.farm.write(people.grant, "main", "bert", ArchiveRight.UPLOAD, "test", utc_now())
        await self.post("/builders/bob/+act", act="manual")
        build_id = await self.farm.submit()
        path = f"/builds/{build_id}/+act"
        self.assertEqual(303, (await self.post(path, act="rescore", score="-5")).status)
        self.assertIn("whole number", await self.told(path, 409, act="rescore", score="lots"))
        self.assertIn("still waiting", await self.told(path, 409, act="retry"))
        await self.log_in("bert")
        await self.told(path, 403, act="rescore", score="1")
        self.assertEqual(303, (await self.post(path, act="cancel")).status)
        self.assertIs(BuildState.CANCELLED, (await self.farm.build(build_id)).state)
        self.assertEqual(303, (await self.post(path, act="retry")).status)
        self.assertIs(BuildState.NEEDSBUILD, (await self.farm.build(build_id)).state)
        await self.told("/builds/999/+act", 404, act="cancel")
        await self.told(path, 404, act="explode")
