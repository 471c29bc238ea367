"""What a committed transaction wants told to the rest of the manager.

Acts return these as values; the transactor publishes them after the commit and never if it
rolled back (DESIGN section 5, rule 4).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkArrived:
    """Builds began to wait, or may be dispatched again, with these requirements."""

    requirement_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BuilderChanged:
    """A builder's row was added, changed by an operator or made inactive."""

    builder_id: int


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """A running build is to be cancelled on its builder."""

    build_id: int
    builder_id: int


@dataclass(frozen=True, slots=True)
class UploadWaiting:
    """A build entered UPLOADING, or its upload is to be tried again now."""

    build_id: int


@dataclass(frozen=True, slots=True)
class BuildEnded:
    """A build reached a terminal state."""

    build_id: int


@dataclass(frozen=True, slots=True)
class PeopleChanged:
    """People, their teams, their rights or tokens that were good have changed."""


@dataclass(frozen=True, slots=True)
class NewsArrived:
    """There are notices that nobody has been told of."""


@dataclass(frozen=True, slots=True)
class ResultsPublished:
    """The archive has a build's results."""

    build_id: int


Announcement = (
    WorkArrived
    | BuilderChanged
    | CancelRequested
    | UploadWaiting
    | BuildEnded
    | PeopleChanged
    | NewsArrived
    | ResultsPublished
)
