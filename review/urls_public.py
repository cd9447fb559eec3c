"""What the desk tells the public."""

from __future__ import annotations

from django.urls import path

from review.api.statistics import StatisticsView
from review.views import statistics

urlpatterns = [
    path("statistics/", statistics.page, name="statistics"),
    path("api/v1/statistics", StatisticsView.as_view(), name="api-statistics"),
]
