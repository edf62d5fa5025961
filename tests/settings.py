"""The settings of the tests: those of the program, in a home of their own."""

import atexit
import os
import shutil
import tempfile

_home = tempfile.mkdtemp(prefix="verne-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["VERNE_HOME"] = _home
# A test sends in a second what a program sends in a minute; the limit has tests of its own.
os.environ["VERNE_API_RATE"] = "0"

from verne.settings import *  # noqa: E402, F403

# Argon2 is slow on purpose; a test that signs in forty people should not be.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"] == "verne.engine.sqlite":  # noqa: F405
    # A file, as in real life: threads that share a database in memory meet locks that no file has.
    DATABASES["default"]["TEST"] = {"NAME": f"{_home}/tests.sqlite3"}  # noqa: F405

# Within the packing, so that it reads every page as a browser does.
MIDDLEWARE.insert(  # noqa: F405
    MIDDLEWARE.index("django.middleware.gzip.GZipMiddleware") + 1,  # noqa: F405
    "tests.strict.NothingInline",
)
