"""Settings, all from the environment; ``docs/operator.md`` lists them.

``FREEHOLD_ENV`` is one of

* ``demo`` (the default): a laptop. Embedded PostgreSQL under ``var/``, a generated key, an embedded broker.
* ``production``: nothing is guessed; what is missing or contradictory refuses to start.
* ``test``: as ``demo``, made for the suite.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from freehold import embedded, env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("FREEHOLD_VAR", str(BASE_DIR / "var")))

FREEHOLD_ENV = env.text("FREEHOLD_ENV", "demo")
if FREEHOLD_ENV not in {"demo", "production", "test"}:
    raise ImproperlyConfigured(f"FREEHOLD_ENV must be demo, production or test, not {FREEHOLD_ENV!r}.")
PRODUCTION = FREEHOLD_ENV == "production"
DEBUG = env.flag("FREEHOLD_DEBUG", default=False)


def required(name: str) -> str:
    value = env.text(name)
    if PRODUCTION and not value:
        raise ImproperlyConfigured(f"{name} must be set when FREEHOLD_ENV is production.")
    return value


def local_secret_key() -> str:
    """One key for each checkout, so that sessions outlive a restart of the demo."""
    path = VAR_DIR / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return path.read_text(encoding="ascii")


if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("FREEHOLD_DEBUG must not be true when FREEHOLD_ENV is production.")
SECRET_KEY = required("FREEHOLD_SECRET_KEY") or local_secret_key()

# --- Freehold's own rules -------------------------------------------------------------------------------------------

FREEHOLD_URL = (required("FREEHOLD_URL") or "http://127.0.0.1:8000").rstrip("/")
FREEHOLD_INDEX_NAME = env.text("FREEHOLD_INDEX_NAME", "the index")
FREEHOLD_SIMPLE_BASE = env.text("FREEHOLD_SIMPLE_BASE", "simple").strip("/")
FREEHOLD_MAX_HYPHENS = env.integer("FREEHOLD_MAX_HYPHENS", 4)
FREEHOLD_ACTIVATION_DELAY = timedelta(seconds=env.integer("FREEHOLD_ACTIVATION_DELAY", 60 if PRODUCTION else 1))
FREEHOLD_QUARANTINE = timedelta(days=env.integer("FREEHOLD_QUARANTINE_DAYS", 180))
FREEHOLD_TRANSFER_TTL = timedelta(days=env.integer("FREEHOLD_TRANSFER_DAYS", 14, minimum=1))
FREEHOLD_BLOCKED_RETENTION = timedelta(days=env.integer("FREEHOLD_BLOCKED_RETENTION_DAYS", 90, minimum=1))
FREEHOLD_BACKLOG_THREAD = FREEHOLD_ENV != "test"  # the suite flushes by hand
FREEHOLD_WAITERS = env.integer("FREEHOLD_WAITERS", 1)
FREEHOLD_CDN_SECONDS = env.integer("FREEHOLD_CDN_SECONDS", 60)
FREEHOLD_BATCH_LIMIT = 1000  # questions in one batch (DESIGN section 5)

# --- Django ---------------------------------------------------------------------------------------------------------

ALLOWED_HOSTS = env.words("FREEHOLD_ALLOWED_HOSTS", "" if PRODUCTION else "127.0.0.1,localhost,[::1],testserver")
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("FREEHOLD_ALLOWED_HOSTS must be set when FREEHOLD_ENV is production.")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "accounts",
    "orgs",
    "namespaces",
    "billing",
    "review",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "freehold.middleware.PagesLocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "freehold.urls"
WSGI_APPLICATION = "freehold.wsgi.application"
# Upload checks and PEP 752 have no trailing slash; a redirect would lose the body of a POST.
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["freehold.ui"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "freehold.context.site",
            ],
        },
    }
]

DATABASE_URL = required("DATABASE_URL") or embedded.database_url(VAR_DIR)
DATABASES: dict[str, dict[str, Any]] = {"default": env.database(DATABASE_URL)}
DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
# What is prepared is the check's statement alone (``freehold/prepared.py``). Its plan must not depend on the
# parameters, or every connection would plan it anew five times.
DATABASES["default"]["OPTIONS"] |= {
    # Storage is fast at random, and the statements are short: the planner is told both.
    "options": "-c plan_cache_mode=force_generic_plan -c random_page_cost=1.1 -c jit=off"
    " -c timezone=UTC -c lock_timeout=10s" + (" -c freehold.allow_truncate=on" if FREEHOLD_ENV == "test" else ""),
    # The suite empties tables between tests; nobody else truncates the audit trail.
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if FREEHOLD_ENV != "test"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = FREEHOLD_ENV == "test"  # nothing is collected there

# --- Security -------------------------------------------------------------------------------------------------------

HTTPS = FREEHOLD_URL.startswith("https://")
if PRODUCTION and not HTTPS:
    raise ImproperlyConfigured("FREEHOLD_URL must begin with https:// when FREEHOLD_ENV is production.")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("FREEHOLD_BEHIND_PROXY", default=False) else None
)
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- API ------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["orgs.api.authentication.ServiceTokenAuthentication"],
    # A view that names no permission is refused to everybody, not open to anybody.
    "DEFAULT_PERMISSION_CLASSES": ["orgs.api.permissions.Nobody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["freehold.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "freehold.schema.AutoSchema",
    "EXCEPTION_HANDLER": "freehold.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Freehold",
    "DESCRIPTION": "Namespaces for a package index (PEP 752): upload checks, the mirror, the feed.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["orgs.api.permissions.Anybody"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "freehold.schema.bodies_are_required",
    ],
}

# --- Jobs -----------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = required("CELERY_BROKER_URL") or "filesystem://"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
if CELERY_BROKER_URL == "filesystem://":
    # The embedded broker: a folder. Enough for one machine; production names Redis or RabbitMQ.
    BROKER_DIR = VAR_DIR / "broker"
    for folder in ("messages", "processed", "control"):
        (BROKER_DIR / folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "messages"),
        "data_folder_out": str(BROKER_DIR / "messages"),
        "processed_folder": str(BROKER_DIR / "processed"),
        "control_folder": str(BROKER_DIR / "control"),
        "store_processed": False,
    }
CELERY_BEAT_SCHEDULE = {
    "end-quarantines": {"task": "namespaces.end_quarantines", "schedule": timedelta(hours=1)},
    # Not worth doing late: the next one sends all that is due.
    "send-purges": {"task": "namespaces.send_purges", "schedule": timedelta(seconds=5), "options": {"expires": 5}},
    "prune-blocked-attempts": {"task": "namespaces.prune_blocked_attempts", "schedule": timedelta(days=1)},
}

# --- Logs -----------------------------------------------------------------------------------------------------------

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.text("FREEHOLD_LOG_LEVEL", "INFO")},
    "loggers": {"django.request": {"level": "ERROR"}},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
