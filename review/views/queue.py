"""The queue of the desk, and the way from one case to the next."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import staff_only, viewer_of
from freehold.access import act
from freehold.errors import DomainError
from freehold.origin import client_address
from freehold.pages import private_page
from namespaces.models import Case
from namespaces.pages_cases import in_words
from orgs.actors import Actor
from review.queue import PER_PAGE, Tab, listed, oldest_waiting, rows, sizes
from review.services.desk import leave_case, take_next_case
from review.views.forms import QueueForm

PASSED, KEYS = "review_passed", "review_keys"
"""What a session remembers: the cases that were passed over, and that keys are switched off."""
MOST_PASSED = 100


@dataclass(frozen=True)
class TabItem:
    label: str | Promise
    url: str
    current: bool


@staff_only
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """``tab`` is one view of it; the fields of ``QueueForm`` narrow it."""
    reviewer = viewer_of(request)
    typed = request.GET.get("tab", "")
    tab = Tab(typed) if typed in Tab.values else Tab.WAITING
    form = QueueForm(request.GET)
    filters = form.filters(tab)
    counts = sizes(reviewer)
    page = Paginator(listed(filters, reviewer), PER_PAGE).get_page(request.GET.get("page"))
    oldest = oldest_waiting()
    context = {
        "tab": tab,
        "tabs": tab_items(tab, counts),
        "queued": counts[Tab.WAITING] + counts[Tab.SECOND],
        "form": form,
        "is_narrowed": filters.are_any,
        "page": page,
        "rows": rows(page.object_list, reviewer),
        "numbers": list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)),
        "oldest": in_words(timezone.now() - oldest.waiting_since) if oldest else "",
        "keys_on": keys_on(request),
    }
    return private_page(request, "review/queue.html", context)


def tab_items(current: Tab, counts: dict[Tab, int]) -> list[TabItem]:
    url = reverse("review-queue")
    return [
        TabItem(
            _("%(tab)s (%(count)s)") % {"tab": tab.label, "count": f"{counts[tab]:,}"},
            url if tab is Tab.WAITING else f"{url}?tab={tab.value}",
            tab is current,
        )
        for tab in Tab
    ]


@act
@staff_only
def take_next(request: HttpRequest) -> HttpResponseBase:
    """Take the next case. ``passed`` is one to lay aside and pass over for now; without it, nothing is passed over."""
    passed = request.POST.get("passed", "")
    if passed.isascii() and passed.isdigit() and len(passed) < 19:
        pass_over(request, int(passed))
    else:
        request.session.pop(PASSED, None)
    return go_on(request)


def pass_over(request: HttpRequest, pk: int) -> None:
    """Lay it aside, if one has it, and remember not to offer it again."""
    case = Case.objects.filter(pk=pk).first()
    if case is None:
        return
    with suppress(DomainError):  # it is in no or in other hands, and may stay there
        leave_case(actor=actor_of(request), case=case)
    known = [other for other in passed_over(request) if other != pk]
    request.session[PASSED] = [*known, pk][-MOST_PASSED:]


def passed_over(request: HttpRequest) -> Iterable[int]:
    return list(request.session.get(PASSED, []))


def go_on(request: HttpRequest) -> HttpResponseBase:
    """To the next case, which is in one's hands then; to the queue where there is none left."""
    passed = passed_over(request)
    case = take_next_case(actor=actor_of(request), besides=passed)
    if case is not None:
        return redirect("review-case", case.pk)
    messages.info(
        request,
        _("Nothing else waits for you but what you passed over.") if passed else _("Nothing else waits for you."),
    )
    return redirect("review-queue")


@act
@staff_only
def keys(request: HttpRequest) -> HttpResponseBase:
    """Switch the keys of the desk off or on again, for this session; ``case`` is the page one comes from."""
    request.session[KEYS] = "off" if keys_on(request) else "on"
    case = request.POST.get("case", "")
    if case.isascii() and case.isdigit() and len(case) < 19:
        return redirect("review-case", int(case))
    return redirect("review-queue")


def keys_on(request: HttpRequest) -> bool:
    """They can be switched off (WCAG 2.1.4), for they could come from somebody's voice."""
    return request.session.get(KEYS) != "off"


def actor_of(request: HttpRequest) -> Actor:
    return Actor.staff(viewer_of(request), origin=client_address(request))
