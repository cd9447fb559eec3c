"""``/demo/mail/``: what a laptop would have sent. There is no such page in production (``freehold/urls.py``)."""

from __future__ import annotations

from csp.constants import NONE, UNSAFE_INLINE
from csp.decorators import csp
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.models import Mail
from freehold.access import public
from freehold.pages import PRIVATE, private_page

PAGE = 25
MAIL_POLICY = {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [NONE],
}
"""A mail brings its style along, for mail programs fetch none; here, too, it may do nothing else."""


@public
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    pages = Paginator(Mail.objects.order_by("-pk"), PAGE)
    page = pages.get_page(request.GET.get("page"))
    context = {"page": page, "numbers": pages.get_elided_page_range(page.number)}
    return private_page(request, "accounts/demo_mails.html", context)


@public
@require_safe
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    return private_page(request, "accounts/demo_mail.html", {"mail": get_object_or_404(Mail, pk=pk)})


@public
@csp(MAIL_POLICY)  # type: ignore[arg-type]  # its type knows no view with a part of the address
@require_safe
def html(request: HttpRequest, pk: int) -> HttpResponse:
    """The mail as a mail program shows it; not all have HTML."""
    found = get_object_or_404(Mail, pk=pk)
    if not found.html:
        raise Http404
    return HttpResponse(found.html, headers={"Cache-Control": PRIVATE})
