"""What an uploader is answered, in the forms that uploaders show.

Some print the reason phrase (twine, hatch, flit), one prints ``title`` and ``detail`` of problem details (uv), others
the raw body (poetry, maturin). So the sentence is in all three places. It never says that something is there already,
by which uploaders recognize a file that the index has, and then report success.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from freehold_client.decisions import Decision
from freehold_client.guard.errors import Unacceptable
from freehold_client.guard.ports import Headers, StartResponse

MAX_REASON = 400
"""Characters of a reason phrase: servers and proxies take a status line of several thousand."""

_MISLEADING = re.compile(r"already\s+exist|file\s+already|updating\s+asset|overwrite\s+artifact", re.IGNORECASE)
_TITLES = {
    400: "The request is not taken in this form",
    408: "The request took too long",
    411: "The request needs a Content-Length",
    413: "The request is too large",
    415: "The request's body is not taken in this form",
    503: "The upload can't be decided now",
    507: "The upload can't be held",
}


@dataclass(frozen=True)
class Refusal:
    """An answer with problem details (RFC 9457) whose reason phrase says the same."""

    status: int
    title: str
    detail: str
    reason: str
    extra: dict[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()

    def answer(self, start_response: StartResponse) -> Iterable[bytes]:
        """Send it."""
        body = self._body()
        headers: Headers = [
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *self.headers,
        ]
        start_response(f"{self.status} {self.reason}", headers)
        return [body]

    def _body(self) -> bytes:
        problem = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail}
        return json.dumps({**problem, **self.extra}, ensure_ascii=True).encode("ascii") + b"\n"


def of_decision(decision: Decision, refusal_status: int, retry_after: int) -> Refusal:
    """The refusal that a decision amounts to. Whatever is not allowed and has no better status is refused."""
    if decision.status == 503:
        detail = one_line(decision.message)
        return Refusal(503, _TITLES[503], detail, detail, _about(decision), (("Retry-After", str(retry_after)),))
    if decision.status == 400:
        detail = one_line(decision.message)
        return Refusal(400, _TITLES[400], detail, detail)
    detail = _sentence(decision)
    title = f"Reserved namespace {one_line(decision.namespace or '')}".rstrip()
    return Refusal(refusal_status, title, detail, detail, _about(decision))


def of_unacceptable(error: Unacceptable, retry_after: int) -> Refusal:
    """The refusal of a request that can't be taken in its form, or now."""
    detail = one_line(error.detail)
    headers = (("Retry-After", str(retry_after)),) if error.status in (503, 507) else ()
    reason = detail if error.status == 503 else HTTPStatus(error.status).phrase + ": " + detail
    return Refusal(error.status, _TITLES.get(error.status, _TITLES[400]), detail, reason, headers=headers)


def one_line(text: str, limit: int = MAX_REASON) -> str:
    """Printable ASCII on one line, fit for a status line, and with no words that mislead uploaders."""
    printable = "".join(character if " " <= character <= "~" else " " for character in text)
    plain = _MISLEADING.sub("is taken", " ".join(printable.split()))
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."


def _sentence(decision: Decision) -> str:
    """Freehold's message, made to name the namespace and its page whatever it says."""
    namespace, url = one_line(decision.namespace or ""), one_line(decision.url or "", 200)
    message = one_line(decision.message)
    if not message or namespace not in message or message.endswith("..."):
        message = f"The name is in the reserved namespace '{namespace[:100]}'."
    if url and url not in message:
        message = f"{message[: MAX_REASON - len(url) - 5]} See {url}"
    return message


def _about(decision: Decision) -> dict[str, str]:
    """Members of the problem beyond the standard's."""
    known = {"namespace": decision.namespace, "url": decision.url, "reason": decision.reason}
    return {key: one_line(value) for key, value in known.items() if value}
