"""The network between the program and its database: held, cut, and away for a while."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .installation import Installation
from .scene import Scenario, Scene
from .stages import POSTGRESQL, Stages


class Link:
    """A line on loopback from a port of ours to a server; it can be held, cut and refused."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.flows = threading.Event()
        self.flows.set()
        self.accepts = True
        self.ended = False
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self) -> None:
        """Nothing passes any more, and neither end is told."""
        self.flows.clear()

    def go_on(self) -> None:
        """What was held arrives, and new connections are taken."""
        self.accepts = True
        self.flows.set()

    def cut(self) -> None:
        """Every connection is reset at both ends, and what was on its way is lost."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            for end in pair:
                # Without lingering, so that the other end is told of a reset.
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RD)

    def refuse(self) -> None:
        """Cut, and take no new connection."""
        self.accepts = False
        self.cut()

    def end(self) -> None:
        self.ended = True
        self.refuse()
        self.flows.set()
        self.listener.close()

    def _accept(self) -> None:
        while not self.ended:
            try:
                near, _address = self.listener.accept()
            except OSError:
                return
            if not self.accepts:
                near.close()
                continue
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        pair = (near, far)
        try:
            far.connect(self.target)
            with self._lock:
                self._pairs.add(pair)
            self._between(near, far)
        except OSError:
            pass
        finally:
            with self._lock:
                self._pairs.discard(pair)
            near.close()
            far.close()

    def _between(self, near: socket.socket, far: socket.socket) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while not self.ended:
                for key, _events in ready.select(timeout=1):
                    piece = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not piece:
                        return
                    self.flows.wait()
                    key.data.sendall(piece)


class NetworkDropped(Scenario):
    """Connections are held and go on, are held and reset, or are refused for seconds."""

    name = "network dropped"

    def __init__(self) -> None:
        super().__init__(POSTGRESQL)

    @contextlib.contextmanager
    def staged(self, stages: Stages, folder: Path) -> Iterator[Installation]:
        database = stages.postgresql
        self.link = Link(str(database.primary.sockets / ".s.PGSQL.5432"))
        try:
            address = f"postgresql://verne@127.0.0.1:{self.link.port}"
            yield database.installation(folder, lambda name: f"{address}/{name}")
        finally:
            self.link.end()

    def happen(self, scene: Scene) -> None:
        until = time.monotonic() + scene.seconds
        ways = [self._hold, self._hold_and_cut, self._cut, self._refuse]
        while time.monotonic() < until:
            scene.let_work(scene.chance.randrange(1, 20))
            scene.pass_time(scene.between(0, 0.2))
            scene.chance.choice(ways)(scene)
        scene.let_work(20)

    def _hold(self, scene: Scene) -> None:
        """So long that clients give up waiting now and then, and ask again beside themselves."""
        seconds = scene.between(1, 12)
        self.link.hold()
        scene.pass_time(seconds)
        self.link.go_on()
        scene.strike(f"held for {seconds:.1f} s")

    def _hold_and_cut(self, scene: Scene) -> None:
        self.link.hold()
        scene.pass_time(scene.between(0.5, 3))
        self.link.cut()
        self.link.go_on()
        scene.strike("held, then reset")

    def _cut(self, scene: Scene) -> None:
        self.link.cut()
        scene.strike("reset")

    def _refuse(self, scene: Scene) -> None:
        seconds = scene.between(0.5, 4)
        self.link.refuse()
        scene.pass_time(seconds)
        self.link.go_on()
        scene.strike(f"away for {seconds:.1f} s")
