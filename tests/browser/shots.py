"""Pictures of pages, to be looked at: each address at several widths, light and dark.

    .venv/bin/python tests/browser/shots.py http://127.0.0.1:8000/style/ \
        --widths 1280 380 --themes light dark --cookie sessionid=… --into /tmp/shots

Install Chromium first (Debian: apt-get install chromium fonts-noto-cjk fonts-inter). A machine
without a screen has no system font worth looking at, so Inter stands in for it when it is there.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.chromium import find_chromium  # noqa: E402

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser that calls nobody."""
    from playwright.sync_api import sync_playwright

    found = find_chromium()
    if found is None:
        raise SystemExit("No Chromium on this machine. On Debian: apt-get install chromium.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        env = {**os.environ, "FONTCONFIG_FILE": str(_fonts(Path(folder)))}
        browser = playwright.chromium.launch(
            executable_path=found,
            args=list(FLAGS),
            env=env,  # type: ignore[arg-type]
        )
        try:
            yield browser
        finally:
            browser.close()


def _fonts(folder: Path) -> Path:
    """A font configuration in which the default, and so system-ui, is Inter."""
    path = folder / "fonts.conf"
    path.write_text(
        "<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig>"
        # Asked for the default, fontconfig is asked for nothing, sans or sans-serif. A name that is
        # merely unknown must stay so, or the faces for Korean and Chinese would go too.
        + "".join(
            "<match target='pattern'>"
            f"<test qual='first' name='family'><string>{name}</string></test>"
            "<edit name='family' mode='prepend_first' binding='strong'>"
            "<string>Inter</string></edit></match>"
            for name in ("sans", "sans-serif", "system-ui")
        )
        + "<match target='pattern'><edit name='family' mode='append_last' binding='weak'>"
        "<string>Inter</string></edit></match>"
        "<include ignore_missing='yes'>/etc/fonts/fonts.conf</include></fontconfig>"
    )
    return path


def shoot(
    url: str,
    into: Path,
    *,
    widths: Sequence[int] = (1280, 380),
    themes: Sequence[str] = ("light", "dark"),
    cookies: Sequence[tuple[str, str]] = (),
    height: int = 840,
    whole: bool = True,
    zoom: float = 1,
    language: str = "en",
    name: str = "",
) -> list[Path]:
    """Take the pictures and give back where they are."""
    if into.resolve().is_relative_to(REPOSITORY):
        raise SystemExit(f"{into} is inside the repository: choose a folder outside of it.")
    into.mkdir(parents=True, exist_ok=True)
    stem = name or re.sub(r"\W+", "-", urlsplit(url).path + "-" + urlsplit(url).query).strip("-")
    taken = []
    with chromium() as browser:
        for theme in themes:
            for width in widths:
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=theme,
                    device_scale_factor=zoom,
                    locale=language,
                    reduced_motion="reduce",
                )
                if cookies:
                    context.add_cookies([{"name": n, "value": v, "url": url} for n, v in cookies])
                page = context.new_page()
                page.on(
                    "console", lambda said: said.type == "error" and print("console:", said.text)
                )
                page.on("pageerror", lambda fault: print("script:", fault))
                page.goto(url, wait_until="load")
                # The theme of a profile would outrank the one asked for here.
                page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
                wide = page.evaluate("document.documentElement.scrollWidth")
                if wide > width:
                    print(f"{url} at {width} is {wide} wide: it scrolls sideways")
                path = into / f"{stem or 'root'}-{width}-{theme}.png"
                page.screenshot(path=path, full_page=whole)
                taken.append(path)
                context.close()
    return taken


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("urls", nargs="+", help="addresses of pages")
    words.add_argument("--into", type=Path, default=Path(tempfile.gettempdir()) / "verne-shots")
    words.add_argument("--widths", type=int, nargs="+", default=[1280, 380])
    words.add_argument("--themes", nargs="+", default=["light", "dark"], choices=["light", "dark"])
    words.add_argument(
        "--cookie", action="append", default=[], help="name=value, such as sessionid=…"
    )
    words.add_argument("--height", type=int, default=840)
    words.add_argument("--screen", action="store_true", help="only what the first screen shows")
    words.add_argument("--zoom", type=float, default=1, help="2 draws each point as four")
    words.add_argument("--language", default="en")
    said = words.parse_args()
    for url in said.urls:
        pictures = shoot(
            url,
            said.into,
            widths=said.widths,
            themes=said.themes,
            cookies=[tuple(pair.split("=", 1)) for pair in said.cookie],
            height=said.height,
            whole=not said.screen,
            zoom=said.zoom,
            language=said.language,
        )
        print("\n".join(map(str, pictures)))


if __name__ == "__main__":
    main()
