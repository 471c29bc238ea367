"""The `command` uploader: a program of the operator's does the rest, at least once.

Layer 3; tests in `tests/functional/uploads/test_command.py`. For the uploader's child: blocks on
the program.

The program is run without arguments in a directory that holds the upload's files under their own
names, with these in its environment:

    BUILDD_MANAGER_COOKIE         the same for every try of one upload, and for no other upload
    BUILDD_MANAGER_CHANGES        the name of the .changes file
    BUILDD_MANAGER_ARCHIVE, …_SUITE, …_COMPONENT, …_SOURCE, …_VERSION, …_ARCHITECTURE

Exit status 0 says that the upload is published; 65 (sysexits' EX_DATAERR) that it is refused for
good; anything else that it is to be tried again later. What it prints is the reason. When it, or
the manager, is killed it is run again: only it can know by the cookie what it did before.
"""

from collections.abc import Callable, Sequence

from buildfarm.uploads.programs import run_program
from buildfarm.uploads.staging import stage
from buildfarm.vocab.errors import UploadPostponed, UploadRefused
from buildfarm.vocab.text import one_line
from buildfarm.vocab.upload import ResultFile, UploadTask

#: The exit status by which a program refuses an upload for good.
REFUSED_STATUS = 65


def publish_with_command(
    task: UploadTask,
    files: Sequence[ResultFile],
    *,
    report: Callable[[str], None],
    descriptors: Sequence[int],
) -> None:
    """Run the archive's program on `files`, beside which in the spool they are given their names.

    It holds the locks `descriptors` as well. Raises UploadRefused and UploadPostponed as above.
    """
    directory = files[0].path.parent / "named"
    stage(files, directory)
    report("upload.staged")
    program = task.archive.path
    ended = run_program(
        [program], descriptors=descriptors, env=_environment(task, files), cwd=directory
    )
    if ended.status == 0:
        return
    said = one_line(ended.output, 1000) or "nothing"
    if ended.status == REFUSED_STATUS:
        raise UploadRefused(f"{program} refused the upload and said: {said}")
    raise UploadPostponed(f"{program} ended with status {ended.status} and said: {said}")


def _environment(task: UploadTask, files: Sequence[ResultFile]) -> dict[str, str]:
    values = {
        "COOKIE": task.attempt.cookie,
        "CHANGES": next(file.name for file in files if file.name.endswith(".changes")),
        "ARCHIVE": task.archive.name,
        "SUITE": task.suite,
        "COMPONENT": task.archive.component,
        "SOURCE": task.source,
        "VERSION": task.version,
        "ARCHITECTURE": task.architecture,
    }
    return {f"BUILDD_MANAGER_{name}": value for name, value in values.items()}
