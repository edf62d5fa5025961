"""Every setting, read once from the environment; it refuses to start rather than guess."""

from __future__ import annotations

import os
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PROJECT = Path(__file__).resolve().parent
POSTGRESQL = ("postgres", "postgresql")


def _flag(name: str, default: bool) -> bool:
    """A yes/no variable; anything but the usual words is refused."""
    text = os.environ.get(name, "").strip().lower()
    if text in ("", "default"):
        return default
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name} is {text!r}: say 1 or 0.")


def _number(name: str, default: int, *, at_least: int = 1) -> int:
    """A whole number; anything else is refused."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdigit() or int(text) < at_least:
        raise ImproperlyConfigured(f"{name} is {text!r}: say a number from {at_least}.")
    return int(text)


def _proxies() -> tuple[list[IPv4Network | IPv6Network], bool]:
    """VERNE_PROXIES: addresses and networks, and `unix` for a socket in the file system."""
    named = [part.strip() for part in os.environ.get("VERNE_PROXIES", "").split(",")]
    try:
        networks = [ip_network(part) for part in named if part not in ("", "unix")]
    except ValueError as wrong:
        raise ImproperlyConfigured(
            f"VERNE_PROXIES: {wrong}. Write addresses or networks such as 127.0.0.1,10.1.0.0/24."
        ) from wrong
    if any(network.prefixlen == 0 for network in networks):
        raise ImproperlyConfigured("VERNE_PROXIES names everybody: name your proxies only.")
    return networks, "unix" in named


def _secret_key(home: Path) -> str:
    """VERNE_SECRET_KEY, else the key kept in VERNE_HOME, made on the first start."""
    if key := os.environ.get("VERNE_SECRET_KEY"):
        return key
    path = home / "secret.key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        home.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text().strip()
        with os.fdopen(handle, "w") as file:
            file.write(key := secrets.token_urlsafe(48))
        return key


def _database(home: Path) -> dict[str, Any]:
    """SQLite under VERNE_HOME, or what DATABASE_URL names."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        home.mkdir(parents=True, exist_ok=True)
        return _sqlite(home / "verne.sqlite3")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(Path(unquote(parts.path)))
    if parts.scheme in POSTGRESQL:
        primary = _postgresql("DATABASE_URL", url)
        primary["OPTIONS"] = NOTICES_SILENCE | primary["OPTIONS"]
        return primary
    raise ImproperlyConfigured(
        f"DATABASE_URL begins with {parts.scheme!r}: use sqlite:///path or postgresql://…"
    )


NOTICES_SILENCE = {
    "connect_timeout": "10",
    "tcp_user_timeout": "30000",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
"""A server that lost power says nothing, and the usual patience with that is hours. What the
address says itself counts for more."""

KEPT_PLANS = {"server_side_binding": True, "prepare_threshold": 3}
"""What a connection has asked so often is planned no more (engine/postgresql/plans.py)."""


def _postgresql(name: str, url: str) -> dict[str, Any]:
    """What an address of PostgreSQL says, as Django takes it; libpq knows how to read it.

    Each thread keeps its connection and looks before each request whether it still lives; with
    VERNE_POOL threads share that many instead.
    """
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as missing:
        raise ImproperlyConfigured(
            f"{name} names PostgreSQL, and its client is not installed: pip install verne[pg]."
        ) from missing
    try:
        options: dict[str, Any] = conninfo_to_dict(url)
    except ProgrammingError as wrong:
        raise ImproperlyConfigured(f"{name} cannot be read: {str(wrong).strip()}.") from wrong
    if not options.get("dbname"):
        raise ImproperlyConfigured(f"{name} names no database: postgresql://user@host/database.")
    options |= _tls_to(options)
    size = _number("VERNE_POOL", 0, at_least=0)
    if size:
        options["pool"] = {"min_size": min(2, size), "max_size": size, "timeout": 20}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": options.pop("dbname"),
        "USER": options.pop("user", ""),
        "PASSWORD": options.pop("password", ""),
        "HOST": options.pop("host", ""),
        "PORT": options.pop("port", ""),
        "CONN_MAX_AGE": 0 if size else None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": KEPT_PLANS
        | options
        | {"application_name": options.get("application_name", "verne")},
    }


def _tls_to(options: dict[str, Any]) -> dict[str, str]:
    """TLS with a judged certificate for a database on another machine.

    Left alone, libpq tries TLS, looks at no certificate, and goes on without. What the address or
    its own variables say counts for more.
    """
    hosts = str(options.get("host") or os.environ.get("PGHOST", "")).split(",")
    near = ("", "localhost", "127.0.0.1", "::1")
    if all(host in near or host.startswith(("/", "@")) for host in hosts):
        return {}
    if "sslmode" in options or "service" in options or "PGSSLMODE" in os.environ:
        return {}
    named = "sslrootcert" in options or "PGSSLROOTCERT" in os.environ
    if named or (Path.home() / ".postgresql" / "root.crt").exists():
        return {"sslmode": "verify-full"}
    return {"sslmode": "verify-full", "sslrootcert": "system"}


