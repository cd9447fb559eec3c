"""``POST /api/v1/uploads/check`` and ``/batch``: the hot path.

Plain functions: Django REST framework would cost more than the check itself. They are described to the schema in
``namespaces.api.schema``, and keep the same rules: the caller's token before the body, problem details for errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from freehold.parsers import InvalidJSON, loads
from freehold.problems import problem, problem_response, unauthorized, unavailable
from namespaces.api.answers import as_json
from namespaces.api.questions import InvalidQuestion, parse
from namespaces.decision import Decision, Facts, Question
from namespaces.facts import TokenFacts, fetch
from namespaces.former_names import judge
from namespaces.recorder import record_denial
from orgs import tokens
from orgs.api.authentication import FOR_INDEXES, bearer, is_organization_token
from orgs.usage import token_used
from orgs.vocabulary import Scope

log = structlog.get_logger(__name__)
Answer = Callable[[bytes, Any], HttpResponse]


@csrf_exempt  # called by servers with a token, never by a browser with a cookie
def check_upload(request: HttpRequest) -> HttpResponse:
    """One question, one decision; always 200 for a question that was understood."""
    return _serve(request, _answer_one)


@csrf_exempt
def check_uploads(request: HttpRequest) -> HttpResponse:
    """Up to 1,000 questions; each is answered by a decision, or by a problem where it was not understood."""
    return _serve(request, _answer_many)


def _serve(request: HttpRequest, answer: Answer) -> HttpResponse:
    if request.method != "POST":
        response = problem_response(405, "method-not-allowed", "Use POST.")
        response["Allow"] = "POST"
        return response
    token = bearer(request.META.get("HTTP_AUTHORIZATION", ""))
    if token is None:
        return unauthorized()
    digest = tokens.digest(token)
    try:
        if tokens.kind_of(token) != tokens.SERVICE:
            return _refuse_other_token(token)
        return _answer_or_explain(request, digest, answer)
    except OperationalError:
        log.exception("check.unavailable")
        return unavailable()


def _refuse_other_token(token: str) -> HttpResponse:
    return problem_response(403, "permission-denied", FOR_INDEXES) if is_organization_token(token) else unauthorized()


def _answer_or_explain(request: HttpRequest, digest: bytes, answer: Answer) -> HttpResponse:
    try:
        return answer(digest, _body(request))
    except InvalidQuestion as error:
        return _after_token(digest, problem_response(error.status, error.code, str(error)))


def _body(request: HttpRequest) -> Any:
    if request.content_type != "application/json":
        raise InvalidQuestion("Send application/json.", code="unsupported-media-type", status=415)
    try:
        return loads(request.body)
    except RequestDataTooBig as error:
        raise InvalidQuestion("The body is too large. Send fewer questions.", code="too-large", status=413) from error
    except (InvalidJSON, UnreadablePostError) as error:
        raise InvalidQuestion(str(error), code="invalid-json") from error


def _after_token(digest: bytes, response: HttpResponse) -> HttpResponse:
    """A refusal of the body, for callers who may ask at all; for others the refusal of the caller."""
    return _refuse_caller(fetch(digest, []).token) or response


def _refuse_caller(token: TokenFacts | None) -> HttpResponse | None:
    if token is None:
        return unauthorized()
    token_used(token.id, token.last_used_at)
    if Scope.CHECK not in token.scopes:
        return problem_response(403, "permission-denied", f"The token lacks the scope '{Scope.CHECK.value}'.")
    return None


def _answer_one(digest: bytes, value: Any) -> HttpResponse:
    question = parse(value)
    found = fetch(digest, [question])
    refusal = _refuse_caller(found.token)
    if refusal is not None:
        return refusal
    return JsonResponse(as_json(_decide([question], found.facts)[0]))


def _answer_many(digest: bytes, value: Any) -> HttpResponse:
    parsed = [_parse_or_problem(item) for item in _items(value)]
    questions = [item for item in parsed if isinstance(item, Question)]
    found = fetch(digest, questions)
    refusal = _refuse_caller(found.token)
    if refusal is not None:
        return refusal
    decisions = iter([as_json(decision) for decision in _decide(questions, found.facts)])
    answers = [next(decisions) if isinstance(item, Question) else item for item in parsed]
    return JsonResponse({"revision": found.revision, "decisions": answers})


def _items(value: Any) -> Sequence[Any]:
    items = value.get("questions") if isinstance(value, dict) else None
    limit = settings.FREEHOLD_BATCH_LIMIT
    if not isinstance(items, list) or not 1 <= len(items) <= limit:
        raise InvalidQuestion(f"Send an object whose 'questions' is a list of 1 to {limit:,} questions.")
    return items


def _parse_or_problem(value: Any) -> Question | dict[str, Any]:
    try:
        return parse(value)
    except InvalidQuestion as error:
        return problem(400, error.code, str(error))


def _decide(questions: Sequence[Question], facts: Sequence[Facts]) -> list[Decision]:
    decisions = judge(questions, facts)
    for question, decision in zip(questions, decisions, strict=True):
        if not decision.allowed:
            record_denial(decision, question.publisher)
    return decisions
