"""A stack that runs on loopback, and the commands of `neuron-ecs` as a user types them there."""

import functools
import inspect
import io
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from unittest.mock import patch

import boto3

from neuron_ecs.arguments.parser import typed
from neuron_ecs.cli.main import answer, parse
from neuron_ecs.operations.clock import Clock
from tests.account import stack
from tests.account.ecs import Ecs
from tests.account.server import serving
from tests.account.state import Account, State
from tests.contract.graphs import ROOT, graph, texts

NOW = datetime(2026, 11, 29, 3, 12, tzinfo=UTC)
AGE = timedelta(days=3, hours=1)
"""How long ago the stack was created."""

WIDTH = 80


def environment(address: str) -> dict[str, str]:
    """What points the SDK and the CLI of AWS at the account, with credentials that mean nothing."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "loopback",
        "AWS_SECRET_ACCESS_KEY": "loopback",
        "AWS_DEFAULT_REGION": "us-west-2",
    }


@dataclass(frozen=True)
class Sandbox:
    """The account, where it is served, and the stack file that was created in it."""

    account: Account
    address: str
    file: str
    begun: State

    def restore(self) -> None:
        """Brings back the stack as it was created, all of it running."""
        self.account.restore(self.begun)

    def client(self, service: str, region: str = "us-west-2") -> Any:
        """A client of botocore for the account."""
        return stack.client(self.address, service, region)

    def connect(self, service: str, *, region_name: str, config: object = None) -> Any:
        """The same client for what connects as boto3 does; it asks once, so that nobody waits."""
        return self.client(service, region_name)

    def ecs(self, region: str = "us-west-2") -> Ecs:
        """ECS in a Region, for a test that changes what runs there."""
        return Ecs(self.account, self.account.place(region))

    def clock(self) -> Clock:
        """The account's time for a command; to sleep lets it pass."""
        return Clock(self.account.now, lambda s: self.account.later(timedelta(seconds=s)))

    def command(self, *argv: str, **given: Any) -> tuple[int, str]:
        """Runs a command of `neuron-ecs`: its exit code, and all that a terminal shows.

        `given` are further arguments of the command's `run`, such as a `connect`.
        """
        at = argv.index("--") if "--" in argv else len(argv)
        named = () if argv[0] == "diff" else ("--file", str(ROOT / self.file))
        where = (*named, "--project", str(ROOT))
        words = [*argv[:at], *where, *argv[at:]]
        module: Any = import_module(f"neuron_ecs.cli.{argv[0]}")
        offered = {"connect": _session().client, "clock": self.clock()}
        taken = inspect.signature(module.run).parameters
        given = {key: value for key, value in offered.items() if key in taken} | given
        shown = io.StringIO()
        with patch.dict(os.environ, environment(self.address) | {"COLUMNS": str(WIDTH)}):
            with redirect_stdout(shown), redirect_stderr(shown):
                found = parse(words)
                code = answer(found, lambda f: module.run(typed(module.Arguments, f), **given))
        return code, shown.getvalue()


def plainly(text: str) -> str:
    """The words that a terminal shows, wherever its lines break."""
    return " ".join(text.split())


@functools.cache
def _session() -> Any:
    """Credentials stay in a session: in one of its own they do not reach other tests."""
    return boto3.Session()


@contextmanager
def sandbox(
    file: str = "Pulumi.dev.yaml",
    *,
    clock: Callable[[], datetime] = lambda: NOW,
    port: int = 0,
) -> Generator[Sandbox]:
    """Creates a stack file's stack in an account on a free port; its time stands still unless a
    clock is given."""
    account = Account(clock)
    of_moto: Any = import_module("moto.moto_api._internal")  # it has no types

    def seed(text: str) -> None:
        """Lets the ids of a resource depend on nothing else, so that pages show them for long."""
        of_moto.mock_random.seed(text)
        account.state.random.seed(text)

    with serving(account, port) as address:
        with account.earlier(AGE):
            stack.create(address, graph(file), texts(file).config["aws:region"], seed)
        seed("what happens then")
        yield Sandbox(account, address, file, account.saved())
    assert not account.mistakes, account.mistakes