def _replica_of(primary: dict[str, Any], url: str) -> dict[str, Any]:
    """A standby; nobody waits long for one that does not answer, as the primary can."""
    if primary["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("VERNE_REPLICA_URL is for PostgreSQL: set DATABASE_URL too.")
    replica = _postgresql("VERNE_REPLICA_URL", url)
    replica["OPTIONS"] = {"connect_timeout": "2", "tcp_user_timeout": "5000"} | replica["OPTIONS"]
    replica["TEST"] = {"MIRROR": "default"}
    return replica


def _sqlite(path: Path) -> dict[str, Any]:
    # Records are evidence: FULL keeps an acknowledged act through a power cut. IMMEDIATE, because
    # a deferred transaction that turns into a writer fails instead of waiting for its turn.
    # No temp_store=MEMORY: SQLite then keeps what a savepoint could undo in memory, too, and walks
    # all of it after each statement; an import of 4,000 into 100,000 took 122 s instead of 6.
    # 4 MB of cache: every thread has a connection, and what is not there the system has at hand.
    # With 64 MB a process grew by 60 MB a thread at a million incidents, and no page was faster.
    return {
        "ENGINE": "verne.engine.sqlite",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                "PRAGMA cache_size=-4096;"
            ),
        },
    }


def _mail() -> dict[str, Any]:
    """VERNE_MAIL_URL: smtp://user:password@host:587, smtps:// for TLS from the first byte.

    `?tls=no` on smtp:// speaks plainly, for a relay on the same machine. Empty sends nothing.
    """
    url = os.environ.get("VERNE_MAIL_URL", "")
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ImproperlyConfigured(
            "VERNE_MAIL_URL cannot be read: write smtp://user:password@host:587, or smtps:// for "
            "a server that speaks TLS from the first byte."
        )
    if not MAIL_FROM or "@" not in MAIL_FROM:
        raise ImproperlyConfigured("VERNE_MAIL_URL is set: say in VERNE_MAIL_FROM who is writing.")
    if not ADDRESS.startswith(("http://", "https://")):
        raise ImproperlyConfigured(
            "VERNE_MAIL_URL is set: say in VERNE_ADDRESS where Verne is, such as "
            "https://verne.example.com, for the links in the letters."
        )
    safe = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if safe else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": safe,
        "EMAIL_USE_TLS": not safe and "tls=no" not in parts.query,
        "EMAIL_TIMEOUT": 20,
    }


VERNE_HOME = Path(os.environ.get("VERNE_HOME", "var")).resolve()
"""Holds the database, the files people attach, and the keys."""

DEBUG = _flag("VERNE_DEBUG", False)
SECRET_KEY = _secret_key(VERNE_HOME)
SECRET_KEY_FALLBACKS = [k for k in os.environ.get("VERNE_OLD_SECRET_KEYS", "").split(",") if k]
"""Keys of before, the latest first: what they sealed and signed is still read."""
ALLOWED_HOSTS = os.environ.get("VERNE_HOSTS", "127.0.0.1,localhost,[::1],testserver").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("VERNE_ORIGINS", "").split(",") if o]
PROXIES, PROXY_BY_SOCKET = _proxies()
"""Whose word counts about who asks and how: a reverse proxy in front of this program."""
DATABASES = {"default": _database(VERNE_HOME)}
if _replica := os.environ.get("VERNE_REPLICA_URL"):
    # A read-only copy for lists, searches, reports and exports (engine/replica.py).
    DATABASES["replica"] = _replica_of(DATABASES["default"], _replica)
    DATABASE_ROUTERS = ["verne.engine.replica.Router"]
REPLICA_LAG = _number("VERNE_REPLICA_LAG", 5)
"""Seconds the copy may be behind before it is not read from."""
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "django_tasks",
    "django_tasks_db",
    "verne.engine",
    "verne.sms.leadership",
    "verne.sms.support",
    "verne.sms.portfolio",
    "verne.sms.relationship",
    "verne.sms.resolution",
    "verne.sms.evaluation",
    "verne.sms.improvement",
    "verne.conformity",
    "verne.web",
    "verne.api",
]

MIDDLEWARE = [
    "verne.web.proxy.ProxyMiddleware",
    "verne.web.refused.RefusalMiddleware",
    "verne.web.proxy.HttpsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Early, so that it also stands on stylesheets and on what went wrong.
    "verne.web.middleware.ContentSecurityMiddleware",
    # Pages and the stylesheet travel packed; Django pads them, so that their length tells nothing.
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "verne.web.middleware.PersonMiddleware",
    "verne.web.middleware.TongueAndTimeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "verne.web.pages.audits.confining.GuestMiddleware",
    "verne.web.middleware.EntranceMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "verne.urls"
WSGI_APPLICATION = "verne.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "verne.web.context.shell",
            ],
        },
    }
]

