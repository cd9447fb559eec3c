"""The Celery application; tasks live in each app's ``tasks.py``."""

import os

from celery import Celery

from freehold import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "freehold.settings")

broker.register()
app = Celery("freehold")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Also for the threads of a web server, whose tasks would otherwise go to a broker that nobody has named.
app.set_default()
