"""Sign-in by an identity provider: allauth's views with our adapter. A provider that is silent is no error of ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from requests import RequestException

from accounts.freshness import is_fresh
from accounts.provider import Adapter

View = Callable[[HttpRequest, str], HttpResponseBase]


def reached(view: View) -> View:
    """404 for a provider that is not there, and a page that says so for one that does not answer as it should."""

    @wraps(view)
    def answered(request: HttpRequest, provider_id: str) -> HttpResponseBase:
        try:
            return view(request, provider_id)
        except SocialApp.DoesNotExist as error:
            raise Http404 from error
        except ImmediateHttpResponse as broken_off:
            answer: HttpResponseBase = broken_off.response
            return answer
        except (RequestException, LookupError, TypeError, AttributeError) as error:
            provider = Adapter(request, provider_id).get_provider()
            failed: HttpResponseBase = render_authentication_error(request, provider, exception=error)
            return failed

    return answered


@reached
def begin(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """To connect another is to set up a new way in, which takes somebody who has just shown who they are."""
    connecting = request.GET.get("process") == AuthProcess.CONNECT
    if connecting and request.user.is_authenticated and not is_fresh(request):
        return redirect_to_login(reverse("socialaccount_connections"), reverse("account_reauthenticate"))
    answer: HttpResponseBase = OAuth2LoginView.adapter_view(Adapter(request, provider_id))(request)
    return answer


@reached
def finish(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    answer: HttpResponseBase = OAuth2CallbackView.adapter_view(Adapter(request, provider_id))(request)
    return answer
