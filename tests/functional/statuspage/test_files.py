"""What a build has brought, to download."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemonscript import Script
from buildfarm.farmtesting.farm import a_build
from buildfarm.statuspage.resultfiles import disposition
from buildfarm.vocab.states import BuildState
from tests.functional.statuspage.farmcases import FarmPagesTestCase


class DispositionTests(FarmTestCase):
    def test_plain(self) -> None:
        """A package keeps its name."""
        self.assertEqual(
            "attachment; filename=\"a_1+b_all.deb\"; filename*=UTF-8''a_1%2Bb_all.deb",
            disposition("a_1+b_all.deb"),
        )

    def test_what_a_stranger_called_it(self) -> None:
        """Nothing of a name ends the header, or the name in it."""
        told = disposition('a"; filename="b\r\nSet-Cookie: c\u202e')
        self.assertEqual(
            'attachment; filename="a___filename__b__Set-Cookie__c_"; '
            "filename*=UTF-8''a%22%3B%20filename%3D%22b%0D%0ASet-Cookie%3A%20c%E2%80%AE",
            told,
        )


class FileTests(FarmPagesTestCase):
    async def test_published(self) -> None:
        """Anybody has it, as a file that no browser looks into, until it is taken away."""
        await self.farm.add_builder(self.farm.daemon())
        build_id = await self.farm.submit()
        await self.farm.wait_until_built([build_id])
        path = f"/builds/{build_id}/files/hello_1.0_amd64.deb"
        answer = await self.look(path)
        self.assertEqual((200, b"!<arch>"), (answer.status, answer.body[:7]))
        self.assertEqual("application/octet-stream", answer.headers["content-type"])
        self.assertEqual("nosniff", answer.headers["x-content-type-options"])
        self.assertIn(
            'attachment; filename="hello_1.0_amd64.deb"', answer.headers["content-disposition"]
        )
        part = await self.look(path, range="bytes=0-6")
        self.assertEqual((206, b"!<arch>"), (part.status, part.body))
        for name in ("other.deb", "..%2F..%2Fstate", "%00"):
            self.assertEqual(
                404, (await self.look(f"/builds/{build_id}/files/{name}")).status, name
            )
        [published] = self.farm.published.iterdir()
        published.rename(self.farm.root / "taken")
        self.assertEqual(404, (await self.look(path)).status)

    async def test_refused(self) -> None:
        """What has failed its check is for those only who may retry the build."""
        results = a_build(source="other").results
        script = Script(seconds=0.2, results=results)
        await self.farm.add_builder(self.farm.daemon(lambda order: script))
        build_id = await self.farm.submit()
        await self.farm.wait_for_build(build_id, BuildState.FAILEDTOUPLOAD)
        path = f"/builds/{build_id}/files/other_1.0_amd64.deb"
        self.assertEqual(403, (await self.look(path)).status)
        for person, status in (("bert", 403), ("ann", 200)):
            answer = await self.look(path, authorization=await self.authorization(person))
            self.assertEqual(status, answer.status, person)
        page = await self.look(f"/builds/{build_id}")
        self.assertIn(b"other_1.0_amd64.deb", page.body)
        self.assertNotIn(path.encode(), page.body)
