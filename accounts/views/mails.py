"""Which mails one wants: a page of the account, and the link in a mail that stops those like it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import preferences
from accounts.access import signed_in, viewer_of
from accounts.forms import MailsForm
from accounts.topics import always
from freehold.access import public
from freehold.pages import private_page


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def mails(request: HttpRequest) -> HttpResponse:
    user = viewer_of(request)
    form = MailsForm(preferences.chosen_by(user), request.POST if request.method == "POST" else None)
    if form.is_valid():
        preferences.choose(user=user, wanted=form.wanted())
        messages.success(request, gettext("Saved. This holds for mails from now on."))
        return redirect("account-mails")
    return private_page(request, "accounts/mails.html", {"form": form, "always": always(), "address": user.email})


@public
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Programs that read mail follow links, so to open it does nothing; mail programs with a button of their own post
    to it (RFC 8058), as the page's button does. The token is what says who asks, so there is nothing to forge."""
    found = preferences.read_stop_token(token)
    if found is None:
        raise Http404
    user, topic = found
    is_done = request.method == "POST"
    if is_done:
        preferences.stop(user=user, topic=topic)
    return private_page(request, "accounts/mails_stop.html", {"topic": topic, "is_done": is_done})
