"""Builders that lie about what they are doing, in replies that are well formed.

Beside the layers; part of `hostile.table`.
"""

from buildfarm.farmtesting.hostile.behaviour import Behaviour, Judged, never_ending
from buildfarm.farmtesting.hostile.builder import HostileDaemon
from buildfarm.wire.builderrpc import FAULT_ERROR, Call, Fault, Value

STRANGER = "PACKAGEBUILD-9-9-00000000"

#: Looks at a builder before it is believed to be clean, and more.
_TRUSTED_AFTER = 4

_FLAPPING = ("IDLE", "BUILDING", "WAITING", "ABORTING")


def status(word: str, build_id: str = "", **more: Value) -> dict[str, Value]:
    """A reply to `status`."""
    said: dict[str, Value] = {"builder_status": f"BuilderStatus.{word}", **more}
    if build_id:
        said["build_id"] = build_id
    if word == "BUILDING":
        said["logtail"] = b""
    return said


def _last(daemon: HostileDaemon) -> str | None:
    """The cookie of the last build that was really begun."""
    return daemon.orders[-1].build_id if daemon.orders else None


def _dancing(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    return status("DANCING") if call.method == "status" else true


def _splendid(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    if call.method == "status" and isinstance(true, dict) and "build_status" in true:
        return {**true, "build_status": "BuildStatus.SPLENDID"}
    return true


def _anothers(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    if call.method == "status" and isinstance(true, dict) and "build_id" in true:
        return {**true, "build_id": STRANGER}
    return true


def _anothers_when_clean(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    if call.method == "status" and daemon.counts["status"] > _TRUSTED_AFTER:
        return status("BUILDING", STRANGER)
    return true


def _confirms_anothers(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    return ["BuilderStatus.BUILDING", STRANGER] if call.method == "build" else true


def _ok_for_ever(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    cookie = _last(daemon)
    if cookie is not None and call.method == "status":
        return status("WAITING", cookie, build_status="BuildStatus.OK", filemap={})
    return "BuilderStatus.IDLE" if call.method == "clean" else true


def _ok_at_once(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    if call.method == "status" and isinstance(true, dict) and "build_id" in true:
        return status("WAITING", _last(daemon) or "", build_status="BuildStatus.OK", filemap={})
    return "BuilderStatus.IDLE" if call.method == "clean" else true


def _flaps(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    if call.method != "status":
        return true if call.method == "info" else f"BuilderStatus.{_FLAPPING[0]}"
    word = _FLAPPING[daemon.counts["status"] % len(_FLAPPING)]
    if word == "WAITING":
        return status(word, STRANGER, build_status="BuildStatus.OK", filemap={})
    return status(word, "" if word == "IDLE" else STRANGER)


def _flaps_while_building(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    if call.method == "status" and isinstance(true, dict) and "build_id" in true:
        return status("IDLE") if daemon.counts["status"] % 2 else true
    return "BuilderStatus.ABORTING" if call.method == "abort" else true


def _never_builds(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    if call.method == "build":
        return ["BuilderStatus.BUILDING", call.params[0]]
    return true


def _builds_for_ever(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    return "BuilderStatus.ABORTING" if call.method == "abort" else true


def _aborts_for_ever(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    return status("ABORTING", STRANGER) if call.method == "status" else true


def _builds_twice(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    cookie = _last(daemon)
    if call.method == "status" and cookie and daemon.counts.get("clean") and true == _idle(daemon):
        return status("BUILDING", cookie)
    return true


def _idle(daemon: HostileDaemon) -> dict[str, Value]:
    return status("IDLE", **({} if daemon.version is None else {"builder_version": daemon.version}))


def _faults(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    return Fault(FAULT_ERROR, "\x1b[2J".replace("\x1b", "ESC") + "error" * 1000)


def _cannot_fetch(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    if call.method == "ensurepresent":
        return [False, "Error accessing Librarian: <b>no\u202e</b> " + "x" * 1000]
    return true


def _has_not_got_it(daemon: HostileDaemon, call: Call, true: Value | Fault) -> Value | Fault:
    return ["BuilderStatus.UNKNOWNSUM", "CHROOTSUM -> no"] if call.method == "build" else true


CONDUCT = (
    Behaviour(
        name="nonsense-status",
        does="says that it is DANCING",
        judged=Judged.BUILDER,
        told="no daemon status is 'BuilderStatus.DANCING'",
        lie=_dancing,
    ),
    Behaviour(
        name="nonsense-outcome",
        does="says that its builds ended SPLENDID",
        judged=Judged.BUILDER,
        told="no build status is 'BuildStatus.SPLENDID'",
        lie=_splendid,
    ),
    Behaviour(
        name="anothers-cookie",
        does="confirms a build and then reports the cookie of another one",
        judged=Judged.BUILDER,
        told=f"{STRANGER} while it should have been working on this",
        lie=_anothers,
    ),
    Behaviour(
        name="anothers-cookie-while-clean",
        does="says that it builds something, right after it was idle and clean",
        judged=Judged.BUILDER,
        told="the builder said BUILDING",
        lie=_anothers_when_clean,
    ),
    Behaviour(
        name="confirms-another",
        does="answers `build` with the cookie of another build",
        judged=Judged.BUILDER,
        told=f"`build` was answered BUILDING '{STRANGER}'",
        lie=_confirms_anothers,
    ),
    Behaviour(
        name="ok-for-ever",
        does="says OK at once, and goes on saying so whatever it is told",
        judged=Judged.BUILDER,
        told="the builder said WAITING",
        lie=_ok_for_ever,
        ignores=frozenset({"clean"}),
    ),
    Behaviour(
        name="ok-at-once",
        does="says OK at once to every build, and has nothing to show for it",
        judged=Judged.BUILDER,
        told="there is no .changes among the results",
        lie=_ok_at_once,
    ),
    Behaviour(
        name="flaps",
        does="says IDLE, BUILDING, WAITING and ABORTING in turn",
        judged=Judged.BUILDER,
        told="for longer than its deadline",
        lie=_flaps,
        ignores=frozenset({"clean", "abort"}),
    ),
    Behaviour(
        name="flaps-while-building",
        does="says in turn that it builds and that it does not, and heeds no abort",
        judged=Judged.BUILDER,
        told="for longer than its deadline",
        script=never_ending,
        lie=_flaps_while_building,
        ignores=frozenset({"clean", "abort"}),
    ),
    Behaviour(
        name="never-builds",
        does="accepts `build` and does nothing",
        judged=Judged.BUILDER,
        told="said IDLE while it should have been working on this",
        lie=_never_builds,
        ignores=frozenset({"build"}),
    ),
    Behaviour(
        name="builds-for-ever",
        does="accepts `build`, says BUILDING without end, and heeds no abort",
        judged=Judged.BUILDER,
        told="has been BUILDING for longer than its deadline",
        script=never_ending,
        lie=_builds_for_ever,
        ignores=frozenset({"abort"}),
    ),
    Behaviour(
        name="aborts-for-ever",
        does="says ABORTING without end",
        judged=Judged.BUILDER,
        told="has been ABORTING for longer than its deadline",
        lie=_aborts_for_ever,
    ),
    Behaviour(
        name="builds-twice",
        does="begins its last build again after it was told to forget it",
        judged=Judged.BUILDER,
        told="the builder said BUILDING",
        lie=_builds_twice,
    ),
    Behaviour(
        name="faults",
        does="answers every call with a fault of 5,000 characters",
        judged=Judged.BUILDER,
        told="answered `status` with fault 8002",
        lie=_faults,
    ),
    Behaviour(
        name="cannot-fetch",
        does="says that it cannot fetch the chroot, in words with markup and a reversed direction",
        judged=Judged.BUILDER,
        told="the builder could not fetch chroot",
        lie=_cannot_fetch,
    ),
    Behaviour(
        name="loses-its-files",
        does="fetches everything and says at `build` that it has not got it",
        judged=Judged.BUILDER,
        told="`build` was answered UNKNOWNSUM",
        lie=_has_not_got_it,
    ),
)
