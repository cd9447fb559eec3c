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

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from accounts import identity_providers
from accounts.smtp import MailServer
from freehold import embedded, env, ledger_settings, logs, seller, stripe_settings
from freehold.outgoing import endpoints
from freehold.schedule import BEAT_SCHEDULE, BILLING_SCHEDULE, DEMO_SCHEDULE
from namespaces.policy import thresholds
from orgs.proofs import forges

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
SECRET_KEY_FALLBACKS = env.words("FREEHOLD_SECRET_KEY_FALLBACKS")

# --- Freehold's own rules -------------------------------------------------------------------------------------------

FREEHOLD_URL = (required("FREEHOLD_URL") or "http://localhost:8000").rstrip("/")
FREEHOLD_INDEX_NAME = env.text("FREEHOLD_INDEX_NAME", "the index")
FREEHOLD_SIMPLE_BASE = env.text("FREEHOLD_SIMPLE_BASE", "simple").strip("/")
FREEHOLD_MAX_HYPHENS = env.integer("FREEHOLD_MAX_HYPHENS", 4)
FREEHOLD_ACTIVATION_DELAY = timedelta(seconds=env.integer("FREEHOLD_ACTIVATION_DELAY", 60 if PRODUCTION else 1))
FREEHOLD_QUARANTINE = timedelta(days=env.integer("FREEHOLD_QUARANTINE_DAYS", 180))
FREEHOLD_TRANSFER_TTL = timedelta(days=env.integer("FREEHOLD_TRANSFER_DAYS", 14, minimum=1))
FREEHOLD_INVITATION_TTL = timedelta(days=env.integer("FREEHOLD_INVITATION_DAYS", 14, minimum=1))
FREEHOLD_INVITATIONS_PER_DAY = env.integer("FREEHOLD_INVITATIONS_PER_DAY", 200)
FREEHOLD_APPLIED_LIMIT = env.integer("FREEHOLD_APPLIED_LIMIT", 10, minimum=1)
FREEHOLD_RECOVERY_WAIT = timedelta(days=env.integer("FREEHOLD_RECOVERY_DAYS", 14, minimum=7))
FREEHOLD_HELD = timedelta(days=env.integer("FREEHOLD_HELD_DAYS", 30, minimum=7))
FREEHOLD_ANSWER = timedelta(days=env.integer("FREEHOLD_ANSWER_DAYS", 60, minimum=7))
FREEHOLD_UNDO = timedelta(hours=env.integer("FREEHOLD_UNDO_HOURS", 24))
FREEHOLD_OPEN_CLAIMS = env.integer("FREEHOLD_OPEN_CLAIMS", 20, minimum=1)
FREEHOLD_HEARING = timedelta(days=env.integer("FREEHOLD_HEARING_DAYS", 14, minimum=7))
FREEHOLD_REPORTS_PER_DAY = env.integer("FREEHOLD_REPORTS_PER_DAY", 5, minimum=1)
FREEHOLD_REVIEW_HOLD = timedelta(minutes=env.integer("FREEHOLD_REVIEW_MINUTES", 30, minimum=1))
FREEHOLD_BLOCKED_RETENTION = timedelta(days=env.integer("FREEHOLD_BLOCKED_RETENTION_DAYS", 90, minimum=1))
FREEHOLD_BACKLOG_THREAD = FREEHOLD_ENV != "test"  # the suite flushes by hand
FREEHOLD_WAITERS = env.integer("FREEHOLD_WAITERS", 1)
FREEHOLD_CDN_SECONDS = env.integer("FREEHOLD_CDN_SECONDS", 60)
FREEHOLD_BATCH_LIMIT = 1000  # questions in one batch (DESIGN section 5)
FREEHOLD_OUTGOING_ALLOW = endpoints.targets("FREEHOLD_OUTGOING_ALLOW")
if FREEHOLD_ENV == "demo":  # its forge is a page of the site
    FREEHOLD_OUTGOING_ALLOW += endpoints.of_site(FREEHOLD_URL)
FREEHOLD_OUTGOING_CA = endpoints.file("FREEHOLD_OUTGOING_CA")
FREEHOLD_DNS_SERVERS = endpoints.name_servers("FREEHOLD_DNS_SERVERS")
FREEHOLD_SCANNING_KEYS_URL = env.text(
    "FREEHOLD_SCANNING_KEYS_URL", "https://api.github.com/meta/public_keys/secret_scanning"
)
FREEHOLD_RDAP_URL = env.text("FREEHOLD_RDAP_URL").rstrip("/")
FREEHOLD_DEMO_DNS = VAR_DIR / "demo-dns.json"
FREEHOLD_PROOF_PORT = 443  # of the websites where proofs are; the suite's are elsewhere
FREEHOLD_PROOF_PROJECTS = env.integer("FREEHOLD_PROOF_PROJECTS", 3, minimum=1)
try:
    FREEHOLD_POLICY = thresholds.from_file(env.text("FREEHOLD_POLICY_FILE"))
    FREEHOLD_COMMUNITY_POLICY = thresholds.community_from_file(env.text("FREEHOLD_POLICY_FILE"))
except ValueError as error:
    raise ImproperlyConfigured(f"FREEHOLD_POLICY_FILE: {error}") from error
FREEHOLD_FORGES = dict(forges.KNOWN) if PRODUCTION else forges.with_demo(FREEHOLD_URL)
FREEHOLD_DEMO_FORGE = VAR_DIR / "demo-forge.json"
FREEHOLD_GITHUB_TOKEN = env.text("FREEHOLD_GITHUB_TOKEN")
FREEHOLD_STRIPE = stripe_settings.from_environment(production=PRODUCTION)
FREEHOLD_SELLER = seller.from_environment(production=PRODUCTION)
FREEHOLD_ACCOUNTS = ledger_settings.accounts()

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
    "django.forms",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "django_htmx",
    "accounts.apps.AllauthAccountConfig",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
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
    "freehold.middleware.PagesAccountMiddleware",
    "freehold.middleware.PagesHtmxMiddleware",
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
                "freehold.context.viewer",
            ],
        },
    }
]
FORM_RENDERER = "freehold.forms.Renderer"

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

