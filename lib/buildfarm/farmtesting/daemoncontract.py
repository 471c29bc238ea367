"""What the manager relies on in every build daemon, as statements of behaviour.

Beside the layers. Run in tests/contract against the genuine daemon, the reference builder and the
fake one: whatever holds for one of them holds for all. A subclass starts a daemon in its `setUp`
and calls `talk_to`. Where the genuine daemon does what helps nobody, nothing is stated.
"""

from buildfarm.farmtesting.daemoncase import DaemonCase, build_args, sha1_of
from buildfarm.farmtesting.inputserver import PASSWORD, USER
from buildfarm.farmtesting.packages import tar
from buildfarm.vocab.errors import BuilderFault, BuilderNonsense
from buildfarm.vocab.states import BuildOutcome, DaemonStatus
from buildfarm.wire.builderrpc import (
    FAULT_ERROR,
    FAULT_UNKNOWN_METHOD,
    MAX_LOGTAIL,
    Fault,
    Value,
    decode_reply,
    encode_call,
)

COOKIE = "PACKAGEBUILD-1-1-0badcafe"
_ERROR = Fault(FAULT_ERROR, "error")
_UNKNOWN = "e" * 40


class CallContract(DaemonCase):
    """Calls of an idle daemon, and what is wrong with others."""

    async def test_echo(self) -> None:
        """`echo` answers with its arguments, as they were sent."""
        values: list[Value] = [1, "Grüße", True, None, b"\x00\xff", {"a": [2.5, "<&>"]}]
        self.assertEqual(values, await self.client.echo(*values))

    async def test_info(self) -> None:
        """`info` names the protocol, one architecture and the type of build that we send."""
        info = await self.client.fetch_info()
        self.assertEqual("1.0", info.protocol)
        self.assertTrue(info.architecture)
        self.assertIn("binarypackage", info.build_types)

    async def test_idle(self) -> None:
        """A daemon that was just started is idle and has no build, no log."""
        said = await self.client.fetch_status()
        self.assertEqual(
            (DaemonStatus.IDLE, None, None), (said.status, said.build_id, said.outcome)
        )
        self.assertEqual([404], [status for status, _ in await self.get("/filecache/buildlog")])
        self.assertEqual(b"", await self.client.fetch_log(0, 1000))

    async def test_unknown_method(self) -> None:
        """A method that there is not is fault 8001."""
        answer = await self.call("nosuch")
        self.assertEqual(FAULT_UNKNOWN_METHOD, answer.code if isinstance(answer, Fault) else answer)

    async def test_wrong_arguments(self) -> None:
        """The wrong number of arguments is fault 8002, which says no more than `error`."""
        self.assertEqual(_ERROR, await self.call("info", 1))
        self.assertEqual(_ERROR, await self.call("ensurepresent", _UNKNOWN))
        self.assertEqual(_ERROR, await self.call("build", COOKIE))

    async def test_no_xml(self) -> None:
        """What is no XML-RPC is fault 8002 as well, and the daemon goes on."""
        for body in (b"<nope", b"<?xml version='1.0'?><x/>"):
            (_, answer), *_ = await self.post("/rpc", body)
            fault = decode_reply(answer)
            self.assertEqual(FAULT_ERROR, fault.code if isinstance(fault, Fault) else fault)
        await self.when(DaemonStatus.IDLE)

    async def test_paths(self) -> None:
        """There is /rpc, with or without a slash, and nothing where nothing is."""
        status = encode_call("status")
        ((with_slash, _),) = await self.post("/rpc/", status)
        ((elsewhere, _),) = await self.post("/elsewhere", status)
        files = await self.get(f"/filecache/{_UNKNOWN}", "/filecache/../x", "/filecache/%2e%2e")
        self.assertEqual([200, 404], [with_slash, elsewhere])
        self.assertEqual([404] * 3, [status for status, _ in files])

    async def test_kept_connection(self) -> None:
        """One connection serves any number of requests; the last is answered as the first."""
        answers = await self.post("/rpc", *[encode_call("status")] * 5)
        self.assertEqual([answers[0]] * 5, answers)

    async def test_nothing_to_stop(self) -> None:
        """An idle daemon has nothing to abort and nothing to clean: faults, and it stays idle."""
        with self.assertRaises(BuilderFault):
            await self.client.abort()
        with self.assertRaises(BuilderFault):
            await self.client.clean()
        await self.when(DaemonStatus.IDLE)


