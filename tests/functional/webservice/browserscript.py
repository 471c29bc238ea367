"""A browser for programs that open one: logs in, then gives the answer that it was told to.

    LOGIN_LINK=… ANSWER=allow|refuse BROWSER='python browserscript.py %s' program

It sends forms as a person does who changes nothing in them. Needs nothing of ours.
"""

import os
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, build_opener


class Form(HTMLParser):
    """The one form of a page: its address, and what is filled in."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.filled: dict[str, str] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Take note of what belongs to a form."""
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = told.get("action", "")
        elif tag == "input" and (told.get("type") != "radio" or "checked" in told):
            self.filled[told.get("name", "")] = told.get("value", "")
        elif tag == "select":
            self._select = told.get("name", "")
        elif tag == "option" and "selected" in told:
            self.filled[self._select] = told.get("value", "")


def visit(opener: OpenerDirector, address: str, **button: str) -> None:
    """Open a page, and send its form by this button."""
    form = Form()
    with opener.open(address, timeout=20) as page:
        form.feed(page.read().decode())
    data = urlencode({**form.filled, **button}).encode()
    with opener.open(urljoin(address, form.action), data, timeout=20) as page:
        page.read()


def main(address: str) -> None:
    """Answer what is asked at `address`."""
    opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
    visit(opener, os.environ["LOGIN_LINK"])
    visit(opener, address, answer=os.environ["ANSWER"])


if __name__ == "__main__":
    main(sys.argv[1])
