"""How the operator's accounting program calls the accounts of the ledger; ``docs/operator.md`` says how to tell."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from freehold import env

ACCOUNTS = (
    "bank", "clearing", "receivable", "disputed", "by_hand", "exchange", "suspense", "customer_balance", "refunds",
    "tax", "deferred", "revenue", "fees", "bad_debt", "dispute_losses", "shortfalls",
)  # fmt: skip


def accounts() -> dict[str, dict[str, str]]:
    """Of ``revenue=4000:Sales, fees=6100``: code and name by account, the name only where one is given."""
    found = {}
    for word in env.words("LEDGER_ACCOUNTS"):
        account, _, said = word.partition("=")
        code, _, name = said.partition(":")
        if account.strip() not in ACCOUNTS or not code.strip():
            raise ImproperlyConfigured(
                f"LEDGER_ACCOUNTS has {word!r}; write account=code or account=code:name, with an account of these: "
                f"{', '.join(ACCOUNTS)}."
            )
        found[account.strip()] = {"code": code.strip(), "name": name.strip()}
    return found
