"""The door for people: pages by address, forms without cookies. What an address names can't be guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from billing.sandbox.errors import StripeFault
from billing.sandbox.events import Deliverer, is_here
from billing.sandbox.html import Html, h, page
from billing.sandbox.jobs import catch_up
from billing.sandbox.store import Sandbox

LARGEST = 65_536
STYLE = Path(__file__).with_name("style.css").read_bytes()
ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#e8c33a" d="M0 0h32v32H0z"/>'
    b'<path stroke="#3a3110" stroke-width="5" d="M-4 20 20-4M4 28 28 4M12 36 36 12"/></svg>'
)
FILES = {"/_sandbox/style.css": ("text/css; charset=utf-8", STYLE), "/_sandbox/icon.svg": ("image/svg+xml", ICON)}

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@dataclass
class Visit:
    """What somebody asks for. ``form`` has the last of each name."""

    sandbox: Sandbox
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ids: dict[str, str] = field(default_factory=dict)
    deliverer: Deliverer | None = None

    def __getitem__(self, name: str) -> str:
        return self.ids[name]


@dataclass
class Shown:
    """A page, with the sites outside of this one that a form in it may lead to."""

    body: Html | bytes
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    onward: tuple[str, ...] = ()


Answer = Callable[[Visit], Shown]
PAGES: list[tuple[str, re.Pattern[str], Answer]] = []


def address(method: str, pattern: str) -> Callable[[Answer], Answer]:
    """``@address("POST", "/c/pay/{id}")``."""

    def enter(answer: Answer) -> Answer:
        made = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[A-Za-z0-9_]+)", pattern))
        PAGES.append((method, made, answer))
        return answer

    return enter


def elsewhere(url: str) -> Shown:
    """Go there, and ask for it with GET."""
    return Shown(Html(""), 303, headers={"Location": url})


def sorry(title: str, text: str, status: int = 404, *, back: str = "", back_text: str = "Go back") -> Shown:
    more = h('<p><a class="button" href="{url}">{text}</a></p>', url=back, text=back_text) if back else Html("")
    return Shown(page(title, h("<h1>{title}</h1><p>{text}</p>{more}", title=title, text=text, more=more)), status)


class Site:
    """A WSGI application for everything that is not ``/v1/``."""

    def __init__(self, sandbox: Sandbox, deliverer: Deliverer | None = None) -> None:
        self.sandbox, self.deliverer = sandbox, deliverer

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        shown = self._answered(environ)
        content = shown.body if isinstance(shown.body, bytes) else shown.body.encode()
        headers = {
            "Content-Type": shown.kind,
            "Content-Length": str(len(content)),
            "Content-Security-Policy": _policy(shown.onward),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            **shown.headers,
        }
        start_response(f"{shown.status} {HTTPStatus(shown.status).phrase}", list(headers.items()))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else content]

    def _answered(self, environ: dict[str, Any]) -> Shown:
        path = environ.get("PATH_INFO", "")
        if path in FILES:
            kind, content = FILES[path]
            return Shown(content, kind=kind, headers={"Cache-Control": "max-age=60"})
        if strange := _strange(environ):
            return sorry("Not from there", strange, 403)
        try:
            return self._found(_visit(self.sandbox, self.deliverer, environ))
        except StripeFault as fault:
            return sorry("That did not work", fault.message, fault.status)

    def _found(self, visit: Visit) -> Shown:
        for method, pattern, answer in PAGES:
            if method == visit.method and (match := pattern.fullmatch(visit.path)):
                visit.ids = match.groupdict()
                with self.sandbox.work():
                    catch_up(self.sandbox)
                    return answer(visit)
        return sorry("There is no such page", "The address is not one of the sandbox's.")


def _visit(sandbox: Sandbox, deliverer: Deliverer | None, environ: dict[str, Any]) -> Visit:
    length = min(int(environ.get("CONTENT_LENGTH") or 0), LARGEST)
    body = environ["wsgi.input"].read(length) if length else b""
    method = environ["REQUEST_METHOD"]
    is_form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    return Visit(
        sandbox,
        "GET" if method == "HEAD" else method,
        environ.get("PATH_INFO", ""),
        query=_pairs(environ.get("QUERY_STRING", "")),
        form=_pairs(body.decode("utf-8", "replace")) if is_form else {},
        headers={"content-type": environ.get("CONTENT_TYPE", "")},
        body=body,
        deliverer=deliverer,
    )


def _pairs(text: str) -> dict[str, str]:
    try:
        return {name: value.strip() for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=200)}
    except ValueError as error:
        raise StripeFault("The form has too many fields.") from error


def _strange(environ: dict[str, Any]) -> str:
    """Other people's pages in the same browser can reach this machine too: they may link here, and do nothing."""
    host = urlsplit(f"//{environ.get('HTTP_HOST', 'localhost')}").hostname or ""
    if not is_here(host):
        return f"The sandbox is for this machine, and is not called {host!r}."
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} and environ.get("HTTP_SEC_FETCH_SITE") == "cross-site":
        return "A form on another site was sent here."
    return ""


def _policy(onward: tuple[str, ...]) -> str:
    """Chromium holds what a form leads to against ``form-action``, redirects too."""
    sites = sorted({f"{target.scheme}://{target.netloc}" for url in onward if (target := urlsplit(url)).netloc})
    targets = " ".join(["'self'", *sites])
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )
