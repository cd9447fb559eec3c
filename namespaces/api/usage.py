"""``/api/v1/usage/<day>``: what projects cost the index, as it reports it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from freehold.errors import Invalid
from freehold.schema import problems
from namespaces.api.serializers import UsageReceiptSerializer
from namespaces.api.shapes import DAY_PARAMETER, USAGE_SCHEMA
from namespaces.metering import LIMIT, InvalidEntries, parse_day, parse_entries
from namespaces.services.usage import report_usage
from orgs.api.permissions import CanReport

AHEAD = timedelta(days=1)  # somewhere it is tomorrow already


class UsageView(APIView):
    permission_classes = (CanReport,)
    tag = "usage"

    @extend_schema(
        operation_id="put_usage",
        parameters=[DAY_PARAMETER],
        request={"application/json": USAGE_SCHEMA},
        responses={200: UsageReceiptSerializer} | problems(400, 401, 403, 413, 415),
    )
    def put(self, request: Request, day: str) -> Response:
        """What these projects cost the index on a day; it replaces what was reported of them for that day.

        Others of the day stay, so that a day may come in several reports. A report with an entry that can't be used
        changes nothing; `errors` names the positions.
        """
        when = _day(day)
        try:
            entries = parse_entries(_items(request))
        except InvalidEntries as error:
            raise ValidationError({"projects": {str(at): [text] for at, text in error.errors.items()}}) from error
        report_usage(day=when, entries=entries)
        return Response({"day": when, "projects": len(entries)})


def _day(text: str) -> date:
    try:
        day = parse_day(text)
    except ValueError as error:
        raise Invalid("Give the day as YYYY-MM-DD.") from error
    if day > timezone.now().date() + AHEAD:
        raise Invalid("The day has not begun yet.")
    return day


def _items(request: Request) -> Sequence[Any]:
    value = None if request.stream is None else request.data
    items = value.get("projects") if isinstance(value, dict) else None
    if not isinstance(items, list) or len(items) > LIMIT:
        raise Invalid(f"Send an object whose 'projects' is a list of at most {LIMIT:,} entries.")
    return items
