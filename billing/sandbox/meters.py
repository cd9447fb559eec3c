"""Meters of usage, and the events that they count."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from stripe.params.billing import (
    MeterCreateParams,
    MeterEventCreateParams,
    MeterListEventSummariesParams,
    MeterListParams,
    MeterRetrieveParams,
)

from billing.sandbox.clock import DAY
from billing.sandbox.errors import StripeFault, no_such
from billing.sandbox.fields import rounded
from billing.sandbox.lists import equal_to, page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox

OLDEST = 35 * DAY
NEWEST = 300


@route("POST", "/v1/billing/meters", MeterCreateParams)
def create(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    if sandbox.find("billing.meter", event_name=params["event_name"], status="active"):
        raise StripeFault("There is an active meter with that event name already.", param="event_name")
    now = sandbox.now()
    meter = blank(
        "billing.meter",
        id=sandbox.new_id("mtr", 16),
        created=now,
        customer_mapping=params.get("customer_mapping", {"event_payload_key": "stripe_customer_id", "type": "by_id"}),
        default_aggregation=params["default_aggregation"],
        display_name=params["display_name"],
        event_name=params["event_name"],
        status="active",
        status_transitions={"deactivated_at": None},
        updated=now,
        value_settings=params.get("value_settings", {"event_payload_key": "value"}),
    )
    sandbox.emit("billing.meter.created", sandbox.put("billing.meter", meter))
    return meter


@route("GET", "/v1/billing/meters/{id}", MeterRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("billing.meter", request["id"])


@route("GET", "/v1/billing/meters", MeterListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    return page(request, equal_to(request, sandbox.find("billing.meter"), "status"))


@route("POST", "/v1/billing/meter_events", MeterEventCreateParams)
def create_event(sandbox: Sandbox, request: Request) -> Object:
    """One identifier counts once."""
    params = request.params
    found = sandbox.find("billing.meter", event_name=params["event_name"], status="active")
    if not found:
        raise no_such("meter", params["event_name"], "event_name")
    customer, value = _read(sandbox, found[0], params["payload"])
    now = sandbox.now(customer)
    at = params.get("timestamp", now)
    if not now - OLDEST <= at <= now + NEWEST:
        raise StripeFault("The timestamp is too far in the past or in the future.", param="timestamp")
    identifier = params.get("identifier") or sandbox.new_id("mtre")
    if identifier in sandbox.objects.get("billing.meter_event", {}):
        raise StripeFault(f"An event already exists with identifier {identifier}.", param="identifier")
    event = blank(
        "billing.meter_event",
        id=identifier,
        _customer=customer,
        _meter=found[0]["id"],
        _value=value,
        created=now,
        event_name=params["event_name"],
        identifier=identifier,
        payload=params["payload"],
        timestamp=at,
    )
    sandbox.put("billing.meter_event", event)
    return {name: told for name, told in event.items() if name != "id"}


@route("GET", "/v1/billing/meters/{id}/event_summaries", MeterListEventSummariesParams)
def summarize(sandbox: Sandbox, request: Request) -> Object:
    """One sum of the whole time; windows are not kept here."""
    meter, params = sandbox.get("billing.meter", request["id"]), request.params
    start, end = params["start_time"], params["end_time"]
    if start % 60 or end % 60 or not start < end:
        raise StripeFault("start_time and end_time must be aligned with minute boundaries.", param="start_time")
    if "value_grouping_window" in params:
        raise StripeFault("This sandbox sums up the whole time.", param="value_grouping_window")
    customer = sandbox.get("customer", params["customer"], "customer")["id"]
    events = sandbox.find("billing.meter_event", _meter=meter["id"], _customer=customer)
    if not any(start <= event["timestamp"] < end for event in events):
        return page(request, [])
    summary = blank(
        "billing.meter_event_summary",
        id=f"mtrusg_{meter['id']}_{customer}_{start}",
        aggregated_value=float(used(sandbox, meter["id"], customer, start, end)),
        end_time=end,
        meter=meter["id"],
        start_time=start,
    )
    return page(request, [summary])


def _read(sandbox: Sandbox, meter: Object, payload: dict[str, str]) -> tuple[str, str]:
    who, how_much = meter["customer_mapping"]["event_payload_key"], meter["value_settings"]["event_payload_key"]
    if who not in payload:
        raise StripeFault(f"The payload has no {who}.", code="meter_event_no_customer_defined", param="payload")
    customer = sandbox.get("customer", payload[who], f"payload[{who}]")
    value = payload.get(how_much, "1" if meter["default_aggregation"]["formula"] == "count" else "")
    try:
        if Decimal(value).is_finite():
            return str(customer["id"]), value
    except InvalidOperation:
        pass
    raise StripeFault("The value is no number.", code="meter_event_invalid_value", param=f"payload[{how_much}]")


def used(sandbox: Sandbox, meter: str, customer: str, start: int, end: int) -> int:
    """How much was used from ``start`` until just before ``end``."""
    found = sandbox.find("billing.meter_event", _meter=meter, _customer=customer)
    within = sorted((one for one in found if start <= one["timestamp"] < end), key=lambda one: int(one["timestamp"]))
    formula = sandbox.get("billing.meter", meter)["default_aggregation"]["formula"]
    if formula == "count":
        return len(within)
    values = [Decimal(one["_value"]) for one in within]
    return rounded(sum(values, Decimal(0)) if formula == "sum" else (values or [Decimal(0)])[-1])
