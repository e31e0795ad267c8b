"""The server on loopback: it hands requests to the account's own answers, and the rest to moto."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.account import wire
from tests.account.ecs import Ecs
from tests.account.names import Acm, Route53
from tests.account.others import ANSWERED, REMEMBERED, remember
from tests.account.state import Account
from tests.account.wire import Asked, Refusal, Reply

_ANSWERED = {**ANSWERED, "acm": Acm, "ecs": Ecs, "route53": Route53}


def answer(account: Account, request: Asked) -> Reply:
    """The answer to a request."""
    called = f"{request.service}:{request.operation}"
    account.calls[request.region, called] += 1
    try:
        for key in ((request.region, called), (request.region, "*")):
            if key in account.state.refused:
                raise account.state.refused[key]
        place = account.place(request.region)
        kind = _ANSWERED.get(request.service)
        call: Any = getattr(
            kind(account, place) if kind else None, wire.method_of(request.operation or "-"), None
        )
        result: wire.Json | None = None if call is None else call(**request.params())
        if result is not None:
            return wire.answer(request, result)
        if request.service == "ecs":
            raise Refusal("NotWrittenYet", f"the account on loopback does not answer {called}")
    except Refusal as error:
        return wire.refusal(request, error)
    reply = wire.from_moto(request)
    if (request.service, request.operation) in REMEMBERED and reply.status == 200:
        made = wire.read_back(request, reply)
        remember(place, request.operation, request.params(), made, account)
    return reply


def _reply(account: Account, request: Asked) -> Reply:
    try:
        return answer(account, request)
    except Exception as error:  # an answer that AWS would not give: the test is told of it
        account.mistakes.append(f"{request.service}:{request.operation}: {error!r}")
        return wire.refusal(request, Refusal("MistakeOfTheAccount", account.mistakes[-1]))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, account: Account, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.account = account
        self.lock = threading.Lock()
        """One request at a time: the state knows nothing of threads."""


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = wire.asked(self.command, self.path, dict(self.headers.items()), body)
        with server.lock:
            reply = _reply(server.account, request)
        self.send_response(reply.status)
        for key, value in reply.headers.items():
            if key.lower() not in ("content-length", "date", "server", "status"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the account counts its calls."""


@contextmanager
def serving(account: Account, port: int = 0) -> Generator[str]:
    """Serves the account on a port of loopback, a free one by default; yields its address."""
    with _Server(account, port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
