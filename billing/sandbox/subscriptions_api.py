"""The calls about subscriptions."""

from __future__ import annotations

from stripe.params import (
    SubscriptionCancelParams,
    SubscriptionCreateParams,
    SubscriptionListParams,
    SubscriptionResumeParams,
    SubscriptionRetrieveParams,
    SubscriptionUpdateParams,
)

from billing.sandbox.changes import cancel_now, change
from billing.sandbox.errors import StripeFault
from billing.sandbox.lists import equal_to, page
from billing.sandbox.opening import open_subscription
from billing.sandbox.routing import Request, route
from billing.sandbox.store import Object, Sandbox
from billing.sandbox.subscriptions import ENDED, items_of, set_status, watch


@route("POST", "/v1/subscriptions", SubscriptionCreateParams)
def create(sandbox: Sandbox, request: Request) -> Object:
    params = dict(request.params)
    return open_subscription(sandbox, params.pop("customer", ""), params.pop("items", []), **params)


@route("GET", "/v1/subscriptions/{id}", SubscriptionRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("subscription", request["id"])


def _living(sandbox: Sandbox, identifier: str) -> Object:
    sub = sandbox.get("subscription", identifier)
    if sub["status"] in ENDED:
        raise StripeFault(f"No such subscription: '{identifier}'", status=404, code="resource_missing", param="id")
    return sub


@route("POST", "/v1/subscriptions/{id}", SubscriptionUpdateParams)
def update(sandbox: Sandbox, request: Request) -> Object:
    sub = sandbox.get("subscription", request["id"])
    if sub["status"] in ENDED and request.params.keys() - {"cancellation_details", "metadata"}:
        raise StripeFault("A canceled subscription can only update its cancellation_details and metadata.")
    return change(sandbox, sub, request.params)


@route("DELETE", "/v1/subscriptions/{id}", SubscriptionCancelParams)
def cancel(sandbox: Sandbox, request: Request) -> Object:
    return cancel_now(sandbox, _living(sandbox, request["id"]), request.params)


@route("POST", "/v1/subscriptions/{id}/resume", SubscriptionResumeParams)
def resume(sandbox: Sandbox, request: Request) -> Object:
    sub = _living(sandbox, request["id"])
    if sub["status"] != "paused":
        raise StripeFault("Only a paused subscription can be resumed.")
    set_status(sandbox, sub, "active")
    watch(sandbox, sub)
    return sub


@route("GET", "/v1/subscriptions", SubscriptionListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    equal = {"customer": params["customer"]} if "customer" in params else {}
    found = equal_to(request, sandbox.find("subscription", **equal), "collection_method", "test_clock")
    wanted = params.get("status")
    if wanted is None:
        found = [sub for sub in found if sub["status"] not in ENDED]
    elif wanted == "ended":
        found = [sub for sub in found if sub["status"] in ENDED]
    elif wanted != "all":
        found = [sub for sub in found if sub["status"] == wanted]
    if price := params.get("price"):
        found = [sub for sub in found if any(item["price"]["id"] == price for item in items_of(sub))]
    return page(request, found)
