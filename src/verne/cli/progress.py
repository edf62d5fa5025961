"""A progress line for long work: one that moves on a terminal, one now and then in a log."""

from __future__ import annotations

import sys
import time
from typing import TextIO

WIDTH = 24
EVERY = {True: 0.1, False: 10.0}
"""Seconds between two pictures, on a terminal and elsewhere."""


class Progress:
    """Call it with what is done, of how much (0: nobody knows), and what; `end` when it is over."""

    def __init__(self, what: str = "", stream: TextIO | None = None) -> None:
        self.what = what
        self.stream = stream or sys.stderr
        self.on_terminal = self.stream.isatty()
        self.began = self.shown = time.monotonic()
        self.drawn = 0

    def __call__(self, done: int, total: int, what: str = "") -> None:
        self.what = what or self.what
        now = time.monotonic()
        if now - self.shown < EVERY[self.on_terminal] and not (self.on_terminal and done == total):
            return
        self.shown = now
        share = min(1.0, done / total) if total else 0.0
        line = f"{self.what}: {done:,} of {total:,} ({share:.0%})"
        if not total:
            line = f"{self.what}: {done:,}" if done else f"{self.what} …"
        if not self.on_terminal:
            print(line, file=self.stream, flush=True)
            return
        if total:
            filled = round(share * WIDTH)
            line = f"[{'█' * filled}{'·' * (WIDTH - filled)}] {line}{self._left(share, now)}"
        print(f"\r{line:<{self.drawn}}", end="", file=self.stream, flush=True)
        self.drawn = len(line)

    def _left(self, share: float, now: float) -> str:
        spent = now - self.began
        if share < 0.05 or share >= 1 or spent < 2:
            return ""
        return f", {spent / share - spent:.0f} s left"

    def end(self) -> None:
        if self.drawn:
            print("\r" + " " * self.drawn + "\r", end="", file=self.stream, flush=True)
            self.drawn = 0
