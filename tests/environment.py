"""Loaded before anything else (see addopts in pyproject.toml): the suite never runs with the settings of a demo."""

import os

os.environ["FREEHOLD_ENV"] = "test"
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in the thread of its tests
