"""Walking pages in Chromium: phone and desktop, light and dark, with and without JavaScript, with axe.

A module of tests names its pages in ``VISITS``, has a fixture ``site`` that makes what they show, and calls ``walk`` in
a test that is parametrized by ``every_way``. ``tests/browser/test_every_page.py`` sees to it that no page is left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from accounts.models import User
from tests.sessions import signed_in

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHOTS = os.environ.get("FREEHOLD_SHOTS", "")
"""A folder for a picture of every page in every way, for people to look at."""
PATIENCE = 100
"""How often it is asked, twenty times a second, whether a page has come to rest."""
AT_REST = """
!document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling")
&& document.getAnimations().every((one) => one.playState !== "running" || one.effect.getTiming().iterations === Infinity)
"""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
"""What of the rules another theme can break, where all are kept in one."""


def _judged(only: list[str]) -> str:
    """Only what is wrong is described and sent: to describe all that is right takes axe five times as long."""
    options = {"runOnly": only, "resultTypes": ["violations"]}
    return f"axe.run({json.dumps(options)}).then((found) => found.violations)"


in_browser = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not CHROMIUM.exists() and "FREEHOLD_REQUIRE_BROWSER" not in os.environ,
        reason=f"{CHROMIUM} is missing: apt-get install chromium",
    ),
]
"""For ``pytestmark``."""


class Visit(NamedTuple):
    """``route`` is the name of the address in the URLconf, empty for what has none."""

    route: str
    address: str
    status: int = 200


class Look(NamedTuple):
    """What a page is looked at in, and by which of axe's rules."""

    width: int
    scheme: str
    rules: list[str]


LOOKS = {
    True: (
        Look(360, "light", RULES),
        Look(360, "dark", COLOURS),
        Look(1280, "dark", RULES),
        Look(1280, "light", COLOURS),
    ),
    False: tuple(Look(width, scheme, []) for width in (360, 1280) for scheme in ("light", "dark")),
}
"""With and without JavaScript. Each width and each theme is seen with all rules. axe itself needs JavaScript."""


def _window(width: int, scheme: str, *, javascript: bool) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "java_script_enabled": javascript}


def every_way(test: Callable[..., None]) -> Any:
    """The test gets ``way``, with and without JavaScript: what a window is opened with for ``walk``, which looks at
    each page in all widths and themes."""
    ways = {"js": True, "no-js": False}
    windows = {name: _window(360, "light", javascript=javascript) for name, javascript in ways.items()}
    return pytest.mark.parametrize("way", windows.values(), ids=windows)(test)


def every_window(test: Callable[..., None]) -> Any:
    """The test gets ``way``: what a window of each kind is opened with, for what is more than a look at a page."""
    windows = [
        pytest.param(
            _window(width, scheme, javascript=javascript), id=f"{width}-{scheme}-{'js' if javascript else 'no-js'}"
        )
        for width in (360, 1280)
        for scheme in ("light", "dark")
        for javascript in (True, False)
    ]
    return pytest.mark.parametrize("way", windows)(test)


def open_context(browser: Browser, site: str, user: User | None = None, **options: Any) -> BrowserContext:
    """A window in which the user is signed in, just now, as allauth records it; or nobody."""
    context = browser.new_context(base_url=site, **options)
    if user is not None:
        context.add_cookies([{"name": "sessionid", "value": session_of(user), "url": site}])
    return context


def session_of(user: User) -> str:
    """The cookie of a session in which the user has just signed in."""
    return signed_in(user).cookies["sessionid"].value


def _photograph(page: Page, width: int, scheme: str, name: str, *, javascript: bool) -> None:
    folder = Path(SHOTS) / f"{width}-{scheme}{'' if javascript else '-no-js'}"
    page.screenshot(path=folder / f"{name}.png", full_page=True)


class Complaints:
    """What the browser and axe find wrong, with where."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: list[str] = []
        self.where = ""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.add(f"error {error}"))

    def add(self, what: str) -> None:
        self.found.append(f"{self.page.url} {self.where}: {what}")

    def _console(self, message: ConsoleMessage) -> None:
        """Violations of the CSP come here too. That a page is answered with 404 is no complaint."""
        if message.type in {"error", "warning"} and message.location["url"] != self.page.url:
            self.add(message.text)

    def look(self, visit: Visit, *, axe: bool) -> None:
        """In the window as it is."""
        self.visit(visit)
        self.inspect(axe=axe)

    def visit(self, visit: Visit) -> None:
        response = self.page.goto(visit.address)
        assert response is not None
        if response.status != visit.status:
            self.add(f"answered {response.status}")
        if urlsplit(self.page.url).path != unquote(urlsplit(visit.address).path):
            self.add(f"was reached from {visit.address}")
        if "content-security-policy" not in response.headers:
            self.add("has no CSP")

    def turn(self, width: int, scheme: Any) -> None:
        """Another window for the same page, as somebody has who turns a phone, or as evening comes."""
        self.page.set_viewport_size({"width": width, "height": 800})
        self.page.emulate_media(color_scheme=scheme)
        self.where = f"{width} {scheme}"

    def inspect(self, *, axe: bool = True, rules: list[str] = RULES) -> None:
        """What is wrong with the page as it stands now, when it has come whole and nothing in it moves any more."""
        self.page.wait_for_load_state()
        self._wait_for_rest()
        over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            self.add(f"{over} pixels too wide")
        if axe:
            self._axe(rules)

    def _wait_for_rest(self) -> None:
        """A button that fades back after a request has other colours on its way there."""
        for _ in range(PATIENCE):
            if self.page.evaluate(AT_REST):
                return
            self.page.wait_for_timeout(50)
        self.add("does not come to rest")

    def _axe(self, rules: list[str]) -> None:
        if self.page.evaluate("typeof axe === 'undefined'"):
            self.page.evaluate(AXE_SCRIPT)
        for found in self.page.evaluate(_judged(rules)):
            self.add(f"{found['id']} {[node['html'] for node in found['nodes']][:3]}")


def walk(browser: Browser, site: str, visits: Iterable[Visit], way: dict[str, Any], user: User | None = None) -> None:
    """Visit the pages as the user, look at each in all widths and themes, and complain of what is wrong with it. What
    fades on its way from one to the other would have to be waited for, so nothing does."""
    javascript = way["java_script_enabled"]
    with open_context(browser, site, user, reduced_motion="reduce", **way) as context:
        complaints = Complaints(context.new_page())
        for number, visit in enumerate(visits):
            complaints.visit(visit)
            for look in LOOKS[javascript]:
                complaints.turn(look.width, look.scheme)
                complaints.inspect(axe=javascript, rules=look.rules)
                if SHOTS:
                    name = f"{visit.route or 'error'}-{number}-{user or 'nobody'}"
                    _photograph(complaints.page, look.width, look.scheme, name, javascript=javascript)
    assert complaints.found == []
