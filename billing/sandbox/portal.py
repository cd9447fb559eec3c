"""The customer's portal: ``/v1/billing_portal``. Its pages are in ``hosted/portal.py``."""

from __future__ import annotations

from urllib.parse import urlsplit

from stripe.params.billing_portal import (
    ConfigurationCreateParams,
    ConfigurationListParams,
    ConfigurationRetrieveParams,
    ConfigurationUpdateParams,
    SessionCreateParams,
)

from billing.sandbox import customers
from billing.sandbox.clock import HOUR
from billing.sandbox.errors import missing
from billing.sandbox.fields import fill
from billing.sandbox.lists import equal_to, page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed, refuse

CONFIGURATION, SESSION = "billing_portal.configuration", "billing_portal.session"
IDLE = HOUR
"""Seconds after which a session is over."""
FEATURES: Object = {
    "customer_update": {"allowed_updates": ["email", "address", "tax_id", "name"], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": []},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {"enabled": False},
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "products": [],
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}
USUAL = ("customer_update", "invoice_history", "payment_method_update", "subscription_cancel")
"""What is on in the configuration that everybody begins with."""


@route("POST", "/v1/billing_portal/configurations", ConfigurationCreateParams)
def create_configuration(sandbox: Sandbox, request: Request) -> Object:
    return _enter(sandbox, request.params, is_default=False)


def _enter(sandbox: Sandbox, params: Object, *, is_default: bool) -> Object:
    made = blank(
        CONFIGURATION,
        id=sandbox.new_id("bpc"),
        active=True,
        business_profile=dict.fromkeys(("headline", "privacy_policy_url", "terms_of_service_url")),
        created=sandbox.now(),
        features={name: dict(usual) for name, usual in FEATURES.items()},
        is_default=is_default,
        login_page={"enabled": False, "url": None},
        metadata={},
        updated=sandbox.now(),
    )
    _take(made, params)
    sandbox.emit("billing_portal.configuration.created", sandbox.put(CONFIGURATION, made))
    return made


def _take(made: Object, params: Object) -> None:
    for name, sent in params.get("features", {}).items():
        made["features"][name] = {**made["features"][name], **sent}
    made["business_profile"] = {**made["business_profile"], **params.get("business_profile", {})}
    fill(made, params, ("active", "default_return_url", "metadata", "name"))


@route("GET", "/v1/billing_portal/configurations", ConfigurationListParams)
def configurations(sandbox: Sandbox, request: Request) -> Object:
    return page(request, equal_to(request, sandbox.find(CONFIGURATION), "active", "is_default"))


@route("GET", "/v1/billing_portal/configurations/{id}", ConfigurationRetrieveParams)
def retrieve_configuration(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get(CONFIGURATION, request["id"])


@route("POST", "/v1/billing_portal/configurations/{id}", ConfigurationUpdateParams)
def update_configuration(sandbox: Sandbox, request: Request) -> Object:
    made = sandbox.get(CONFIGURATION, request["id"])
    if made["is_default"] and request.params.get("active") is False:
        raise refuse("The default configuration stays active.", param="active")
    with changed(sandbox, made, "billing_portal.configuration.updated"):
        _take(made, request.params)
        made["updated"] = sandbox.now()
    return made


def usual_configuration(sandbox: Sandbox) -> Object:
    """As if somebody had saved the settings in the dashboard."""
    if known := sandbox.find(CONFIGURATION, is_default=True):
        return known[0]
    return _enter(sandbox, {"features": {name: {"enabled": True} for name in USUAL}}, is_default=True)


# --- Sessions ---------------------------------------------------------------------------------------------------------


@route("POST", "/v1/billing_portal/sessions", SessionCreateParams)
def create_session(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    if not params.get("customer"):
        raise missing("customer")
    customer = customers.living(sandbox, params["customer"], "customer")
    configuration = _configuration_of(sandbox, params)
    back = params.get("return_url") or configuration["default_return_url"]
    if back is not None and urlsplit(back).scheme not in {"http", "https"}:
        raise refuse("Not a valid URL", code="url_invalid", param="return_url")
    secret = sandbox.new_id("test", 48)
    session = blank(
        SESSION,
        id=sandbox.new_id("bps"),
        configuration=configuration["id"],
        created=sandbox.now(customer["id"]),
        customer=customer["id"],
        flow=_flow(sandbox, customer, params.get("flow_data")),
        locale=params.get("locale"),
        return_url=back,
        url=f"{sandbox.base}/p/session/{secret}",
        _secret=secret,
    )
    sandbox.put(SESSION, session)
    sandbox.emit("billing_portal.session.created", session)
    return session


def _configuration_of(sandbox: Sandbox, params: Object) -> Object:
    if "configuration" not in params:
        return usual_configuration(sandbox)
    found = sandbox.get(CONFIGURATION, params["configuration"], "configuration")
    if not found["active"]:
        raise refuse("The configuration is not active.", param="configuration")
    return found


def _flow(sandbox: Sandbox, customer: Object, sent: Object | None) -> Object | None:
    """One thing to do, and then back; raises ``StripeFault``."""
    if sent is None:
        return None
    about = sent.get(sent["type"]) or {}
    if sent["type"].startswith("subscription_"):
        if "subscription" not in about:
            raise missing(f"flow_data[{sent['type']}][subscription]")
        sub = sandbox.get("subscription", about["subscription"], f"flow_data[{sent['type']}][subscription]")
        if sub["customer"] != customer["id"]:
            raise refuse("The subscription is another customer's.", param=f"flow_data[{sent['type']}][subscription]")
    usual = dict.fromkeys(("hosted_confirmation", "redirect"))
    after = {**usual, "type": "portal_homepage", **sent.get("after_completion", {})}
    kinds = ("customer_update", "subscription_cancel", "subscription_pause", "subscription_update")
    told: Object = dict.fromkeys((*kinds, "subscription_update_confirm"))
    return {**told, "after_completion": after, "type": sent["type"], **({sent["type"]: about} if about else {})}


def by_secret(sandbox: Sandbox, secret: str) -> Object | None:
    """The session that this address opens, as long as it does."""
    found = next((one for one in sandbox.find(SESSION) if one["_secret"] == secret), None)
    if found is None or sandbox.get("customer", found["customer"]).get("deleted"):
        return None
    return found if sandbox.now(found["customer"]) - found["created"] < IDLE else None


def allows(sandbox: Sandbox, session: Object, feature: str) -> bool:
    features = sandbox.get(CONFIGURATION, session["configuration"])["features"]
    return bool(features[feature]["enabled"])
