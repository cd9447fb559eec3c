"""Decisions as JSON, with a sentence for the person who uploads."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from namespaces.decision import Decision, Reason

# One ASCII line each: the index sends it on as a reason phrase. Never the words by which uploaders recognize a file
# that the index has already (DESIGN section 6).
MESSAGES: dict[Reason, str] = {
    Reason.UNRESERVED: "The name '{project}' is in no reserved namespace.",
    Reason.HOLDER: "'{organization}' may publish '{project}': it holds the namespace '{namespace}'.",
    Reason.GRANDFATHERED: "The project '{project}' is older than the namespace '{namespace}' and goes on as before.",
    Reason.EXISTING: "The project '{project}' of '{organization}' goes on; new names in '{namespace}' have to wait.",
    Reason.LAPSED: (
        "The namespace '{namespace}' takes no new projects until its holder has settled its account. See {url}"
    ),
    Reason.LOCKED: "The namespace '{namespace}' is locked and takes no new projects. See {url}",
    Reason.RESERVED: (
        "The name '{project}' is in the namespace '{namespace}', which is reserved for its holders. See {url}"
    ),
}


def namespace_url(namespace: str) -> str:
    return f"{settings.FREEHOLD_URL}/namespaces/{namespace}/"


def as_json(decision: Decision) -> dict[str, Any]:
    """The answer of DESIGN section 5. ``candidates`` is there only when several organizations qualify."""
    url = namespace_url(decision.namespace) if decision.namespace else None
    message = MESSAGES[decision.reason].format(
        project=decision.project, namespace=decision.namespace, organization=decision.organization, url=url
    )
    answer: dict[str, Any] = {
        "allowed": decision.allowed,
        "status": decision.status,
        "reason": decision.reason.value,
        "project": decision.project,
        "namespace": decision.namespace,
        "organization": decision.organization,
        "message": message,
        "url": url,
        "namespaces": [{"name": mark.name, "owned": mark.owned} for mark in decision.namespaces],
        "revision": decision.revision,
    }
    if decision.candidates:
        answer["candidates"] = list(decision.candidates)
    return answer
