"""The addresses of a deployment whose simple API is elsewhere."""

from importlib import reload

from django.test import override_settings

import freehold.urls

with override_settings(FREEHOLD_SIMPLE_BASE="pypi/simple"):
    urlpatterns = list(reload(freehold.urls).urlpatterns)
reload(freehold.urls)

handler400, handler403 = freehold.urls.handler400, freehold.urls.handler403
handler404, handler500 = freehold.urls.handler404, freehold.urls.handler500
