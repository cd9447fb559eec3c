"""The account that sells."""

from __future__ import annotations

from stripe.params import AccountRetrieveCurrentParams, AccountRetrieveParams

from billing.sandbox import tax
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox

ID = "acct_1FreeholdSandbox"


def account(sandbox: Sandbox) -> Object:
    return blank(
        "account",
        id=ID,
        charges_enabled=True,
        country=tax.HOME,
        created=0,
        default_currency="usd",
        details_submitted=True,
        email="billing@freehold.example",
        payouts_enabled=True,
        type="standard",
    )


@route("GET", "/v1/account", AccountRetrieveCurrentParams)
def current(sandbox: Sandbox, request: Request) -> Object:
    return account(sandbox)


@route("GET", "/v1/accounts/{id}", AccountRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return account(sandbox) if request["id"] == ID else sandbox.get("account", request["id"])
