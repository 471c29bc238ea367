"""Pages that are always the same: what the words and counts mean, and what crawlers may fetch.

Layer 5. Tests: tests/functional/statuspage/test_index.py.
"""

from buildfarm.statuspage.answers import Answer, Reply, View
from buildfarm.statuspage.routes import Visit

#: Lists narrowed in every way, logs and events are no pages to be found by.
_ROBOTS = b"""User-agent: *
Disallow: /*?
Disallow: /search
Disallow: /queue
Disallow: /+
Disallow: /builds/
Disallow: /devel/
Disallow: /1.0/
Disallow: /beta/
"""


async def show_robots(_visit: Visit) -> Answer:
    """`/robots.txt`."""
    return Reply(_ROBOTS, headers={"Cache-Control": "public, max-age=86400"})


async def show_help(_visit: Visit) -> Answer:
    """`/+help`: what each count means."""
    return View("help.html", version="always")
