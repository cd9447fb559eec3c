"""Upload questions as JSON: what is understood, and a clear word about what is not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from namespaces.decision import Publisher, Question
from namespaces.names import InvalidName, normalize

_TEXT_LIMIT = 1000
PUBLISHER_KEYS = ("user", "organization", "claims")


class InvalidQuestion(ValueError):
    """The question can't be understood. ``code`` is that of the problem, the message one sentence on what to do."""

    def __init__(self, message: str, code: str = "invalid-question", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def parse(value: Any) -> Question:
    """A question from its JSON (DESIGN section 5); raises ``InvalidQuestion``. Unknown members are ignored, so that
    an index may be newer than we are."""
    if not isinstance(value, dict):
        raise InvalidQuestion("A question is a JSON object with 'project' and 'publisher'.")
    return Question(
        project=_project(value.get("project")),
        publisher=_publisher(value.get("publisher")),
        first_uploaded=_time(value.get("first_uploaded")),
        ask_mirror="first_uploaded" not in value,
    )


def _project(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidQuestion("'project' must be the project's name, a string.")
    try:
        return normalize(value)
    except InvalidName as error:
        raise InvalidQuestion(str(error), code="invalid-name") from error


def _publisher(value: Any) -> Publisher:
    if not isinstance(value, dict):
        raise InvalidQuestion("'publisher' must be an object with at least one of 'user', 'organization', 'claims'.")
    publisher = Publisher(
        user=_text(value.get("user"), "publisher.user"),
        organization=_organization(value.get("organization")),
        claims=_claims(value.get("claims")),
    )
    if publisher == Publisher():
        raise InvalidQuestion("'publisher' must have at least one of 'user', 'organization', 'claims'.")
    return publisher


def _text(value: Any, field: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value or len(value) > _TEXT_LIMIT:
        raise InvalidQuestion(f"'{field}' must be a string of 1 to {_TEXT_LIMIT} characters, or null.")
    return value


def _organization(value: Any) -> str | None:
    """The normalized name. What is no name can be no organization of ours, and is kept as it is: it matches nothing."""
    text = _text(value, "publisher.organization")
    try:
        return None if text is None else normalize(text)
    except InvalidName:
        return text


def _claims(value: Any) -> Mapping[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("iss"), str) or not value["iss"]:
        raise InvalidQuestion("'publisher.claims' must be the claims of a verified token, with its issuer as 'iss'.")
    return value


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidQuestion(
            "'first_uploaded' must be null or a time with its zone, such as 2021-03-04T05:06:07Z."
        ) from error
