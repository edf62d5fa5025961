"""A whole installation on loopback: two databases, two web processes, two workers, a proxy."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tools import postgres

ROOT = Path(__file__).resolve().parents[2]
NAME = "desk.example.org"
PATIENCE = 60


@dataclass
class Machine:
    """What runs, and how to reach it."""

    home: Path
    primary: postgres.Server
    standby: postgres.Server
    environment: dict[str, str]
    https: int = 0
    http: int = 0
    web: list[subprocess.Popen[bytes]] = field(default_factory=list)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def browser(self) -> Browser:
        return Browser(self.https, self.home / "fullchain.pem")

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def machine(home: Path, nginx: str) -> Iterator[Machine]:
    """Bring everything up, and end it all afterwards."""
    with contextlib.ExitStack() as ending:
        primary, standby = ending.enter_context(postgres.pair())
        https, http, *ports = _free_ports(4)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("VERNE_", "DATABASE_"))},
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
            "DJANGO_SETTINGS_MODULE": "verne.settings",
            "VERNE_HOME": str(home / "verne"),
            "DATABASE_URL": primary.url,
            "VERNE_REPLICA_URL": standby.url,
            "VERNE_HOSTS": NAME,
            "VERNE_ORIGINS": f"https://{NAME}:{https}",
            "VERNE_HTTPS": "1",
            "VERNE_PROXIES": "127.0.0.1",
        }
        made = Machine(home, primary, standby, environment, https, http)
        made.run("-m", "verne", "migrate")

        def start(*command: str) -> subprocess.Popen[bytes]:
            log = ending.enter_context((home / f"{'-'.join(command)}.log").open("wb"))
            # In a group of its own, so that it dies with its children as a machine does.
            process = subprocess.Popen(
                [sys.executable, "-m", "verne", *command],
                env=environment,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            ending.callback(end, process)
            return process

        for port in ports:
            few = "--workers", "1", "--threads", "4"
            made.web.append(start("web", "--port", str(port), *few))
        made.workers += [start("work", "--threads", str(number)) for number in (1, 2)]
        for port in ports:
            wait_for(lambda port=port: _answers(port), f"verne web on {port}")  # type: ignore[misc]
        proxy = _nginx(nginx, home, https=https, http=http, web=ports)
        ending.callback(end, proxy)
        wait_for(lambda: proxy.poll() is not None or _answers(https), "nginx")
        assert proxy.poll() is None, (home / "nginx.log").read_text()
        yield made
        for each in made.workers:
            # It would wait for jobs that nobody needs any more.
            kill(each)


def kill(process: subprocess.Popen[bytes]) -> None:
    """As if its machine had lost power."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)


def wait_for(true: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < until, f"{what} did not come about in {PATIENCE} seconds"
        time.sleep(0.1)
    return found


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as open_ones:
        sockets = [open_ones.enter_context(socket.socket()) for _each in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def _answers(port: int) -> bool:
    with socket.socket() as looking:
        looking.settimeout(1)
        return looking.connect_ex(("127.0.0.1", port)) == 0


# --- The proxy ------------------------------------------------------------------------------------

AROUND = """
daemon off;
{user}
pid {home}/nginx.pid;
error_log {home}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/verne.conf;
}}
"""


def _nginx(
    program: str, home: Path, *, https: int, http: int, web: list[int]
) -> subprocess.Popen[bytes]:
    """nginx with the file of deploy/, but for its ports and places."""
    text = (ROOT / "deploy/nginx/verne.conf").read_text()
    for ours, here in {
        "127.0.0.1:8001": f"127.0.0.1:{web[0]}",
        "127.0.0.1:8002": f"127.0.0.1:{web[1]}",
        "listen 80;": f"listen 127.0.0.1:{http};",
        "listen 443 ssl": f"listen 127.0.0.1:{https} ssl",
        "/etc/ssl/verne": str(home),
        "/var/cache/verne-static": str(home / "static"),
    }.items():
        assert ours in text, f"deploy/nginx/verne.conf does not say {ours} any more"
        text = text.replace(ours, here)
    (home / "verne.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (home / "nginx.conf").write_text(AROUND.format(home=home, user=user))
    _certificate(home)
    return subprocess.Popen(
        [program, "-c", str(home / "nginx.conf"), "-p", str(home), "-e", str(home / "nginx.log")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _certificate(home: Path) -> None:
    """One that names this machine's visitors' address, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (home / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (home / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def found_nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


# --- Somebody at a browser ------------------------------------------------------------------------


@dataclass
class Answer:
    status: int
    headers: Any
    text: str
    path: str


class Browser:
    """Speaks TLS, keeps cookies, follows where it is sent, fills in forms."""

    def __init__(self, port: int, trusted: Path) -> None:
        self.port = port
        self.context = ssl.create_default_context(cafile=str(trusted))
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, values: dict[str, str]) -> Answer:
        """Send the form of a page, filled in."""
        form = {**_Form.of(self.get(path).text, sends_to=path), **values}
        return self._ask("POST", path, urlencode(form).encode(), {})

    def _ask(self, verb: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE)
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        connection.sock = self.context.wrap_socket(plain, server_hostname=NAME)
        origin = f"https://{NAME}:{self.port}"
        sent = {"Host": f"{NAME}:{self.port}", "Referer": f"{origin}{path}", "Origin": origin}
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        with contextlib.closing(connection):
            connection.request(verb, path, body, sent | headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _equals, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
                continue
            assert "Secure" in line, line
            self.cookies[name] = value
        if answer.status in (301, 302, 303):
            there = urlsplit(answer.headers["Location"])
            assert there.netloc in ("", f"{NAME}:{self.port}"), there
            return self._ask(
                "GET", there.path + (f"?{there.query}" if there.query else ""), None, {}
            )
        return Answer(answer.status, answer.headers, text, path)


class _Form(HTMLParser):
    """What the form of a page would send as it stands."""

    def __init__(self, sends_to: str) -> None:
        super().__init__()
        self.sends_to = sends_to
        self.inside = False
        self.chosen = ""
        self.values: dict[str, str] = {}

    @classmethod
    def of(cls, page: str, *, sends_to: str) -> dict[str, str]:
        parser = cls(sends_to)
        parser.feed(page)
        assert "csrfmiddlewaretoken" in parser.values, f"no form sends to {sends_to}"
        return parser.values

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = dict(attributes)
        name, value = told.get("name") or "", told.get("value") or ""
        if tag == "form":
            action = re.sub(r"\?.*", "", told.get("action") or self.sends_to)
            self.inside = told.get("method", "") == "post" and action == self.sends_to
        if not self.inside:
            return
        if tag == "select":
            self.chosen = name
        elif tag == "option" and self.chosen and "selected" in told:
            self.values[self.chosen] = value
        elif tag == "input" and name and told.get("type") not in ("checkbox", "radio", "file"):
            self.values[name] = value
        elif tag == "input" and name and "checked" in told:
            self.values[name] = value or "on"

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
