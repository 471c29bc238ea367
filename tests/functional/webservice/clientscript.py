"""What scripts do with launchpadlib, by whichever interpreter has the release that is tried.

    python clientscript.py CHECK ROOT CACHE CREDENTIALS…

Needs launchpadlib and nothing of ours. Prints as JSON what it saw; the tests beside say what that
has to be. CHECK is one of the functions below; a client is logged in with each of CREDENTIALS, or
as nobody where that is `-`. FARM_CA names a certificate to trust besides the system's.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import launchpadlib
from launchpadlib.credentials import EndUserDeclinedAuthorization
from launchpadlib.launchpad import Launchpad
from lazr.restfulclient import _browser
from lazr.restfulclient.errors import HTTPError
from lazr.restfulclient.resource import Collection, Entry

#: What every entry has.
OWN = {"self_link", "resource_type_link", "http_etag"}

#: What the application calls itself; clients are the whole system to the server.
APPLICATION = "a script"


def refusal(act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """The class and status of the error that `act` ends with."""
    try:
        found = act(*arguments, **named)
    except HTTPError as error:
        return [type(error).__name__, int(error.response.status)]
    return ["no error", repr(found)]


def reading(nobody: Any) -> Any:
    """Anybody looks: entries, links, times, plain values, what is not there."""
    alpha = nobody.builders.getByName(name="alpha")
    return {
        "me": refusal(lambda: nobody.me.name),
        "alpha": [alpha.name, alpha.processor.name, alpha.builderok, alpha.failnotes],
        "by address": nobody.load("/builders/alpha").name,
        "since": type(alpha.date_clean_status_changed).__name__,
        "is clean": alpha.clean_status,
        "no builder": nobody.builders.getByName(name="none"),
        "nothing": refusal(nobody.load, "/builders/none"),
        "sizes": nobody.builders.getBuildQueueSizes(),
        "people": [nobody.people[name].display_name for name in ("ann", "bert")],
    }


def collections(nobody: Any) -> Any:
    """Anybody goes through more builders than one batch has."""
    builders = nobody.builders
    names = [one.name for one in builders]
    queue = builders.getBuildersForQueue(processor=builders[0].processor, virtualized=False)
    return {
        "length": [len(builders), len(names), len(set(names)), len(queue)],
        "in order": names == sorted(names),
        "slices": [
            [one.name for one in builders[part]] == names[part]
            for part in (slice(3), slice(48, 53), slice(55, 99), slice(0, 60, 7))
        ],
        "operation": [one.name for one in queue] == names,
        "slice of operation": [one.name for one in queue[49:52]] == names[49:52],
    }


def writing(moderator: Any, somebody: Any, nobody: Any) -> Any:
    """Those who may change builders do; others are refused, each as they deserve."""
    address = "/builders/alpha"
    mine, older = moderator.load(address), moderator.load(address)
    mine.failnotes = "its disk is broken"
    mine.builderok = False
    mine.lp_save()
    older.failnotes = "too late"
    seen = {"saved": [mine.builderok, mine.failnotes], "older": refusal(older.lp_save)}
    older.lp_refresh()
    mine.builderok, mine.failnotes = True, None
    mine.lp_save()
    seen["refreshed"] = older.failnotes
    seen["not everybody"] = [
        refusal(_disable, client.load(address)) for client in (somebody, nobody)
    ]
    seen["bad values"] = [
        refusal(_set, mine, name, value) for name, value in (("title", 7.5), ("url", "nowhere"))
    ]
    new = {
        "name": f"zulu-{os.getpid()}",
        "processors": ["/+processors/amd64"],
        "url": "http://127.0.0.9:8221/",
    }
    added = moderator.builders.new(**new)
    seen["added"] = [added.name == new["name"], added.url]
    seen["twice"] = refusal(moderator.builders.new, **new)
    added.active = False
    added.lp_save()
    debian = moderator.distributions["debian"]
    upload = {"distroseries": debian.current_series, "sourcepackagename": "hello"}
    seen["may upload"] = debian.main_archive.checkUpload(person=moderator.me, **upload)
    archive = somebody.distributions["debian"].main_archive
    seen["may not"] = refusal(archive.checkUpload, person=somebody.me, **upload)
    seen["read only"] = refusal(_set, debian, "name", "ubuntu")
    mine.setCleanStatus(clean_status="Dirty")
    return seen


def _disable(builder: Any) -> None:
    builder.manual = True
    builder.lp_save()


def _set(entry: Any, name: str, value: Any) -> None:
    setattr(entry, name, value)
    try:
        entry.lp_save()
    finally:
        entry.lp_refresh()


def naming(*clients: Any) -> Any:
    """Who each client is."""
    return [client.me.name for client in clients]


def doors(nobody: Any, *statuses: str) -> Any:
    """Every error that a server can answer with, and what only some may see."""
    front = nobody.load("/doors/front")
    return {
        "errors": {
            status: refusal(nobody.doors.open, status=int(status))[0] for status in statuses
        },
        "busy once": nobody.doors.knock(),
        "hidden": [front.code, _error(lambda: front.keeper.name)],
        "fields": sorted({*front.lp_attributes, *front.lp_entries} - OWN),
    }


def _error(act: Callable[[], Any]) -> str:
    try:
        return repr(act())
    except ValueError as error:
        return str(error)


def login_with(root: str, cache: str, credentials: str) -> Any:
    """The whole way: ask for a token, let a browser grant it, fetch it, keep it, use it again."""
    try:
        found = [login(root, cache, credentials).me.name for _ in range(2)]
    except EndUserDeclinedAuthorization:
        return "declined"
    return found


def walk(client: Any) -> Any:
    """Follow every link, read every value, ask every question that needs no answer first."""
    waiting = [getattr(client, name) for name in client.lp_collections]
    waiting += [getattr(client, name) for name in client.lp_entries if name != "me"]
    met: dict[str, dict[str, str]] = {}
    while waiting:
        found = waiting.pop()
        if isinstance(found, Collection):
            waiting += found[:20]
            waiting += _asked(found)
            continue
        kind = found.resource_type_link.rpartition("#")[2]
        if found.self_link in met.setdefault(kind, {}):
            continue
        met[kind][found.self_link] = ""
        for name in found.lp_attributes:
            getattr(found, name)
        linked = [getattr(found, name) for name in (*found.lp_entries, *found.lp_collections)]
        waiting += [one for one in (*linked, *_asked(found)) if one is not None]
    return {kind: len(links) for kind, links in met.items()}


def _asked(found: Any) -> list[Any]:
    """What those of its operations answer that change nothing, and need no arguments."""
    answers = []
    for name in found.lp_operations:
        operation = found.lp_get_named_operation(name)
        if operation.wadl_method.name.lower() == "get":
            given = operation.wadl_method.request.query_params
            if not any(one.is_required and one.fixed_value is None for one in given):
                answers.append(operation())
    return [one for one in answers if isinstance(one, (Collection, Entry))]


def submitting(uploader: Any) -> Any:
    """An uploader submits a source package, whose files have no names on the way."""
    contents = [b"upstream" * 100_000, b"patches"]
    name, version = f"hello-{launchpadlib.__version__}", "1:1.0-1"
    lines = "".join(
        f"\n {hashlib.sha256(one).hexdigest()} {len(one)} hello.{place}"
        for place, one in enumerate(contents)
    )
    fields = f"Source: {name}\nVersion: {version}\nArchitecture: any\nBinary: {name}\n"
    dsc = (fields + "Checksums-Sha256:" + lines + "\n").encode()
    archive = uploader.distributions["debian"].main_archive
    half = {"suite": "bookworm", "dsc": dsc, "file1": contents[0]}
    refused = [
        refusal(archive.submitSource, **half),
        refusal(archive.submitSource, file2=b"other", **half),
        refusal(archive.submitSource, file2=contents[1], score=7, **half),
    ]
    source = archive.submitSource(file3=contents[1], architectures=["amd64"], **half)
    return {
        "refused": refused,
        "again": refusal(archive.submitSource, file2=contents[1], **half),
        "version": [source.source_package_version, version],
        "builds": [[one.arch_tag, one.buildstate, one.requester] for one in source.getBuilds()],
    }


def login(root: str, cache: str, credentials: str) -> Any:
    """A client with these credentials."""
    if credentials == "-":
        return Launchpad.login_anonymously(APPLICATION, root, cache, version="devel")
    return Launchpad.login_with(
        APPLICATION, root, cache, credentials_file=credentials, version="devel"
    )


def main(check: str, root: str, cache: str, *credentials: str) -> None:
    """Run one check."""
    if "FARM_CA" in os.environ:
        _browser.SYSTEM_CA_CERTS = os.environ["FARM_CA"]
    if check == "login_with":
        found = login_with(root, cache, *credentials)
    elif check == "doors":
        found = doors(login(root, cache, "-"), *credentials)
    else:
        found = globals()[check](*(login(root, cache, one) for one in credentials))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
