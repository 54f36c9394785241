"""Every setting, read once from the environment; docs/operations.md explains each."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import django_stubs_ext
import environ

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

# Also reads NAME_FILE for each NAME, which keeps secrets out of ps and logs.
env = environ.FileAwareEnv()

MEMORY_ROOT = Path(env.str("MEMORY_ROOT", default=str(BASE_DIR / "var"))).absolute()
# The supervisor leaves here where it put the embedded services, so that manage.py
# talks to the running ones; the real environment wins.
env.read_env(str(MEMORY_ROOT / "server.env"), overwrite=False)

# What can be made again at any time, such as compiled secret rules.
CACHE_ROOT = Path(env.str("CACHE_ROOT", default=str(MEMORY_ROOT / "cache"))).absolute()
# Where `manage.py backup` is told to put backups, for the doctor to look after them.
BACKUP_DIRECTORY = env.str("BACKUP_DIRECTORY", default="")

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    secret_file = MEMORY_ROOT / "secrets" / "secret_key"
    SECRET_KEY = (
        secret_file.read_text().strip()
        if secret_file.is_file()
        else "unsafe-" + hashlib.sha256(str(BASE_DIR).encode()).hexdigest()
    )

PORT = env.int("PORT", default=8000)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
ALLOWED_ORIGINS = env.list("ALLOWED_ORIGINS", default=[])
_public_host = PUBLIC_URL.split("://", 1)[-1].rsplit(":", 1)[0]
if _public_host not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(_public_host)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")

MCP_TOKEN = env.str("MCP_TOKEN", default="")
SYNC_TOKEN = env.str("SYNC_TOKEN", default="")

DATABASE_URL = env.str("DATABASE_URL", default="postgres:///memory")
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# What `statements` asks is planned at its first use; the ORM's SQL never is.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("prepare_threshold", 0)
if _pool_size := env.int("DATABASE_POOL_SIZE", default=0):
    # Django serves each request on a fresh thread under ASGI; without a pool every
    # request would open its own connection.
    DATABASES["default"]["ENGINE"] = "statements.pooled"
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 2,
        "max_size": _pool_size,
        "timeout": 10,
    }

# No statement of a request may run longer, in seconds; 0 for no bound, as for the
# workers and commands, which have no pool.
STATEMENT_SECONDS = env.int("STATEMENT_SECONDS", default=10 if _pool_size else 0)

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
# Celery names a unix socket differently from redis-py.
CELERY_BROKER_URL = (
    REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
    if REDIS_URL.startswith("unix://")
    else REDIS_URL
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_MEMORY_PER_CHILD = env.int("WORKER_MAX_MEMORY_KB", default=350_000)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Sets this installation's keys apart where a Redis database is shared.
REDIS_PREFIX = env.str("REDIS_PREFIX", default="memory")
# Announcing a job is tried once: without max_retries an upload would wait six seconds
# for a Redis that is away, and the job's row is safe anyhow.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "max_retries": 0,
    "global_keyprefix": f"{REDIS_PREFIX}:",
}
CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_QUEUE", default="memory")
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(MEMORY_ROOT / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "announce-waiting-jobs": {
        "task": "jobs.announce",
        "schedule": 5.0,
        # Busy workers must not come back to a queue full of these.
        "options": {"expires": 10},
    },
    "seal-audit-events": {
        "task": "audit.seal",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
}

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": REDIS_PREFIX},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": REDIS_PREFIX,
    }
}

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "mcp_server",
    "memory_server",
    "blobs",
    "audit",
    "jobs",
    "erasures",
    "workspaces",
    "access",
    "search",
    "usage",
    "knowledge",
    "sessions",
    "memories",
    "recall",
    "operations",
    "mcp_api",
    "rest_api",
    "console",
]

# A process that only does jobs answers nobody, and is 60 MB smaller without these.
JOBS_ONLY = env.bool("JOBS_ONLY", default=False)
if JOBS_ONLY:
    _answering = {
        *("daphne", "channels", "rest_framework", "drf_spectacular", "mcp_server"),
        *("unfold", "django.contrib.admin", "django.contrib.messages"),
        *("django.contrib.staticfiles", "mcp_api", "rest_api", "console"),
    }
    INSTALLED_APPS = [app for app in INSTALLED_APPS if app not in _answering]
    # Checks would load every address; the web process makes them.
    os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

MIDDLEWARE = [
    "rest_api.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "console.middleware.ContentSecurityPolicyMiddleware",
]

ROOT_URLCONF = "memory_server.urls"
ASGI_APPLICATION = "memory_server.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = MEMORY_ROOT / "static"
# Blobs lie below MEMORY_ROOT, or where this says: s3://bucket/prefix?endpoint=…
BLOB_STORE_URL = env.str("BLOB_STORE_URL", default="")
BLOB_STORE_ACCESS_KEY = env.str("BLOB_STORE_ACCESS_KEY", default="")
BLOB_STORE_SECRET_KEY = env.str("BLOB_STORE_SECRET_KEY", default="")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "blobs": {
        "BACKEND": "blobs.bucket.Bucket",
        "OPTIONS": {
            "url": BLOB_STORE_URL,
            "access_key": BLOB_STORE_ACCESS_KEY,
            "secret_key": BLOB_STORE_SECRET_KEY,
        },
    }
    if BLOB_STORE_URL
    else {"BACKEND": "blobs.directory.Directory"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = env.int(
    "HSTS_SECONDS", default=365 * 24 * 3600 if PUBLIC_URL.startswith("https://") else 0
)
SILENCED_SYSTEM_CHECKS = [
    # Other hosts of the domain are not ours to bind to HTTPS.
    "security.W005",
    "security.W021",
    # The proxy in front redirects; on the loopback HTTP is all there is.
    "security.W008",
]
SECURE_CONTENT_TYPE_NOSNIFF = True
# "no-referrer" would make browsers send "Origin: null" with forms, which CSRF refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https")
    if env.bool("BEHIND_PROXY", default=False)
    else None
)
# Uploads are streamed from the request; Django must not refuse or buffer them itself.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 2**20
FILE_UPLOAD_MAX_MEMORY_SIZE = 2**20

# Bounds of the contract (docs/operations.md).
MAX_TRANSCRIPT_BYTES = env.int("MAX_TRANSCRIPT_BYTES", default=2 * 2**30)
MAX_LINE_BYTES = env.int("MAX_LINE_BYTES", default=64 * 2**20)
MAX_UPLOAD_LINES = env.int("MAX_UPLOAD_LINES", default=5_000_000)
MAX_DOCUMENT_BYTES = env.int("MAX_DOCUMENT_BYTES", default=2**20)
MAX_OVERVIEW_BYTES = env.int("MAX_OVERVIEW_BYTES", default=64 * 2**10)
MAX_MCP_BODY_BYTES = env.int("MAX_MCP_BODY_BYTES", default=16 * 2**20)
MAX_MEMORY_CHARS = env.int("MAX_MEMORY_CHARS", default=50_000)
# Saves a workspace; 0 turns the bound off.
MEMORY_WRITES_PER_5_MINUTES = env.int("MEMORY_WRITES_PER_5_MINUTES", default=300)
# Whether memories know how often recall showed them; nothing is ranked by it.
COUNT_RETRIEVALS = env.bool("COUNT_RETRIEVALS", default=True)
# Whether the newer of two contradicting memories takes the older one's place.
SETTLE_CONFLICTS = env.bool("SETTLE_CONFLICTS", default=True)
# Keys that programs may make for one workspace over REST.
MAX_ACTIVE_TOKENS_PER_WORKSPACE = env.int("MAX_ACTIVE_TOKENS_PER_WORKSPACE", default=10)
KNOWLEDGE_SUFFIXES = env.list("KNOWLEDGE_SUFFIXES", default=[".md"])
BINDING_TTL_SECONDS = env.int("BINDING_TTL_SECONDS", default=30 * 24 * 3600)
# Requests that the MCP endpoint works on at once; each thread keeps a connection.
MCP_THREADS = env.int("MCP_THREADS", default=16)
# What calling a tool by an old name does: allow, warn or block.
MCP_DEPRECATION_PHASE = env.str("MCP_DEPRECATION_PHASE", default="allow")
MCP_SESSION_TTL_SECONDS = env.int("MCP_SESSION_TTL_SECONDS", default=3600)
MCP_SESSION_LIMIT = env.int("MCP_SESSION_LIMIT", default=2000)
# Streams of notifications that stay open: of one token anywhere, of all in one process.
MCP_STREAMS_PER_TOKEN = env.int("MCP_STREAMS_PER_TOKEN", default=32)
MCP_STREAM_LIMIT = env.int("MCP_STREAM_LIMIT", default=1000)
# A tool call of a client that knows tasks becomes one after so long, and is kept then.
MCP_TASK_AFTER_SECONDS = env.float("MCP_TASK_AFTER_SECONDS", default=3.0)
MCP_TASK_TTL_SECONDS = env.int("MCP_TASK_TTL_SECONDS", default=1800)
SWEEP_GRACE_SECONDS = env.int("SWEEP_GRACE_SECONDS", default=24 * 3600)
EMBEDDINGS_ENABLED = env.bool("EMBEDDINGS_ENABLED", default=True)
EMBEDDER = env.str("EMBEDDER", default="packaged")
EMBEDDER_URL = env.str("EMBEDDER_URL", default="")
EMBEDDER_MODEL = env.str("EMBEDDER_MODEL", default="")
EMBEDDER_API_KEY = env.str("EMBEDDER_API_KEY", default="")
EMBEDDER_DIMENSIONS = env.int("EMBEDDER_DIMENSIONS", default=0)
EMBEDDER_DIRECTORY = env.str("EMBEDDER_DIRECTORY", default="")
EMBEDDER_QUERY_PREFIX = env.str("EMBEDDER_QUERY_PREFIX", default="")
EMBEDDER_PASSAGE_PREFIX = env.str("EMBEDDER_PASSAGE_PREFIX", default="")
# Where a process listens that holds a local embedder for all others; empty: each
# process that makes vectors holds its own.
EMBEDDER_SOCKET = env.str("EMBEDDER_SOCKET", default="")
# Tool traffic is ten times the prose and would keep a core busy for hours.
EMBED_ROLES = env.list(
    "EMBED_ROLES", default=["user", "assistant", "summary", "document", "memory"]
)
VECTOR_CACHE_MB = env.int("VECTOR_CACHE_MB", default=128)
# Words of the index that a process keeps for exact, regex and prefix* searches.
SEARCH_VOCABULARY_MB = env.int("SEARCH_VOCABULARY_MB", default=32)

# Rates a minute; 0 turns a limit off.
RATE_READS_PER_MINUTE = env.int("RATE_READS_PER_MINUTE", default=1200)
RATE_WRITES_PER_MINUTE = env.int("RATE_WRITES_PER_MINUTE", default=600)
# Reads and writes together of a token younger than 48 hours.
RATE_NEW_TOKEN_PER_MINUTE = env.int("RATE_NEW_TOKEN_PER_MINUTE", default=0)
# All tokens together: of one workspace, and from one address (a whole office, perhaps).
RATE_WORKSPACE_PER_MINUTE = env.int("RATE_WORKSPACE_PER_MINUTE", default=6000)
RATE_ADDRESS_PER_MINUTE = env.int("RATE_ADDRESS_PER_MINUTE", default=6000)
# Calls that run at once.
RATE_IN_FLIGHT_PER_TOKEN = env.int("RATE_IN_FLIGHT_PER_TOKEN", default=32)
RATE_IN_FLIGHT_PER_WORKSPACE = env.int("RATE_IN_FLIGHT_PER_WORKSPACE", default=64)
RATE_FAILED_LOGINS_PER_MINUTE = env.int("RATE_FAILED_LOGINS_PER_MINUTE", default=60)

# Where checkpoints of the audit trail stand outside the database; empty: below
# MEMORY_ROOT.
AUDIT_ANCHOR = env.str("AUDIT_ANCHOR", default="")

# What assistants may do how often (policy.limits); changes as name=number,name=number.
POLICY_ENABLED = env.bool("POLICY_ENABLED", default=True)
POLICY_LIMITS = env.dict("POLICY_LIMITS", default={})

# Selling plans; off unless both the key and the salt are set.
PAYU_KEY = env.str("PAYU_KEY", default="")
PAYU_SALT = env.str("PAYU_SALT", default="")
PAYU_URL = env.str("PAYU_URL", default="https://secure.payu.in/_payment")
PAYU_VERIFY_URL = env.str(
    "PAYU_VERIFY_URL", default="https://info.payu.in/merchant/postservice.php?form=2"
)
BILLING_RETURN_URL = env.str(
    "BILLING_RETURN_URL", default=f"{PUBLIC_URL}/v1/billing/webhook"
)

# The other web server (memory_server.with_uvicorn), where it is installed.
UVICORN_ENABLED = env.bool("UVICORN_ENABLED", default=False)

# Clients that sign in (docs/oauth.md). Off: no address, no table and no import of it.
OAUTH_ENABLED = env.bool("OAUTH_ENABLED", default=False)
# Hosts whose documents may describe clients, as in ALLOWED_HOSTS; empty: no document.
OAUTH_CLIENT_HOSTS = env.list("OAUTH_CLIENT_HOSTS", default=["*"])
OAUTH_DYNAMIC_REGISTRATION = env.bool("OAUTH_DYNAMIC_REGISTRATION", default=False)
OAUTH_REDIRECT_SCHEMES = env.list("OAUTH_REDIRECT_SCHEMES", default=["https", "http"])
OAUTH_ACCESS_TOKEN_SECONDS = env.int("OAUTH_ACCESS_TOKEN_SECONDS", default=3600)
OAUTH_REFRESH_TOKEN_SECONDS = env.int(
    "OAUTH_REFRESH_TOKEN_SECONDS", default=30 * 24 * 3600
)
OAUTH_TEST_CA_FILE = env.str("OAUTH_TEST_CA_FILE", default="")
if OAUTH_ENABLED:
    from oauth import provider

    INSTALLED_APPS += ["oauth2_provider", "oauth"]
    OAUTH2_PROVIDER = provider.options(
        issuer=PUBLIC_URL,
        client_hosts=OAUTH_CLIENT_HOSTS,
        redirect_schemes=OAUTH_REDIRECT_SCHEMES,
        access_seconds=OAUTH_ACCESS_TOKEN_SECONDS,
        refresh_seconds=OAUTH_REFRESH_TOKEN_SECONDS,
    )
    # http is for clients on the operator's own machine; oauth.redirects holds it to it.
    SILENCED_SYSTEM_CHECKS += ["oauth2_provider.W008"]
    CELERY_BEAT_SCHEDULE["clear-oauth"] = {"task": "oauth.clear", "schedule": 3600.0}

DJANGO_MCP_GLOBAL_SERVER_CONFIG = {"name": "federated-memory"}
# Otherwise the package publishes a fourteenth tool of its own.
DJANGO_MCP_GET_SERVER_INSTRUCTIONS_TOOL = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_api.authentication.MeetsRequirement"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_api.throttling.RequestRate"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_api.bodies.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "rest_api.schema.Described",
    "EXCEPTION_HANDLER": "rest_api.errors.answer",
    "UNAUTHENTICATED_USER": None,
    # `format` and `_method` in the query would be second ways to say Accept and PUT.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Federated memory server",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}
    },
    # The schema has tests of its own.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "SERVE_PERMISSIONS": [],
    "SERVE_AUTHENTICATION": [],
}

UNFOLD = {
    "SITE_TITLE": "Federated memory",
    "SITE_HEADER": "Federated memory",
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": "/static/console/icon.svg",
        }
    ],
    "DASHBOARD_CALLBACK": "console.dashboard.fill",
    "SIDEBAR": {
        "show_search": True,
        "navigation": "console.navigation.sections",
    },
}

# What metrics may be read with, beside a token of kind admin.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# Past these the installation is not ready (operations.health).
READY_DISK_FREE_MB = env.int("READY_DISK_FREE_MB", default=256)
READY_OLDEST_JOB_SECONDS = env.int("READY_OLDEST_JOB_SECONDS", default=900)

_LOG_FORMATTERS = {"text": "telemetry.logs.Text", "json": "telemetry.logs.Json"}
LOG_FORMAT = env.str("LOG_FORMAT", default="text")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": _LOG_FORMATTERS.get(LOG_FORMAT, _LOG_FORMATTERS["text"])}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        # It would log every request to the embedder.
        "httpx": {"level": "WARNING"},
        # Each tick of beat, every five seconds, would be five lines.
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        # What it says of answers below 500 is in request_completed.
        "django.request": {"level": "ERROR"},
        # Django would write to standard error by itself, in a form of its own.
        "django": {"handlers": [], "propagate": True},
    },
    "root": {
        "handlers": ["stderr"],
        "level": env.str("LOG_LEVEL", default="INFO"),
    },
}
