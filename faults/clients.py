"""People at work: threads that write through the API and ask again until they are answered."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .journal import Journal, Wanted

PATIENCE = 10
"""Seconds that a client waits for an answer before it takes the connection for dead."""
LONGEST_WAIT = 1.0
"""Seconds between two attempts, at most."""
LARGEST_FILE = 200_000


class NotAnswered(Exception):
    """The work has to end, and this act was never acknowledged."""


class Gone(Exception):
    """The record was lost where that may happen; its number may be somebody else's by now."""


@dataclass
class Answer:
    """What came back, if anything did."""

    status: int
    body: Any
    etag: str = ""


class Client(threading.Thread):
    """Somebody who files incidents and works on them, one act after the other."""

    def __init__(
        self,
        *,
        name: str,
        token: str,
        ports: Sequence[int],
        journal: Journal,
        facts: dict[str, Any],
        chance: random.Random,
        pause: float,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.token, self.ports, self.journal = token, ports, journal
        self.facts, self.chance, self.pause = facts, chance, pause
        self.ending = threading.Event()
        self.must_end = threading.Event()
        self._line: http.client.HTTPConnection | None = None
        self._port = chance.randrange(len(ports))
        self._number = 0

    def run(self) -> None:
        try:
            while not self.ending.is_set():
                with contextlib.suppress(Gone):
                    self._work_on_an_incident()
        except NotAnswered:
            pass
        except Exception as wrong:
            self.journal.find(f"{self.name} could not go on: {wrong!r}")
        finally:
            self._hang_up()

    def _work_on_an_incident(self) -> None:
        ref = self._file()
        done = [self._comment, self._attach, self._revise, self._look]
        for step in self.chance.choices(done, k=self.chance.randrange(1, 4)):
            if self.ending.is_set():
                return
            step(ref)
        if self.chance.random() < 0.8:
            self._move(ref, "start", {})
            self._comment(ref)
            if self.chance.random() < 0.7:
                solved = {"resolution": "The relay was restarted.", "resolution_code": "fixed"}
                self._move(ref, "resolve", solved)

    # --- Acts ------------------------------------------------------------------------------------

    def _file(self) -> str:
        act = self._want("file")
        act.says = f"Printer {act.key} answers nobody"
        body = {"title": act.says, "description": "Since nine o'clock.", **self.facts}
        answer = self._until_acknowledged(act, lambda: self._post("/incidents", act, body))
        act.ref = str(answer.body["ref"])
        return act.ref

    def _comment(self, ref: str) -> None:
        act = self._want("comment", ref)
        act.says = f"Looked into it: {act.key}"
        body = {"text": act.says, "public": False}
        self._until_acknowledged(act, lambda: self._post(f"/incidents/{ref}/comments", act, body))

    def _attach(self, ref: str) -> None:
        act = self._want("attach", ref)
        content = self.chance.randbytes(self.chance.randrange(1, LARGEST_FILE))
        act.name, act.says = f"{act.key}.bin", hashlib.sha256(content).hexdigest()
        self._until_acknowledged(act, lambda: self._upload(f"/incidents/{ref}/files", act, content))

    def _move(self, ref: str, name: str, values: dict[str, str]) -> None:
        act = self._want("move", ref, name)
        body = {"values": values}
        path = f"/incidents/{ref}/moves/{name}"
        self._until_acknowledged(act, lambda: self._post(path, act, body))

    def _revise(self, ref: str) -> None:
        """A revision takes no key: whoever got no answer looks whether it was done."""
        act = self._want("revise", ref)
        act.says = f"Since nine o'clock, says {act.key}."

        def attempt() -> Answer:
            seen = self._ask("GET", f"/incidents/{ref}")
            if seen.status != 200 or seen.body["description"] == act.says:
                return seen
            headers = {"If-Match": seen.etag, "Content-Type": "application/json"}
            body = json.dumps({"description": act.says}).encode()
            return self._ask("PATCH", f"/incidents/{ref}", body, headers)

        self._until_acknowledged(act, attempt)

    def _look(self, ref: str) -> None:
        """Reading asks for nothing to be kept, but what was acknowledged has to be readable."""
        for what in ("clocks", "history", "files"):
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                answer = self._ask("GET", f"/incidents/{ref}/{what}")
                if answer.status < 500 and answer.status != 200 and not self.journal.lossy:
                    self.journal.find(f"The {what} of {ref} cannot be read: {answer.body}")
                continue
            self._change_line()

    def _want(self, what: str, ref: str = "", name: str = "") -> Wanted:
        self.ending.wait(self.chance.uniform(0, 2 * self.pause))
        self._number += 1
        word = "".join(self.chance.choices("bcdfghjklmnpqrstvwxz", k=6))
        return self.journal.want(Wanted(f"{self.name}{word}{self._number}", what, ref, name))

    def _until_acknowledged(self, act: Wanted, attempt: Callable[[], Answer]) -> Answer:
        """Ask, with the same key, until a 2xx comes; what is refused for good is a finding."""
        wait = 0.05
        while True:
            act.tries += 1
            try:
                answer = attempt()
            except (OSError, http.client.HTTPException, ValueError) as wrong:
                self.journal.refused(type(wrong).__name__)
                self._change_line()
            else:
                if 200 <= answer.status < 300:
                    self.journal.acknowledge(act)
                    return answer
                told = answer.body if isinstance(answer.body, dict) else {}
                detail = str(told.get("detail", ""))[:160]
                self.journal.refused(f"{answer.status} {detail}")
                if answer.status in (404, 409) and self.journal.lossy:
                    raise Gone
                if answer.status < 500 and answer.status not in (412, 429):
                    self.journal.find(
                        f"{act.what} {act.name} {act.key} on {act.ref or 'nothing'} was refused "
                        f"at attempt {act.tries}: {answer.status} {answer.body}"
                    )
                    raise NotAnswered
                if answer.status >= 500:
                    self._change_line()
            if self.must_end.wait(wait):
                raise NotAnswered
            wait = min(LONGEST_WAIT, wait * 2)

    # --- The line --------------------------------------------------------------------------------

    def _post(self, path: str, act: Wanted, body: dict[str, Any]) -> Answer:
        headers = {"Content-Type": "application/json", "Idempotency-Key": act.key}
        return self._ask("POST", path, json.dumps(body).encode(), headers)

    def _upload(self, path: str, act: Wanted, content: bytes) -> Answer:
        edge = f"edge-{act.key}"
        head = (
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{act.name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        headers = {
            "Content-Type": f"multipart/form-data; boundary={edge}",
            "Idempotency-Key": act.key,
        }
        body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        return self._ask("POST", path, body, headers)

    def _ask(
        self, verb: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        if self._line is None:
            port = self.ports[self._port]
            self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        sent = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        self._line.request(verb, f"/api/v1{path}", body, sent)
        answer = self._line.getresponse()
        text = answer.read()
        told = json.loads(text) if "json" in (answer.headers["Content-Type"] or "") else None
        return Answer(answer.status, told, answer.headers["ETag"] or "")

    def _change_line(self) -> None:
        """The next attempt goes to the next web process, as a proxy would have it."""
        self._hang_up()
        self._port = (self._port + 1) % len(self.ports)

    def _hang_up(self) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.close()
        self._line = None


class Crew:
    """All clients of a scene."""

    def __init__(self, clients: Sequence[threading.Thread], journal: Journal) -> None:
        self.clients, self.journal = clients, journal

    def start(self) -> None:
        for client in self.clients:
            client.start()

    def finish(self, *, within: float) -> None:
        """Let each have its last act acknowledged; who never is, is a finding."""
        for client in self.clients:
            client.ending.set()  # type: ignore[attr-defined]
        until = time.monotonic() + within
        for client in self.clients:
            client.join(max(0.0, until - time.monotonic()))
        late = [client for client in self.clients if client.is_alive()]
        for client in late:
            client.must_end.set()  # type: ignore[attr-defined]
            client.join(2 * PATIENCE)
            self.journal.find(
                f"{client.name} was still without an answer {within:.0f} s after all was well again"
            )
