"""``POST /billing/stripe/webhook``: where Stripe tells what happened. Everything else is done after the answer."""

from __future__ import annotations

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from billing.services import inbox
from freehold.access import act, public
from freehold.problems import problem_response, unavailable

log = structlog.get_logger(__name__)


@act
@public
@csrf_exempt  # called by Stripe's servers with a signature, never by a browser with a cookie
def webhook(request: HttpRequest) -> HttpResponse:
    """200 once it is stored, also a second time; 4xx for what is not Stripe's. After 5xx Stripe sends it again."""
    try:
        is_new = inbox.receive(body=request.body, signature=request.headers.get("Stripe-Signature", ""))
    except RequestDataTooBig:
        return problem_response(413, "too-large", "The body is too large.")
    except UnreadablePostError:
        return problem_response(400, "bad-message", "The body broke off.")
    except inbox.BadMessage as error:
        log.warning("billing.webhook_refused", reason=error.message)
        return problem_response(400, error.code, error.message)
    except OperationalError:
        log.exception("billing.webhook_unavailable")
        return unavailable()
    return JsonResponse({"received": True, "new": is_new})
