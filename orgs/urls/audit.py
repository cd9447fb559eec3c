from __future__ import annotations

from django.urls import path

from orgs.views import audit

_AUDIT = "manage/<str:name>/audit/"
_WEBHOOK = f"{_AUDIT}webhooks/<int:number>/"

urlpatterns = [
    path(_AUDIT, audit.trail, name="organization-audit"),
    path(f"{_AUDIT}export.<str:kind>", audit.export, name="organization-audit-export"),
    path(f"{_AUDIT}events/<int:position>/", audit.event, name="organization-audit-event"),
    path(f"{_AUDIT}webhooks/", audit.webhooks, name="organization-audit-webhooks"),
    path(f"{_AUDIT}webhooks/new/", audit.webhook_new, name="organization-audit-webhook-new"),
    path(_WEBHOOK, audit.webhook, name="organization-audit-webhook"),
    path(f"{_WEBHOOK}secret/", audit.webhook_rotate, name="organization-audit-webhook-rotate"),
    path(f"{_WEBHOOK}enable/", audit.webhook_enable, name="organization-audit-webhook-enable"),
    path(f"{_WEBHOOK}delete/", audit.webhook_delete, name="organization-audit-webhook-delete"),
]
