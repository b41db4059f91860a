"""The page that people mark on: a server of this machine alone, for as long as the command runs.

It answers on 127.0.0.1 only, to who knows the token in the address; another page in the same browser knows it not, and
cannot reach it under a name of its own either (the Host is looked at). The page gets plain JSON and sets it as text:
what a student wrote is never taken for HTML.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import tempfile
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from course.grading.marking import Marking, summary
from course.grading.office import OfficeError
from course.grading.records import RecordsError

HERE = Path(__file__).parent
BODY = 64_000  # bytes of what the page may send
POLICY = ("default-src 'none'; script-src 'self'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
           "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin"}


class Server(ThreadingHTTPServer):
    """Serves one marker's page at `address`."""

    daemon_threads = True

    def __init__(self, marking: Marking, port: int = 0):
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as problem:
            raise OfficeError(f"no page on 127.0.0.1, port {port}: {problem.strerror}; leave --port out") from None
        self.marking, self.token = marking, secrets.token_urlsafe(24)
        self.host = f"127.0.0.1:{self.server_port}"
        self.address = f"http://{self.host}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "nnlab", ""
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_: object) -> None:
        """Nothing: the terminal is for what the instructor reads, and a request holds the token."""

    def do_GET(self) -> None:
        match self._asked():
            case None:
                pass
            case "":
                nonce = secrets.token_urlsafe(12)
                text = (HERE / "marking.html").read_text(encoding="utf-8").replace("NONCE", nonce)
                self._send(200, "text/html", text.encode(), {"Content-Security-Policy": POLICY.format(nonce=nonce)})
            case "marking.js":
                self._send(200, "text/javascript", (HERE / "marking.js").read_bytes())
            case "state":
                self._answer(self.server.marking.state)
            case _:
                self._refuse(404)

    def do_POST(self) -> None:
        asked = self._asked()
        if asked is None:
            return
        length = self.headers.get("Content-Length", "")
        if asked != "mark":
            self._refuse(404)
        elif self.headers.get_content_type() != "application/json":  # what a form of another page cannot send
            self._refuse(415)
        elif not (length.isascii() and length.isdigit() and int(length) <= BODY):
            self._refuse(413)
        else:
            try:
                told = json.loads(self.rfile.read(int(length)))
                key, level, comment = told["key"], told["level"], told["comment"]
                fits = isinstance(key, str) and isinstance(comment, str) and (level is None or type(level) is int)
            except (ValueError, KeyError, TypeError, RecursionError):
                fits = False
            if fits:
                comment = comment.encode("utf-8", "replace").decode()  # halves of letters, which no database takes
                self._answer(lambda: self.server.marking.keep(key, level, comment))
            else:
                self._refuse(400)

    def _asked(self) -> str | None:
        """What is asked for, below the token; None where the request was refused."""
        token, slash, rest = self.path.removeprefix("/").partition("/")
        known = hmac.compare_digest(token.encode("utf-8", "replace"), self.server.token.encode())
        origin = self.headers.get("Origin", f"http://{self.server.host}")
        here = self.headers.get_all("Host") == [self.server.host] and origin == f"http://{self.server.host}"
        ours = self.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
        if known and here and slash and (ours or not rest):  # to the page itself one may come from anywhere
            return rest
        self._refuse(403)
        return None

    def _answer(self, work: Any) -> None:
        """What `work()` gives, as JSON; a mark that was not written is an error that says why."""
        try:
            status, told = 200, work()
        except (OfficeError, RecordsError) as problem:
            status, told = 409 if isinstance(problem, OfficeError) else 503, {"problem": str(problem)}
        except Exception as problem:  # a page that waits for ever would look like one that has kept it
            status, told = 500, {"problem": f"{type(problem).__name__}: {problem}"}
        self._send(status, "application/json", json.dumps(told).encode())

    def _refuse(self, status: int) -> None:
        self.close_connection = True  # what it sent was not read
        self._send(status, "text/plain", b"refused: open the address that nnlab mark printed\n")

    def _send(self, status: int, kind: str, data: bytes, more: dict[str, str] | None = None) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):  # the browser has gone
            self.send_response(status)
            for name, value in {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(data)),
                                **HEADERS, **(more or {})}.items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)


def serve(marking: Marking, port: int, browser: bool) -> None:
    """Serve until Ctrl-C; then say what is left."""
    server = Server(marking, port)
    with marking.record() as records:
        batch = records.begin("mark", marking.unit)
    print(*summary(marking), sep="\n")
    print(f"Marking as {marking.marker}: {server.address}\nCtrl-C ends it; every mark is kept the moment it is made.",
          flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="nnlab-mark-") as folder:  # only its owner may look into it
            if browser:
                _show(server.address, Path(folder))
            with contextlib.suppress(KeyboardInterrupt):
                server.serve_forever()
    finally:
        server.server_close()
    print("", *summary(marking), sep="\n", flush=True)
    with marking.record() as records:
        kept = records.end(batch, "done")
    if kept is None:
        print("Recorded, but not backed up: the disk is full. Free some space, then: nnlab backup")


def _show(address: str, folder: Path) -> None:
    """Open the address by a file of ours: as a word of the browser's command others on this machine could read it."""
    file = folder / "marking.html"
    file.write_text(f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={address}">',
                    encoding="utf-8")
    webbrowser.open(file.as_uri())
