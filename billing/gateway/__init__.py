"""The one way to Stripe: typed calls out, plain dataclasses back. ``stripe`` is imported in ``calls`` alone."""