class PresenceContract(DaemonCase):
    """How inputs come to a daemon."""

    async def ensure(
        self, sha1: str, path: str, user: str = "", password: str = ""
    ) -> tuple[object, ...]:
        """`ensurepresent` of what the input server has at `path`."""
        url = f"{self.inputs.url}/{path}"
        reply = await self.client.ensure_present(sha1, url, user, password, 30)
        return reply.present, reply.text

    async def test_download_once(self) -> None:
        """A file is downloaded once, and served to everybody from then on."""
        sha1 = self.inputs.add(b"an input")
        self.assertEqual((True, "Download"), await self.ensure(sha1, sha1))
        self.assertEqual((True, "Cache"), await self.ensure(sha1, sha1))
        self.assertEqual(1, len(self.inputs.asked))
        self.assertEqual(b"an input", await self.fetch(sha1))

    async def test_without_url(self) -> None:
        """Without a URL the daemon says whether it has the file."""
        sha1 = self.inputs.add(b"an input")
        self.assertEqual(
            [False, "No URL"], await self.call("ensurepresent", sha1, None, None, None)
        )
        await self.ensure(sha1, sha1)
        self.assertEqual([True, "No URL"], await self.call("ensurepresent", sha1, None, None, None))

    async def test_wrong_content(self) -> None:
        """A file that is not what its digest says is not kept."""
        other = self.inputs.add(b"something else")
        mismatch = (False, "Digests did not match, removing again!")
        self.assertEqual(mismatch, await self.ensure(_UNKNOWN, other))
        self.assertEqual([404], [status for status, _ in await self.get(f"/filecache/{_UNKNOWN}")])

    async def test_missing(self) -> None:
        """A download that fails is told with its HTTP status."""
        failed = (False, "Error accessing Librarian: HTTP Error 404: Not Found")
        self.assertEqual(failed, await self.ensure(_UNKNOWN, _UNKNOWN))

    async def test_unreachable(self) -> None:
        """So is one that reaches nobody, or has no address."""
        for url in ("http://127.0.0.1:9/x", ""):
            reply = await self.client.ensure_present(_UNKNOWN, url, "", "", 30)
            self.assertFalse(reply.present)
            self.assertIn("Error accessing Librarian: ", reply.text)

    async def test_credentials(self) -> None:
        """Credentials are sent, and only after they were asked for."""
        sha1 = self.inputs.add(b"a private input")
        private = f"private/{sha1}"
        refused = (False, "Error accessing Librarian: HTTP Error 401: Unauthorized")
        self.assertEqual(refused, await self.ensure(sha1, private))
        self.assertEqual(refused, await self.ensure(sha1, private, USER, "wrong"))
        self.inputs.asked.clear()
        self.assertEqual((True, "Download"), await self.ensure(sha1, private, USER, PASSWORD))
        self.assertEqual(["", USER], [asked.user for asked in self.inputs.asked])


