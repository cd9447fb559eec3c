"""Addresses of the review desk, for staff."""

from __future__ import annotations

from django.urls import path

from review.views import case, proofs, queue

urlpatterns = [
    path("review/", queue.queue, name="review-queue"),
    path("review/next/", queue.take_next, name="review-next"),
    path("review/keys/", queue.keys, name="review-keys"),
    path("review/proofs/", proofs.flagged, name="review-proofs"),
    path("review/proofs/<int:proof>/looked-into/", proofs.dismiss, name="review-proof-dismiss"),
    path("review/cases/<int:case>/", case.case, name="review-case"),
]
