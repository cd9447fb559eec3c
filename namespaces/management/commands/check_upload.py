from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from freehold.commands import FreeholdCommand
from namespaces.api.answers import as_json
from namespaces.api.questions import InvalidQuestion, parse
from namespaces.facts import fetch
from namespaces.former_names import judge

NO_TOKEN = b""
IN_OPTIONS = (
    ("'first_uploaded' must be null", "--first-uploaded must be 'new'"),
    ("'publisher.user'", "--user"),
    ("'publisher.organization'", "--organization"),
    (", or null", ""),
)
"""What the API calls by its names, in the words of the command line."""


class Command(FreeholdCommand):
    help = (
        "Ask whether a publisher may upload a project, as the index does, and print the decision as JSON. "
        "A refused upload is an answer, not an error: the exit status is 0."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="the project's name, in any spelling")
        parser.add_argument("--user", metavar="U", help="an index user name")
        parser.add_argument("--organization", metavar="O", help="an organization's name")
        parser.add_argument(
            "--first-uploaded",
            metavar="TIME|new",
            help="when the project was first uploaded, such as 2021-03-04T05:06:07Z, or 'new'; "
            "left out, the mirror is asked",
        )

    def perform(
        self, *, project: str, user: str | None, organization: str | None, first_uploaded: str | None, **options: Any
    ) -> str:
        question: dict[str, Any] = {"project": project, "publisher": {"user": user, "organization": organization}}
        if first_uploaded is not None:
            question["first_uploaded"] = None if first_uploaded == "new" else first_uploaded
        try:
            parsed = parse(question)
        except InvalidQuestion as error:
            raise CommandError(_for_command_line(str(error))) from error
        return json.dumps(as_json(judge([parsed], fetch(NO_TOKEN, [parsed]).facts)[0]), indent=2)


def _for_command_line(message: str) -> str:
    if message.startswith("'publisher' must have"):
        return "Say who uploads: give --user, --organization or both."
    for ours, theirs in IN_OPTIONS:
        message = message.replace(ours, theirs)
    return message
