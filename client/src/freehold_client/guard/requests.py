"""What a request's head says: whether it can change anything, how long its body is, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from freehold_client.guard.errors import Unacceptable
from freehold_client.guard.fields import Vocabulary
from freehold_client.guard.ports import Environ

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_OVERRIDES = tuple(
    f"HTTP_X_{name}" for name in ("HTTP_METHOD_OVERRIDE", "HTTP_METHOD", "METHOD_OVERRIDE", "METHOD", "ORIGINAL_METHOD")
)
_REWRITES = ("HTTP_X_ORIGINAL_URL", "HTTP_X_REWRITE_URL", "HTTP_X_ORIGINAL_URI", "HTTP_X_REQUEST_URI")
_LENGTH = re.compile(r"[0-9]{1,19}").fullmatch
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}").fullmatch
# A path that every framework routes alike: nothing that one of them would decode, cut off or fold.
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)*/?").fullmatch
# Basic credentials have no comma; with one, it is two headers that the server joined, and which counts is a guess.
_TWO_CREDENTIALS = re.compile(r"\s*(?:basic|bearer|token)\b[^,]*,", re.IGNORECASE).match

Endpoint = tuple[str, str]
"""A method and a regular expression for the whole of the path."""


class Endpoints:
    """What an index has besides uploads and is let by without a look at the body, unless that is multipart."""

    def __init__(self, allowed: Iterable[Endpoint]) -> None:
        self._allowed = [(method, re.compile(pattern).fullmatch) for method, pattern in allowed]

    def includes(self, environ: Environ) -> bool:
        """Whether the request is for one of them, and for nothing else by another reading of its path."""
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        if _PLAIN_PATH(path) is None or any(header in environ for header in _REWRITES):
            return False
        if environ.get("CONTENT_TYPE", "").strip().lower().startswith("multipart"):
            return False
        return any(method == allowed and matches(path) for allowed, matches in self._allowed)


def is_safe(environ: Environ) -> bool:
    """Whether the method is one that changes nothing, spelled exactly."""
    return environ["REQUEST_METHOD"] in SAFE_METHODS


def check_head(environ: Environ, vocabulary: Vocabulary) -> None:
    """Refuse what would make a request something other than it looks, whatever its method."""
    if any(header in environ for header in _OVERRIDES):
        raise Unacceptable("A header that stands for another method is not taken here.")
    if "HTTP_TRAILER" in environ:
        raise Unacceptable("Trailers are not taken here.")
    if _TWO_CREDENTIALS(environ.get("HTTP_AUTHORIZATION", "")):
        raise Unacceptable("The request has two sets of credentials.")
    vocabulary.check_query(environ.get("QUERY_STRING", ""), writes=not is_safe(environ))
    if is_safe(environ):
        _check_no_body(environ)
    else:
        _check_target(environ)


def check_encoding(environ: Environ) -> None:
    """Refuse a body that is encoded a second time: the index might decode it, and read another one."""
    if environ.get("HTTP_CONTENT_ENCODING", "") != "":
        raise Unacceptable("A body with a Content-Encoding is not taken here.", 415)


def body_length(environ: Environ) -> int | None:
    """How long the body is, None where the server ends it.

    Raises 411 where nobody says, 400 where two headers contradict each other.
    """
    length = environ.get("CONTENT_LENGTH") or None
    transfer = environ.get("HTTP_TRANSFER_ENCODING")
    if transfer is not None and (length is not None or transfer.strip().lower() != "chunked"):
        raise Unacceptable("The request's Transfer-Encoding is not 'chunked' alone, or there is a Content-Length too.")
    if length is not None:
        if _LENGTH(length) is None:
            raise Unacceptable("The request's Content-Length is not one number.")
        return int(length)
    # Without the mark, the server has neither undone the chunks nor would it end the input: reading could hang.
    if environ.get("wsgi.input_terminated") is not True:
        raise Unacceptable("The request has no Content-Length.", 411)
    return None


def _check_no_body(environ: Environ) -> None:
    if (environ.get("CONTENT_LENGTH") or "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ:
        raise Unacceptable(f"A {environ['REQUEST_METHOD']} request may not have a body.")


def _check_target(environ: Environ) -> None:
    path = environ.get("PATH_INFO", "")
    if path and not path.startswith("/"):
        raise Unacceptable("The request's target is not a path.")
    if _TOKEN(environ["REQUEST_METHOD"]) is None:
        raise Unacceptable("The request's method is not a token.")
