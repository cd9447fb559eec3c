"""Pages for people: checkout, the customer's portal, an invoice. No cookies, no JavaScript."""

from billing.sandbox.hosted import checkout, control, invoice, portal

PAGES = (checkout, control, invoice, portal)
"""To import this is to have all of their addresses."""
