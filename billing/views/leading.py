"""Pages from which a form leads to Stripe."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import SELF
from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

PageView = Callable[..., HttpResponseBase]


def leads_to_stripe(view: PageView) -> PageView:
    """Let forms of this page be answered by a redirection to Stripe's pages, which the policy forbids elsewhere."""

    @wraps(view)
    def led(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        hosts = [SELF, *settings.FREEHOLD_STRIPE.pages]
        response: HttpResponseBase = csp_replace({"form-action": hosts})(view)(request, *args, **kwargs)
        return response

    return led
