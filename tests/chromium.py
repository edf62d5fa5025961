"""Where a Chromium is on this machine, if there is one."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALLED_BY_PLAYWRIGHT = (
    ".cache/ms-playwright/chromium-*/chrome-linux*/chrome",
    "Library/Caches/ms-playwright/chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)


@cache
def find_chromium() -> str | None:
    """VERNE_CHROMIUM, one on the PATH, or the one Playwright installed."""
    if named := os.environ.get("VERNE_CHROMIUM"):
        return shutil.which(named)
    for name in NAMES:
        if path := shutil.which(name):
            return path
    for pattern in INSTALLED_BY_PLAYWRIGHT:
        if found := sorted(Path.home().glob(pattern)):
            return str(found[-1])
    return None
