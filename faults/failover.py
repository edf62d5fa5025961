"""The primary is lost and the standby takes over, waited for at each commit or not."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg

from tools.postgres import Server

from .installation import Installation, wait_for
from .network import Link
from .scene import Scenario, Scene
from .stages import POSTGRESQL, Stages


class Failover(Scenario):
    """Processes name both servers, and ask for the one that takes writes."""

    def __init__(self) -> None:
        super().__init__(POSTGRESQL)

    @contextlib.contextmanager
    def staged(self, stages: Stages, folder: Path) -> Iterator[Installation]:
        database = stages.postgresql
        self.primary: Server = database.primary
        self.standby = database.server()
        self.standby.follow(self.primary)
        # The copy came by the way the server is reached; what follows comes through a link of ours.
        self.link = Link(str(self.primary.sockets / ".s.PGSQL.5432"))
        self._stream_through(self.link)
        hosts = quote(f"{self.primary.sockets},{self.standby.sockets}", safe="")

        def address(name: str) -> str:
            # The copy of a database is streamed as well, and must be there before it is used.
            return f"postgresql://verne@/{name}?host={hosts}&target_session_attrs=read-write"

        try:
            place = database.installation(folder, address)
            self._wait_until_same()
            yield place
        finally:
            self.link.end()
            # It takes the place of the one that is gone, for the scenes that follow.
            if self.standby in database.installed.running:
                database.primary = self.standby

    def _stream_through(self, link: Link) -> None:
        told = f"user=verne host=127.0.0.1 port={link.port} application_name=standby"
        self._set(self.standby, "primary_conninfo", told)

    def _set(self, server: Server, name: str, value: str) -> None:
        with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            connection.execute("SELECT pg_reload_conf()")

    def _behind(self) -> int:
        """Bytes of the log that the standby has not written yet."""
        with psycopg.connect(self.primary.url_of("postgres"), autocommit=True) as connection:
            row = connection.execute(
                "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)::bigint"
                " FROM pg_stat_replication WHERE application_name = 'standby'"
            ).fetchone()
        return int(row[0]) if row and row[0] is not None else 1 << 40

    def _wait_until_same(self) -> None:
        wait_for(lambda: self._behind() < 1 << 16, "A standby that follows")

    def _fail_over(self, scene: Scene) -> None:
        self.primary.kill()
        scene.strike("the primary killed")
        scene.pass_time(scene.between(0, 2))
        self.standby.promote()
        scene.strike("the standby promoted")
        scene.let_work(40)


class SynchronousFailover(Failover):
    """Each commit waits until the standby has written it: nothing acknowledged may be lost."""

    name = "failover, synchronous"

    def happen(self, scene: Scene) -> None:
        self._set(self.primary, "synchronous_standby_names", "standby")
        scene.let_work(40)
        scene.pass_time(scene.between(0, scene.seconds / 2))
        self._fail_over(scene)


class AsynchronousFailover(Failover):
    """The standby is behind when the primary is lost: what is lost is told, the rest is whole."""

    name = "failover, asynchronous"
    BEHIND = 1.0
    """Seconds for which the line to the standby is held."""
    USUALLY_BEHIND = 0.5
    """Seconds by which it may be behind on a busy machine before that."""

    def happen(self, scene: Scene) -> None:
        scene.let_work(40)
        scene.pass_time(scene.between(0, scene.seconds / 2))
        scene.journal.lossy_since = time.monotonic() - self.USUALLY_BEHIND
        self.link.hold()
        scene.pass_time(self.BEHIND)
        scene.notes.append(
            f"The link to the standby was held for the last {self.BEHIND:.0f} s before."
        )
        self._fail_over(scene)
