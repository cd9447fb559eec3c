"""``NamespaceGuard``: nothing reaches the index from which it could read a reserved name that isn't the publisher's."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from freehold_client.decisions import Decision, Publisher
from freehold_client.guard import refusals
from freehold_client.guard.bodies import Inspector, inspector_for
from freehold_client.guard.errors import Unacceptable
from freehold_client.guard.fields import Vocabulary
from freehold_client.guard.limits import Limits
from freehold_client.guard.ports import Environ, FactsOf, Identify, StartResponse, UploadChecker, WSGIApp
from freehold_client.guard.requests import Endpoint, Endpoints, body_length, check_encoding, check_head, is_safe
from freehold_client.guard.spool import Incoming, Spool, SpoolBudget

DECISION_KEY = "freehold.decision"
"""Where the index finds the ``Decision`` about an upload that was let by: its ``organization`` owns a new project."""

_log = logging.getLogger("freehold_client.guard")


def remote_user(environ: Environ) -> Publisher | None:
    """Identify by ``REMOTE_USER``, which the server or an outer middleware sets once it has authenticated somebody.

    A client can't set it: its headers come with ``HTTP_`` before their names.
    """
    user = environ.get("REMOTE_USER")
    return Publisher(user=user) if user else None


class NamespaceGuard:
    """Put between the index's authentication and the index.

    - ``client``: a ``NamespaceClient``.
    - ``identify``: who makes a request, as the index itself authenticates it. It gets the environment and must look at
      nothing there that a client may claim without proof. None is a stranger: refused inside of every namespace,
      passed on outside, where the index asks for credentials itself.
    - ``project_facts``: what the index knows of a project; without it Freehold's mirror is asked.
    - ``refusal_status``: 409, or 403 where uploaders skip what is there already and take a 409 for that.
    - ``allow``: pairs of a method and a regular expression for the whole path: what the index takes besides uploads.
    - ``name_fields``: further fields from which the index takes a project's name.
    """

    def __init__(
        self,
        app: WSGIApp,
        client: UploadChecker,
        *,
        identify: Identify,
        project_facts: FactsOf | None = None,
        refusal_status: int = 409,
        allow: Sequence[Endpoint] = (),
        name_fields: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> None:
        if refusal_status not in (403, 409):
            raise ValueError("refusal_status is 409 or 403.")
        self._app = app
        self._client = client
        self._identify = identify
        self._project_facts = project_facts
        self._refusal_status = refusal_status
        self._endpoints = Endpoints(allow)
        self._vocabulary = Vocabulary(name_fields)
        self._limits = limits or Limits()
        self._budget = SpoolBudget(self._limits)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ.pop(DECISION_KEY, None)
        incoming = _incoming(environ)
        try:
            check_head(environ, self._vocabulary)
            if is_safe(environ) or self._endpoints.includes(environ):
                return self._app(environ, start_response)
            spool, names = self._receive(environ, incoming)
        except Unacceptable as error:
            incoming.drain(self._limits)
            return self._unacceptable(error, environ, start_response)
        return self._decide_and_pass_on(environ, start_response, spool, names)

    def _receive(self, environ: Environ, incoming: Incoming) -> tuple[Spool, tuple[str, ...]]:
        """The whole body and the names in it."""
        check_encoding(environ)
        length = body_length(environ)
        if length is not None and length > self._limits.max_body:
            raise Unacceptable(f"The body is longer than {self._limits.max_body} bytes.", 413)
        content_type = environ.get("CONTENT_TYPE", "")
        inspector = inspector_for(content_type, self._vocabulary, self._limits.max_small_body)
        spool = Spool(self._limits, self._budget)
        try:
            self._copy(incoming, inspector, spool)
            return spool, inspector.names()
        except BaseException:
            spool.close()
            raise

    def _copy(self, incoming: Incoming, inspector: Inspector, spool: Spool) -> None:
        deadline = time.monotonic() + self._limits.body_seconds
        while data := incoming.next():
            inspector.feed(data)
            spool.write(data)
            if time.monotonic() > deadline:
                raise Unacceptable("The request's body took too long to arrive.", 408)

    def _decide_and_pass_on(
        self, environ: Environ, start_response: StartResponse, spool: Spool, names: tuple[str, ...]
    ) -> Iterable[bytes]:
        """Closes the spool, if not now then once the index has answered."""
        try:
            _replay(environ, spool)
            decision = self._decide(environ, names)
            _replay(environ, spool)  # again, should identify have read from it
            if decision.allowed is True:
                environ[DECISION_KEY] = decision
                return _ClosingSpool(self._app(environ, start_response), spool)
        except Unacceptable as error:
            spool.close()
            return self._unacceptable(error, environ, start_response)
        except BaseException:
            spool.close()
            raise
        spool.close()
        return self._refused(decision, start_response)

    def _decide(self, environ: Environ, names: tuple[str, ...]) -> Decision:
        """About the foremost name, unless another one is refused. What fails here refuses the request."""
        try:
            publisher = self._identify(environ) or Publisher()
            decisions = [self._check(name, publisher) for name in names]
        except Exception as error:
            _log.exception("The upload could not be checked", extra={"projects": names})
            raise Unacceptable("Whether this upload is allowed can't be said now.", 503) from error
        denied = [decision for decision in decisions if decision.allowed is not True]
        return min(denied, key=lambda decision: decision.status) if denied else decisions[0]

    def _check(self, name: str, publisher: Publisher) -> Decision:
        facts = self._project_facts(name) if self._project_facts else None
        if facts is None:
            return self._client.check_upload(name, publisher)
        return self._client.check_upload(
            name, publisher, exists=facts.exists, first_uploaded=facts.first_uploaded, owner=facts.owner
        )

    def _refused(self, decision: Decision, start_response: StartResponse) -> Iterable[bytes]:
        refusal = refusals.of_decision(decision, self._refusal_status, self._limits.retry_after)
        _log.info(
            "Upload refused",
            extra={"status": refusal.status, "project": decision.project, "namespace": decision.namespace},
        )
        return refusal.answer(start_response)

    def _unacceptable(self, error: Unacceptable, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        refusal = refusals.of_unacceptable(error, self._limits.retry_after)
        _log.info("Request not taken", extra={"status": refusal.status, "detail": refusal.detail})
        body = refusal.answer(start_response)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else body


class _ClosingSpool:
    """The index's answer; closing it closes the upload's temporary file too, which may be read until then."""

    def __init__(self, answer: Iterable[bytes], spool: Spool) -> None:
        self._answer = answer
        self._spool = spool

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        try:
            if hasattr(self._answer, "close"):
                self._answer.close()
        finally:
            self._spool.close()


def _incoming(environ: Environ) -> Incoming:
    """The request's body, not read yet; of no length where it can't be told, so that nothing hangs on reading it."""
    length: int | None = 0
    if not is_safe(environ) or environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ:
        with suppress(Unacceptable):
            length = body_length(environ)
    return Incoming(environ["wsgi.input"], length)


def _replay(environ: Environ, spool: Spool) -> None:
    """Make the environment that of the same request with the held body."""
    environ["wsgi.input"] = spool.rewound()
    environ["wsgi.input_terminated"] = True
    environ["CONTENT_LENGTH"] = str(spool.size)
    environ.pop("HTTP_TRANSFER_ENCODING", None)
