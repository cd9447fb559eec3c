"""``/api/v1/statistics``: what the page of the statistics shows, as JSON."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from freehold.caching import cacheable
from namespaces.cases import CaseKind
from orgs.api.permissions import Anybody
from review.statistics import statistics

JSON = "application/json"


class TimesSerializer(serializers.Serializer[Any]):
    decisions = serializers.IntegerField()
    median_seconds = serializers.FloatField(allow_null=True, help_text="Half of them took no longer; null for none.")
    ninetieth_seconds = serializers.FloatField(allow_null=True, help_text="Nine in ten took no longer; null for none.")


class DecidedSerializer(serializers.Serializer[Any]):
    all = TimesSerializer()
    by_machine = TimesSerializer()
    by_people = TimesSerializer()
    machine_share = serializers.FloatField(allow_null=True, help_text="From 0 to 1; null where nothing was decided.")


class MonthSerializer(DecidedSerializer):
    month = serializers.CharField(help_text="As 2026-11, in UTC.")


class QueueSerializer(serializers.Serializer[Any]):
    length = serializers.IntegerField(help_text="Cases that a reviewer can decide: the next two together.")
    waiting = serializers.IntegerField()
    for_a_second = serializers.IntegerField(help_text="Proposed by one reviewer, to be confirmed by another.")
    asked = serializers.IntegerField(help_text="Those that wait for an answer.")
    oldest = serializers.DateTimeField(allow_null=True, help_text="Since when the one has waited that waits longest.")


class WeekSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    open = serializers.IntegerField(help_text="Cases that were open then, those that waited for an answer too.")


class OutcomesSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(CaseKind.values)
    approved_by_machine = serializers.IntegerField()
    approved_by_people = serializers.IntegerField()
    refused = serializers.IntegerField()


class AppealsSerializer(serializers.Serializer[Any]):
    filed = serializers.IntegerField()
    approved = serializers.IntegerField()
    refused = serializers.IntegerField()
    open = serializers.IntegerField()


class StatisticsSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    decided = DecidedSerializer(help_text="Claims and applications, in the last 90 days.")
    months = MonthSerializer(many=True, help_text="The last twelve, the present one among them.")
    queue = QueueSerializer()
    weeks = WeekSerializer(many=True)
    outcomes = OutcomesSerializer(many=True, help_text="By kind, in the last 90 days.")
    appeals = AppealsSerializer(help_text="Against refusals, in the last twelve months.")
    open_disputes = serializers.IntegerField()


class StatisticsView(APIView):
    authentication_classes = ()
    permission_classes = (Anybody,)
    tag = "statistics"

    @extend_schema(operation_id="get_statistics", responses={200: StatisticsSerializer})
    def get(self, request: Request) -> HttpResponse:
        """How long decisions take, who decides, what comes out, and how long the queue is. A minute old at most."""
        body = JSONRenderer().render(StatisticsSerializer(statistics().as_json()).data)
        return cacheable(request, body, content_type=JSON)
