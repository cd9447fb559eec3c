"""Test clocks: time for some customers only."""

from __future__ import annotations

from stripe.params.test_helpers import (
    TestClockAdvanceParams,
    TestClockCreateParams,
    TestClockDeleteParams,
    TestClockListParams,
    TestClockRetrieveParams,
)

from billing.sandbox.clock import DAY
from billing.sandbox.customers import remove
from billing.sandbox.errors import StripeFault
from billing.sandbox.jobs import run_until
from billing.sandbox.lists import page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed

KIND = "test_helpers.test_clock"


@route("POST", "/v1/test_helpers/test_clocks", TestClockCreateParams)
def create(sandbox: Sandbox, request: Request) -> Object:
    now = sandbox.clock.now()
    clock = blank(
        KIND,
        id=sandbox.new_id("clock"),
        created=now,
        deletes_after=now + 30 * DAY,
        frozen_time=request.params["frozen_time"],
        name=request.params.get("name"),
        status="ready",
        status_details={},
    )
    sandbox.emit("test_helpers.test_clock.created", sandbox.put(KIND, clock))
    return clock


@route("GET", "/v1/test_helpers/test_clocks/{id}", TestClockRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get(KIND, request["id"])


@route("GET", "/v1/test_helpers/test_clocks", TestClockListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    return page(request, sandbox.find(KIND))


@route("POST", "/v1/test_helpers/test_clocks/{id}/advance", TestClockAdvanceParams)
def advance(sandbox: Sandbox, request: Request) -> Object:
    """Done at once; the answer still says that it goes on, as Stripe's does."""
    clock, to = sandbox.get(KIND, request["id"]), request.params["frozen_time"]
    if to <= clock["frozen_time"]:
        raise StripeFault("Time only goes forward.", param="frozen_time")
    clock["status"] = "advancing"
    sandbox.emit("test_helpers.test_clock.advancing", clock)
    run_until(sandbox, to, clock["id"])
    with changed(sandbox, clock, "test_helpers.test_clock.ready"):
        clock.update(frozen_time=to, status="ready")
    return {**clock, "status": "advancing", "status_details": {"advancing": {"target_frozen_time": to}}}


@route("DELETE", "/v1/test_helpers/test_clocks/{id}", TestClockDeleteParams)
def delete(sandbox: Sandbox, request: Request) -> Object:
    """Its customers go with it."""
    clock = sandbox.get(KIND, request["id"])
    for customer in sandbox.find("customer", test_clock=clock["id"]):
        if not customer.get("deleted"):
            remove(sandbox, customer)
    sandbox.emit("test_helpers.test_clock.deleted", clock)
    sandbox.due.pop(clock["id"], None)
    clock["deleted"] = True
    return {"id": clock["id"], "object": KIND, "deleted": True}