class BuildContract(DaemonCase):
    """A build, from its call until it is forgotten."""

    async def test_refused(self) -> None:
        """A build whose type or inputs the daemon has not got is refused, and it stays idle."""
        args = build_args()
        await self.when(DaemonStatus.IDLE)
        reply = await self.client.build(COOKIE, _UNKNOWN, {}, args)
        self.assertIs(DaemonStatus.UNKNOWNSUM, reply.status)
        self.assertIn(f"CHROOTSUM -> {_UNKNOWN}", reply.text)
        chroot = await self.give(self.sources.chroot)
        reply = await self.client.build(COOKIE, chroot, {"x.dsc": _UNKNOWN}, args)
        self.assertIs(DaemonStatus.UNKNOWNSUM, reply.status)
        self.assertIn(f"FILESUM -> {_UNKNOWN}", reply.text)
        reply = await self.client.build(COOKIE, chroot, {}, args, "nosuchtype")
        self.assertIs(DaemonStatus.UNKNOWNBUILDER, reply.status)
        with self.assertRaises(BuilderFault):
            await self.client.build("", chroot, {}, args)
        await self.when(DaemonStatus.IDLE)

    async def test_success(self) -> None:
        """A build that succeeds is confirmed with its id, and ends with files for its suite."""
        reply = await self.build(self.sources.good)
        self.assertTrue(reply.confirms(COOKIE), reply)
        said = await self.when(DaemonStatus.WAITING)
        self.assertEqual((COOKIE, BuildOutcome.OK), (said.build_id, said.outcome))
        files = {name: await self.fetch(sha1) for name, sha1 in said.filemap.items()}
        (changes,) = (text for name, text in files.items() if name.endswith(".changes"))
        self.assertIn(b"\nDistribution: bookworm-farm\n", changes)
        self.assertTrue([name for name in files if name.endswith(".deb")], files.keys())
        self.assertTrue(await self.fetch("buildlog"))

    async def test_failure(self) -> None:
        """A package that does not build is PACKAGEFAIL, with a log and without files."""
        await self.build(self.sources.broken)
        said = await self.when(DaemonStatus.WAITING)
        self.assertEqual((COOKIE, BuildOutcome.PACKAGEFAIL), (said.build_id, said.outcome))
        self.assertEqual(({}, ""), (said.filemap, said.dependencies or ""))
        self.assertTrue(await self.fetch("buildlog"))

    async def test_missing_dependency(self) -> None:
        """A missing build-dependency is DEPFAIL and named."""
        await self.build(self.sources.waiting)
        said = await self.when(DaemonStatus.WAITING)
        missing = "libfarm-not-packaged-dev (>= 2.0)"
        self.assertEqual((BuildOutcome.DEPFAIL, missing), (said.outcome, said.dependencies))
        self.assertEqual({}, said.filemap)

    async def test_bad_chroot(self) -> None:
        """A chroot that is no tarball, or has another top directory, is CHROOTFAIL."""
        for number, chroot in enumerate((b"no tarball at all", tar({"./bookworm/etc": b""})), 1):
            cookie = f"PACKAGEBUILD-{number}-1-0badcafe"
            await self.build(self.sources.good, cookie, chroot=chroot)
            said = await self.when(DaemonStatus.WAITING)
            self.assertEqual((cookie, BuildOutcome.CHROOTFAIL), (said.build_id, said.outcome))
            await self.client.clean()

    async def test_log_grows(self) -> None:
        """While it builds, the daemon names the build and shows the end of a growing log."""
        await self.build(self.sources.endless)

        async def tail_is_full() -> bool:
            said = await self.client.fetch_status()
            self.assertEqual((DaemonStatus.BUILDING, COOKIE), (said.status, said.build_id))
            # A full tail begins in a line of which the rest is not shown.
            return MAX_LOGTAIL // 2 < len(said.logtail) < MAX_LOGTAIL

        await self.wait_until(tail_is_full, 30, "a full log tail")
        first = await self.client.fetch_log(0, 1000)
        self.assertEqual(1000, len(first))
        self.assertEqual(first[500:], await self.client.fetch_log(500, 500))
        # Asked for whole, the genuine daemon may send more of a growing log than it announces.
        begun = await self.client.fetch_log(0, 100_000)
        more = await self.wait_until(
            lambda: self.client.fetch_log(len(begun), 1000), 30, "more of the log"
        )
        self.assertEqual(begun + more, await self.client.fetch_log(0, len(begun + more)))
        await self.client.abort()
        await self.when(DaemonStatus.WAITING)

    async def test_abort(self) -> None:
        """A build that is aborted ends so, without files, and can then be cleaned."""
        await self.build(self.sources.endless)
        self.assertIs(DaemonStatus.ABORTING, await self.client.abort())
        said = await self.when(DaemonStatus.WAITING)
        self.assertEqual((COOKIE, BuildOutcome.ABORTED), (said.build_id, said.outcome))
        self.assertEqual({}, said.filemap)
        with self.assertRaises(BuilderFault):
            await self.client.abort()
        self.assertIs(DaemonStatus.IDLE, await self.client.clean())

    async def test_one_at_a_time(self) -> None:
        """A daemon that builds takes no other build, and cannot be cleaned."""
        await self.build(self.sources.endless)
        with self.assertRaises(BuilderFault):
            await self.build(self.sources.good, "PACKAGEBUILD-2-1-0badcafe")
        with self.assertRaises(BuilderFault):
            await self.client.clean()
        self.assertIs(DaemonStatus.BUILDING, (await self.client.fetch_status()).status)

    async def test_clean(self) -> None:
        """Cleaning removes log and results, keeps inputs, and makes room for the next build."""
        await self.build(self.sources.good)
        results = (await self.when(DaemonStatus.WAITING)).filemap.values()
        self.assertIs(DaemonStatus.IDLE, await self.client.clean())
        for file in ("buildlog", *results):
            with self.assertRaises(BuilderNonsense):
                await self.fetch(file)
        with self.assertRaises(BuilderFault):
            await self.client.clean()
        chroot = sha1_of(self.sources.chroot)
        self.assertEqual(
            [True, "No URL"], await self.call("ensurepresent", chroot, None, None, None)
        )
        cookie = "PACKAGEBUILD-1-2-0badcafe"
        self.assertTrue((await self.build(self.sources.good, cookie)).confirms(cookie))
        self.assertEqual(cookie, (await self.when(DaemonStatus.WAITING)).build_id)


class DaemonContract(CallContract, PresenceContract, BuildContract):
    """All of it."""
