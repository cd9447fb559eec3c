"""Pages for people who are signed in, for people who have just shown who they are, and for staff."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.freshness import is_fresh
from accounts.models import User
from freehold.access import Access, mark

PageView = Callable[..., HttpResponseBase]


def viewer_of(request: HttpRequest) -> User:
    """Who is signed in, where a decorator has made sure that somebody is."""
    assert isinstance(request.user, User)
    return request.user


def signed_in(view: PageView) -> PageView:
    """For everybody with an account; others are asked to sign in, and come back."""
    return mark(_guarded(view, lambda _: None), Access.SIGNED_IN)


def staff_only(view: PageView) -> PageView:
    """For staff, with a second factor. To others it is not there."""
    return mark(_guarded(view, lambda request: _refuse_others(request, viewer_of(request).is_staff)), Access.STAFF)


def admins_only(view: PageView) -> PageView:
    """For the staff who run Freehold, with a second factor. Other staff is refused; to others it is not there."""

    def refuse(request: HttpRequest) -> HttpResponseBase | None:
        user = viewer_of(request)
        refusal = _refuse_others(request, user.is_staff)
        if refusal is None and not user.is_superuser:
            raise PermissionDenied
        return refusal

    return mark(_guarded(view, refuse), Access.ADMINS)


def fresh(view: PageView) -> PageView:
    """What is dangerous is done by somebody who has just shown again who they are. Stands inside the other decorators.

    It asks when the page is shown, so that no form is lost by it; and again when a form arrives late.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_fresh(request):
            return view(request, *args, **kwargs)
        back = request.get_full_path() if request.method in {"GET", "HEAD"} else request.path
        return redirect_to_login(back, reverse("account_reauthenticate"))

    return guarded


def _guarded(view: PageView, refuse: Callable[[HttpRequest], HttpResponseBase | None]) -> PageView:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        return refuse(request) or view(request, *args, **kwargs)

    return guarded


def ask_to_sign_in(request: HttpRequest) -> HttpResponseBase:
    return redirect_to_login(request.get_full_path(), reverse("account_login"))


def _refuse_others(request: HttpRequest, is_one: bool) -> HttpResponseBase | None:
    if not is_one:
        raise Http404
    return None if viewer_of(request).second_factor else redirect("second-factor-needed")
