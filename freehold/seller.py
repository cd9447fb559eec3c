"""Who sells, as quotes say it, and where buyers write to: from the environment, as ``docs/operator.md`` lists it."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from freehold import env

DEMO = {
    "BILLING_SELLER": "Freehold Demo GmbH; Made-up Street 1; 10115 Berlin; Germany",
    "BILLING_SELLER_TAX_ID": "DE000000000",
    "BILLING_BANK": "Demo Bank, IBAN DE00 0000 0000 0000 0000 00, BIC DEMODEXX",
    "BILLING_CONTACT": "billing@freehold.example",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """``address`` in lines, the name first. Each is empty where the operator did not say it."""

    address: tuple[str, ...] = ()
    tax_id: str = ""
    bank: str = ""
    email: str = ""


def from_environment(*, production: bool) -> Seller:
    def text(name: str) -> str:
        return env.text(name, "" if production else DEMO[name]).strip()

    found = Seller(
        address=tuple(line.strip() for line in text("BILLING_SELLER").split(";") if line.strip()),
        tax_id=text("BILLING_SELLER_TAX_ID"),
        bank=text("BILLING_BANK"),
        email=text("BILLING_CONTACT"),
    )
    if found.email:
        try:
            validate_email(found.email)
        except ValidationError as error:
            raise ImproperlyConfigured(f"BILLING_CONTACT must be an e-mail address, not {found.email!r}.") from error
    return found
