"""Webhook endpoints, and the events that were made: ``/v1/webhook_endpoints`` and ``/v1/events``."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from stripe.params import (
    EventListParams,
    EventRetrieveParams,
    WebhookEndpointCreateParams,
    WebhookEndpointDeleteParams,
    WebhookEndpointListParams,
    WebhookEndpointRetrieveParams,
    WebhookEndpointUpdateParams,
)

from billing.sandbox.lists import page
from billing.sandbox.routing import Request, route
from billing.sandbox.store import VERSION, Object, Sandbox, refuse

KIND = "webhook_endpoint"


@route("POST", "/v1/webhook_endpoints", WebhookEndpointCreateParams)
def create(sandbox: Sandbox, request: Request) -> Object:
    """The only answer that tells the secret."""
    made = enter(
        sandbox,
        request.params["url"],
        enabled_events=request.params["enabled_events"],
        api_version=request.params.get("api_version", VERSION),
        description=request.params.get("description") or None,
        metadata=request.params.get("metadata", {}),
    )
    return {**made, "secret": made["_secrets"][0]["secret"]}


def enter(
    sandbox: Sandbox,
    url: str,
    *,
    secret: str = "",
    enabled_events: list[str] | None = None,
    api_version: str = VERSION,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Object:
    """A new endpoint; without a secret one is made."""
    _checked(url)
    return sandbox.put(
        KIND,
        {
            "id": sandbox.new_id("we"),
            "object": KIND,
            "api_version": api_version,
            "application": None,
            "created": sandbox.now(),
            "description": description,
            "enabled_events": enabled_events or ["*"],
            "livemode": False,
            "metadata": metadata or {},
            "status": "enabled",
            "url": url,
            "_secrets": [{"secret": secret or sandbox.new_id("whsec", 32), "until": None}],
        },
    )


def ensure(sandbox: Sandbox, url: str, secret: str, enabled_events: list[str]) -> Object:
    """The endpoint at this address, with this secret, for these events: the known one, or a new one."""
    for known in sandbox.find(KIND, url=url):
        known["enabled_events"] = enabled_events
        if [one["secret"] for one in known["_secrets"]] != [secret]:
            known["_secrets"] = [{"secret": secret, "until": None}]
        return known
    return enter(sandbox, url, secret=secret, enabled_events=enabled_events, description="From the command line")


def _checked(url: str) -> None:
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise refuse("Invalid URL: URL must be an explicit http or https address.", code="url_invalid", param="url")


def roll(sandbox: Sandbox, endpoint: str, *, seconds: int = 0, secret: str = "") -> str:
    """A new secret; the old one is used beside it for so long, as the dashboard offers."""
    found = sandbox.get(KIND, endpoint)
    kept = [one for one in found["_secrets"] if one["until"] is None or one["until"] > time.time()]
    made = secret or sandbox.new_id("whsec", 32)
    until = time.time() + seconds
    found["_secrets"] = [{"secret": made, "until": None}, *({**one, "until": until} for one in kept if seconds)]
    return made


@route("GET", "/v1/webhook_endpoints", WebhookEndpointListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    return page(request, sandbox.find(KIND))


@route("GET", "/v1/webhook_endpoints/{id}", WebhookEndpointRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get(KIND, request["id"])


@route("POST", "/v1/webhook_endpoints/{id}", WebhookEndpointUpdateParams)
def update(sandbox: Sandbox, request: Request) -> Object:
    found, given = sandbox.get(KIND, request["id"]), request.params
    _checked(given.get("url") or found["url"])
    for name in ("url", "enabled_events", "description"):
        if name in given:
            found[name] = given[name] or None
    if "disabled" in given:
        found["status"] = "disabled" if given["disabled"] else "enabled"
    found["metadata"] = {
        key: text for key, text in {**found["metadata"], **(given.get("metadata") or {})}.items() if text
    }
    return found


@route("DELETE", "/v1/webhook_endpoints/{id}", WebhookEndpointDeleteParams)
def delete(sandbox: Sandbox, request: Request) -> Object:
    sandbox.forget(KIND, request["id"])
    return {"id": request["id"], "object": KIND, "deleted": True}


# --- Events -----------------------------------------------------------------------------------------------------------


@route("GET", "/v1/events", EventListParams)
def events(sandbox: Sandbox, request: Request) -> Object:
    return page(request, [event for event in sandbox.find("event") if _is_wanted(event, request.params)])


def _is_wanted(event: Object, wanted: Object) -> bool:
    """``type`` may end in ``*``, as ``charge.*``."""
    types = [*wanted.get("types", []), *([wanted["type"]] if "type" in wanted else [])]
    if types and not any(_is_of(event["type"], one) for one in types):
        return False
    delivered = wanted.get("delivery_success")
    return delivered is None or delivered == (event["pending_webhooks"] == 0)


def _is_of(kind: str, wanted: str) -> bool:
    return kind.startswith(wanted[:-1]) if wanted.endswith("*") else kind == wanted


@route("GET", "/v1/events/{id}", EventRetrieveParams)
def event(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("event", request["id"])
