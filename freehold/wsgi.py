"""The WSGI application that the web server runs."""

import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from freehold.celery import app as celery  # noqa: F401 -- what requests wake the worker with

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "freehold.settings")

application = get_wsgi_application()
# A web server runs no system checks by itself, and one of them keeps views that nobody may see from being served.
call_command("check", tags=["urls"], fail_level="ERROR")