# Shared by all processes, for the limits on attempts stand here. Expired entries go first.
SHARED_CACHE = {
    "BACKEND": "django.core.cache.backends.db.DatabaseCache",
    "LOCATION": "freehold_cache",  # made by a migration of accounts
    "OPTIONS": {"MAX_ENTRIES": 50_000},
}
# The suite is one process, and empties it between tests.
ONE_PROCESS_CACHE = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
CACHES = {"default": ONE_PROCESS_CACHE if FREEHOLD_ENV == "test" else SHARED_CACHE}

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
FREEHOLD_BEHIND_PROXY = env.flag("FREEHOLD_BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if FREEHOLD_BEHIND_PROXY else None
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

# --- Sign-in and mail -----------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["accounts.backends.SignInBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/dashboard/"
LOGOUT_REDIRECT_URL = "/"
CSRF_FAILURE_VIEW = "freehold.error_pages.csrf_failure"
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60  # seconds

ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_CHANGE_EMAIL = False  # several addresses, of which one is primary
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = False  # allauth offers it for new accounts only, which would tell them
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_FORMS = {
    "add_email": "accounts.forms.AddressForm",
    "change_password": "accounts.forms.PasswordForm",
    "confirm_email_verification_code": "accounts.forms.AddressCodeForm",
    "login": "accounts.forms.SignInForm",
    "reauthenticate": "accounts.forms.ConfirmByPasswordForm",
    "reset_password": "accounts.forms.ForgotPasswordForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
    "set_password": "accounts.forms.FirstPasswordForm",
    "signup": "accounts.forms.CreateAccountForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # this session stays; all others end with the old password
ACCOUNT_MAX_EMAIL_ADDRESSES = 10
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60  # seconds
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if FREEHOLD_BEHIND_PROXY else 0

MFA_ADAPTER = "accounts.adapters.MFAAdapter"
MFA_FORMS = {
    "activate_totp": "accounts.forms.AppForm",
    "authenticate": "accounts.forms.SecondStepCodeForm",
    "reauthenticate": "accounts.forms.ConfirmByCodeForm",
    "add_webauthn": "accounts.forms.AddPasskeyForm",
    "authenticate_webauthn": "accounts.forms.SecondStepForm",
    "login_webauthn": "accounts.forms.SignInByPasskeyForm",
    "reauthenticate_webauthn": "accounts.forms.ConfirmByPasskeyForm",
    "edit_webauthn": "accounts.forms.RenamePasskeyForm",
    "signup_webauthn": "accounts.forms.SignUpPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = MFA_PASSKEY_SIGNUP_ENABLED = True
MFA_TOTP_ISSUER = "Freehold"
MFA_TOTP_TOLERANCE = 1  # steps of 30 seconds that a phone's clock may be off
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION

SOCIALACCOUNT_ADAPTER = "accounts.adapters.SocialAccountAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
try:
    FREEHOLD_IDENTITY_PROVIDERS = identity_providers.from_environment(FREEHOLD_INDEX_NAME, insecure=not PRODUCTION)
except ValueError as error:
    raise ImproperlyConfigured(f"Identity providers: {error}") from error
SOCIALACCOUNT_PROVIDERS = identity_providers.as_allauth(FREEHOLD_IDENTITY_PROVIDERS)
FREEHOLD_INDEX_CODE_TTL = timedelta(minutes=15)

# Every mail is a row first (``accounts.outbox``), and is sent to this server after the transaction.
EMAIL_BACKEND = "accounts.outbox.OutboxBackend"
FREEHOLD_MAIL_SHOWN = FREEHOLD_ENV != "production"  # at /demo/mail/, for a laptop has no mail server
DEFAULT_FROM_EMAIL = SERVER_EMAIL = required("FREEHOLD_MAIL_FROM") or "Freehold <freehold@localhost>"
FREEHOLD_SMTP_URL = required("FREEHOLD_SMTP_URL")
try:
    FREEHOLD_SMTP = MailServer.from_url(FREEHOLD_SMTP_URL) if FREEHOLD_SMTP_URL else None
except ValueError as error:
    raise ImproperlyConfigured(f"FREEHOLD_SMTP_URL {error}") from error
FREEHOLD_MAIL_PATIENCE = timedelta(days=3)
FREEHOLD_MAIL_RETENTION = timedelta(days=7) if PRODUCTION else None  # mails hold codes

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
    "ENUM_NAME_OVERRIDES": {
        "OrganizationKindEnum": "orgs.vocabulary.Kind",
        "ProofKindEnum": "orgs.vocabulary.ProofKind",
        "ChangeKindEnum": "namespaces.models.Change.Kind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "freehold.schema.bodies_are_required",
    ],
}

# --- Jobs -----------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = required("CELERY_BROKER_URL") or "folder://"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
if CELERY_BROKER_URL == "folder://":
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
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE | (BILLING_SCHEDULE if FREEHOLD_STRIPE.enabled else {})
if FREEHOLD_ENV == "demo" and FREEHOLD_STRIPE.enabled:
    CELERY_BEAT_SCHEDULE |= DEMO_SCHEDULE

# --- Logs -----------------------------------------------------------------------------------------------------------

LOGGING = logs.configured(env.text("FREEHOLD_LOG_LEVEL", "INFO"))
