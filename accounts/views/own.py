"""The account's own pages: the name, the second factor that is missing, the identity on the index."""

from __future__ import annotations

from typing import Any

from allauth.core.internal import ratelimit
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from accounts import guards, identity
from accounts.access import fresh, signed_in, viewer_of
from accounts.events import unlink_index
from accounts.forms import ProfileForm
from accounts.identity_providers import INDEX
from accounts.profile import rename
from freehold.error_pages import too_many_requests
from freehold.errors import Invalid
from freehold.pages import private_page

CODE_LIMIT = {"index_code": "5/10m/user"}


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    user = viewer_of(request)
    form = ProfileForm(request.POST or None, initial={"name": user.name})
    if request.method == "POST" and form.is_valid():
        try:
            rename(user=user, name=form.cleaned_data["name"])
        except Invalid as error:
            form.add_error("name", error.message)
        else:
            messages.success(request, gettext("Your name is saved."))
            return redirect("account-profile")
    return private_page(request, "accounts/profile.html", {"form": form}, status=422 if form.errors else 200)


@signed_in
@require_http_methods(["GET", "HEAD"])
def second_factor_needed(request: HttpRequest) -> HttpResponse:
    """What to do for who lacks a second factor and needs one."""
    user = viewer_of(request)
    context = {"reason": guards.why_second_factor(user), "done": user.second_factor}
    return private_page(request, "accounts/second_factor.html", context)


@signed_in
@require_http_methods(["GET", "HEAD"])
def index_identity(request: HttpRequest) -> HttpResponse:
    return _identity_page(request)


@signed_in
@fresh
@require_http_methods(["POST"])
def index_code(request: HttpRequest) -> HttpResponseBase:
    """A code, shown once."""
    if not ratelimit.consume(request, app="freehold", action="index_code", config=CODE_LIMIT):
        return too_many_requests(request)
    return _identity_page(request, code=identity.issue_code(user=viewer_of(request)))


@signed_in
@fresh
@require_http_methods(["GET", "HEAD", "POST"])
def index_unlink(request: HttpRequest) -> HttpResponse:
    user = viewer_of(request)
    if request.method != "POST":
        return private_page(request, "accounts/index_unlink.html")
    SocialAccount.objects.filter(user=user, provider=INDEX).delete()
    unlink_index(user)
    messages.success(request, gettext("You are no longer linked to a user of the index."))
    return redirect("index-identity")


def _identity_page(request: HttpRequest, **context: Any) -> HttpResponse:
    minutes = int(settings.FREEHOLD_INDEX_CODE_TTL.total_seconds() // 60)
    by_sign_in = INDEX in settings.FREEHOLD_IDENTITY_PROVIDERS
    facts = {"minutes": minutes, "by_sign_in": by_sign_in, "code": "", **context}
    return private_page(request, "accounts/index_identity.html", facts)
