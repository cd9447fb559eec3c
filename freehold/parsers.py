"""JSON as the API takes it: no duplicate keys, no NaN, no nesting without end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class InvalidJSON(ValueError):
    """The body is not the JSON that is asked for; the message says why, in one sentence."""


def loads(body: bytes) -> Any:
    """Parse JSON strictly. Two parsers that differ over a duplicate key would differ over who uploads."""
    try:
        return json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except InvalidJSON:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidJSON("The body is not valid JSON in UTF-8.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidJSON("The body names a key of an object twice.")
    return found


def _no_constant(name: str) -> None:
    raise InvalidJSON(f"{name} is not JSON.")


class StrictJSONParser(JSONParser):
    """Reads the body by Django's ``body``, which is limited; a stream would be read to its end."""

    takes_half_characters = False

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = parser_context["request"].body if parser_context else stream.read()
        try:
            value = loads(body)
            if (
                not self.takes_half_characters and b"\\ud" in body.lower()
            ):  # an escape that may be half a character, which no answer could repeat
                json.dumps(value, ensure_ascii=False).encode()
        except InvalidJSON as error:
            raise ParseError(str(error)) from error
        except UnicodeEncodeError as error:
            raise ParseError("The body has an escape that is half a character.") from error
        return value


class ReportParser(StrictJSONParser):
    """For views that must act on a body whatever texts are in it, and repeat none of them as it is."""

    takes_half_characters = True
