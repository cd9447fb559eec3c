"""Settings of billing, all from the environment; ``docs/operator.md`` lists them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from freehold import env
from freehold.programs import SANDBOX_SECRET

SANDBOX_KEY = "sk_test_freehold"
SANDBOX_BASE = "http://127.0.0.1:8041"
STRIPES_PAGES = ("https://checkout.stripe.com", "https://billing.stripe.com", "https://invoice.stripe.com")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSettings:
    """``base`` is empty for Stripe itself, and the sandbox's address else. ``account`` empty: any that the key has.

    ``secrets`` are those of the webhook endpoint, two while they are changed. ``served`` is what a gigabyte costs by
    currency, in minor units, where what is served of an organization's projects is billed.
    """

    enabled: bool
    key: str = ""
    secrets: tuple[str, ...] = ()
    base: str = ""
    account: str = ""
    automatic_tax: bool = True
    served: tuple[tuple[str, int], ...] = ()

    @property
    def livemode(self) -> bool:
        return self.key.startswith(("sk_live_", "rk_live_"))

    @property
    def pages(self) -> list[str]:
        """Where a form of ours may lead to: the pages on which it is paid."""
        if not self.enabled:
            return []
        return [self.base] if self.base else list(STRIPES_PAGES)

    @property
    def is_sandbox(self) -> bool:
        return bool(self.base)


def from_environment(*, production: bool) -> StripeSettings:
    """What is missing or contradictory refuses to start."""
    if not env.flag("BILLING_ENABLED", default=True):
        return StripeSettings(enabled=False)
    found = StripeSettings(
        enabled=True,
        key=env.text("STRIPE_API_KEY", "" if production else SANDBOX_KEY).strip(),
        secrets=tuple(env.words("STRIPE_WEBHOOK_SECRETS", "" if production else SANDBOX_SECRET)),
        base=env.text("STRIPE_API_BASE", "" if production else SANDBOX_BASE).strip().rstrip("/"),
        account=env.text("STRIPE_ACCOUNT").strip(),
        automatic_tax=env.flag("STRIPE_AUTOMATIC_TAX", default=True),
        served=_prices("BILLING_GIGABYTE_PRICES", env.words("BILLING_GIGABYTE_PRICES")),
    )
    _demand_agreement(found, production=production)
    _demand_that_we_sell()
    return found


def _demand_that_we_sell() -> None:
    """The ledger books every invoice, and its tax, as the operator's own."""
    if env.flag("STRIPE_MERCHANT_OF_RECORD", default=False):
        raise ImproperlyConfigured(
            "STRIPE_MERCHANT_OF_RECORD can't be on: where Stripe sells in its own name it owes the tax, and the ledger"
            " would book that as yours. docs/ledger.md says more."
        )


def _prices(name: str, words: list[str]) -> tuple[tuple[str, int], ...]:
    """``usd=2``: two cents."""
    pairs = [word.lower().split("=") for word in words]
    for pair in pairs:
        if len(pair) != 2 or len(pair[0].strip()) != 3 or not pair[1].strip().isdecimal():
            raise ImproperlyConfigured(f"{name} must be like usd=2,eur=2: a currency, and cents for a gigabyte.")
    return tuple((currency.strip(), int(amount)) for currency, amount in pairs)


def _demand_agreement(found: StripeSettings, *, production: bool) -> None:
    if not found.key or not found.secrets:
        raise ImproperlyConfigured(
            "STRIPE_API_KEY and STRIPE_WEBHOOK_SECRETS must be set when FREEHOLD_ENV is production;"
            " BILLING_ENABLED=false runs Freehold without billing."
        )
    if not found.key.startswith(("sk_test_", "rk_test_", "sk_live_", "rk_live_")):
        raise ImproperlyConfigured("STRIPE_API_KEY must be a secret or restricted key: sk_… or rk_….")
    if found.base and urlsplit(found.base).hostname not in LOOPBACK:
        raise ImproperlyConfigured("STRIPE_API_BASE is for the sandbox, which is on this machine; leave it empty else.")
    if found.livemode and (found.base or not production):
        raise ImproperlyConfigured("A live key is for production and for Stripe itself, not for a demo or the sandbox.")