AUTH_USER_MODEL = "engine.Person"
AUTHENTICATION_BACKENDS = ["verne.web.entrance.backend.PersonBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "verne.web.entrance.words.Usual"},
    {"NAME": "verne.web.entrance.words.NotOurWords"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "name", "email")},
    },
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"
HTTPS = _flag("VERNE_HTTPS", False)
"""People come by https: cookies travel no other way, and browsers are told to keep to it."""
PASSKEY_HOST = os.environ.get("VERNE_PASSKEY_HOST", "")
"""The host that passkeys are made for; empty for the one people have typed."""
API_RATE = _number("VERNE_API_RATE", 300, at_least=0)
"""Requests a second that one token or person may send over time, ten times as many at once; 0 for
no limit."""

_HOST = "__Host-" if HTTPS else ""
# No neighbour under another name of the same domain can set a cookie that begins with __Host-.
SESSION_COOKIE_NAME = f"{_HOST}sessionid"
CSRF_COOKIE_NAME = f"{_HOST}csrftoken"
KNOWN_COOKIE_NAME = f"{_HOST}known"
LANGUAGE_COOKIE_NAME = f"{_HOST}django_language"
MESSAGES_COOKIE_NAME = f"{_HOST}messages"
HERE_COOKIE_NAME = f"{_HOST}here"
MESSAGE_STORAGE = "verne.web.entrance.told.Messages"
SESSION_ENGINE = "verne.web.entrance.sessions"
# The session itself ends sooner: Settings, Signing in.
SESSION_COOKIE_AGE = 30 * 24 * 60 * 60
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SECURE_HSTS_INCLUDE_SUBDOMAINS = _flag("VERNE_HSTS_SUBDOMAINS", True)
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ko", "한국어"), ("es", "Español"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [PROJECT / "locale"]
FORMAT_MODULE_PATH = ["verne.formats"]

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
# Text as well, and no less in need of its character set.
WHITENOISE_MIMETYPES = {".svg": "image/svg+xml; charset=utf-8"}

TASKS = {
    "default": {
        "BACKEND": "django_tasks_db.DatabaseBackend",
        "QUEUES": [],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "verne.engine.log.Line"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # Django would mail errors to nobody and show none; here they go where the rest goes.
        "django": {"handlers": [], "level": "WARNING"},
        # A page that is not there is the visitor's affair, and eight busy threads are no fault.
        "django.request": {"level": "ERROR"},
        "waitress.queue": {"level": "ERROR"},
        # The job worker says it better: with the attempt that follows.
        "django_tasks": {"level": "CRITICAL"},
    },
}

FILES = os.environ.get("VERNE_FILES", "")
"""Where attached files lie: a folder, or s3://bucket/prefix; empty is VERNE_HOME/files."""
S3_ENDPOINT = os.environ.get("VERNE_S3_ENDPOINT", "")
"""Where the bucket is, unless it is Amazon's. Keys and region: AWS_ACCESS_KEY_ID and so on."""
if "://" in FILES and not FILES.startswith("s3://"):
    raise ImproperlyConfigured(f"VERNE_FILES is {FILES!r}: a folder, or s3://bucket/prefix.")
MAX_FILE_BYTES = int(os.environ.get("VERNE_MAX_FILE_MB", "25")) * 1024 * 1024
"""Largest single file a person may attach."""
BACKUPS = os.environ.get("VERNE_BACKUPS", "")
"""A folder, best on another disk or machine, into which a backup is written every night."""
BACKUPS_TO = os.environ.get("VERNE_BACKUPS_TO", "").split()
"""The public keys (age1…) those are encrypted for; without one they are not encrypted."""
BACKUPS_KEEP = int(os.environ.get("VERNE_BACKUPS_KEEP", "14"))
"""How many of those remain."""
SEAL_COPY = os.environ.get("VERNE_SEAL_COPY", "")
"""A file outside, best on another machine, to which every checkpoint of the seal is appended."""
SEAL_TIME_STAMPS = os.environ.get("VERNE_TIME_STAMPS", "")
"""Address of an authority that signs the time of checkpoints (RFC 3161); empty asks nobody."""
ADDRESS = os.environ.get("VERNE_ADDRESS", "") or (CSRF_TRUSTED_ORIGINS or [""])[0]
"""Where people reach Verne, for links in what leaves it; else the first of VERNE_ORIGINS."""
MAIL_URL = os.environ.get("VERNE_MAIL_URL", "")
"""The mail server; empty sends no mail."""
MAIL_FROM = os.environ.get("VERNE_MAIL_FROM", "")
"""Who is writing: Verne <verne@example.com>."""
globals().update(_mail())
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

SILENCED_SYSTEM_CHECKS: list[str] = []
