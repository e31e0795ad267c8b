"""Connects to AWS, Region by Region, and says its refusals in words. Changes nothing.

`reading` and `recent` ask through a `Calls`. A call that a Region refuses is a `FailedCall`; the
rest of the Region, and the other Regions, are still read.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, Protocol, TypeVar, cast

from neuron_ecs.operations.observed import FailedCall
from neuron_ecs.terminal import ERRORS, NO_CREDENTIALS, UsageError

_I = TypeVar("_I")
_T = TypeVar("_T")

NEEDED = "boto3==1.44.5"

# After one of these errors no further call to the Region can succeed: the account has not enabled
# the Region, or the credentials are missing or expired.
_LOG_IN = "log in again"
_ENABLE = "enable the Region for the account, or check the credentials"
_WHOLE_REGION = {
    "AuthFailure": _ENABLE,
    "ExpiredToken": _LOG_IN,
    "ExpiredTokenException": _LOG_IN,
    "InvalidClientTokenId": _ENABLE,
    "UnrecognizedClientException": _ENABLE,
}
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_REGIONS_AT_ONCE = 16
_CALLS_AT_ONCE = 8  # of one kind in a Region
_CONNECTIONS = 24  # of a client: several kinds of calls wait for answers at once

Connect = Callable[..., Any]
"""Makes clients, as `boto3.client` does: (service, region_name=, config=)."""


class AtOnce(Protocol):
    """Answers questions at once, so many at a time, and returns the answers in their order."""

    def __call__(self, number: int, questions: Sequence[Callable[[], _T]]) -> list[_T]:
        """Returns the answers; raises what the first refused question raises."""
        ...


def in_threads(number: int, questions: Sequence[Callable[[], _T]]) -> list[_T]:
    """Answers questions in threads; a single one in the caller's."""
    if len(questions) < 2:
        return [question() for question in questions]
    with ThreadPoolExecutor(min(len(questions), number)) as threads:
        return [answer.result() for answer in [threads.submit(q) for q in questions]]


class Account:
    """The account that the credentials belong to. Raises `UsageError` without boto3."""

    def __init__(self, connect: Connect | None = None, at_once: AtOnce = in_threads) -> None:
        try:
            import boto3
            from botocore import exceptions
            from botocore.config import Config
        except ImportError:
            raise UsageError(f"needs the AWS SDK: pip install {NEEDED}") from None
        # boto3 has no annotations: botocore makes the clients from service models at run time
        self.connect = connect or cast(Connect, boto3.client)  # pyright: ignore[reportUnknownMemberType]
        self.settings = Config(
            connect_timeout=10,
            read_timeout=30,
            retries={"mode": "standard", "max_attempts": 5},
            max_pool_connections=_CONNECTIONS,
        )
        self.without = (
            exceptions.ConfigNotFound,
            exceptions.ConfigParseError,
            exceptions.CredentialRetrievalError,
            exceptions.InvalidConfigError,
            exceptions.LoginError,
            exceptions.MissingDependencyException,
            exceptions.NoCredentialsError,
            exceptions.PartialCredentialsError,
            exceptions.ProfileNotFound,
            exceptions.RefreshWithMFAUnsupportedError,
            exceptions.SSOError,
            exceptions.TokenRetrievalError,
            exceptions.UnknownCredentialError,
        )
        self.refusals = (exceptions.BotoCoreError, exceptions.ClientError)
        unreachable = (exceptions.ConnectionError, exceptions.HTTPClientError)
        self.final = (*self.without, *unreachable)
        self.at_once = at_once
        self._connecting = Lock()  # a session of boto3 makes one client at a time
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str) -> Any:
        """Returns the client of a service in a Region, made at its first call."""
        with self._connecting:
            if (service, region) not in self._clients:
                made = self.connect(service, region_name=region, config=self.settings)
                self._clients[service, region] = made
            return self._clients[service, region]

    def ask(
        self, region: str, question: Callable[["Calls"], _T], unread: Callable[[str], _T]
    ) -> _T:
        """Returns the answer to a question, or `unread(why)` if nothing of the Region can be read.

        Raises `UsageError` without credentials.
        """
        try:
            return question(Calls(self, region))
        except self.without as error:
            raise UsageError(
                f"no AWS credentials ({one_line(error)}); set AWS_PROFILE, or log in first",
                NO_CREDENTIALS,
            ) from None
        except self.refusals as error:
            code = code_of(error)
            way_out = f"; {_WHOLE_REGION[code]}" if code in _WHOLE_REGION else _way_out(code)
            return unread(one_line(error) + way_out)

    def must(self, region: str, question: Callable[["Calls"], _T]) -> _T:
        """Returns the answer to a question. Raises `UsageError` if AWS refuses it."""

        def refused(why: str) -> _T:
            raise UsageError(f"{region}: {why}", ERRORS)

        return self.ask(region, question, refused)

    def ask_each(
        self,
        regions: Sequence[str],
        question: Callable[["Calls"], _T],
        unread: Callable[[str, str], _T],
    ) -> list[_T]:
        """Returns the answers of several Regions, asked at once, in their order."""
        asked = [
            partial(self.ask, name, question, lambda why, n=name: unread(n, why))
            for name in regions
        ]
        return self.at_once(_REGIONS_AT_ONCE, asked)


class Calls:
    """Calls to one Region, through a client for each service."""

    def __init__(self, account: Account, region: str) -> None:
        self.account = account
        self.region = region
        self._failed: dict[FailedCall, None] = {}

    @property
    def failed(self) -> tuple[FailedCall, ...]:
        """The calls without an answer, each once, in an order that no thread decides."""
        return tuple(sorted(self._failed, key=lambda f: (f.asked, f.reason)))

    def each(self, items: Iterable[_I], question: Callable[[_I], _T]) -> list[_T]:
        """Returns the answers about several items, asked at once, in their order."""
        return self.account.at_once(_CALLS_AT_ONCE, [partial(question, item) for item in items])

    def both(self, first: Callable[[], _T], second: Callable[[], _I]) -> tuple[_T, _I]:
        """Returns the answers to two questions, asked at once."""
        questions: list[Callable[[], Any]] = [first, second]
        one, other = self.account.at_once(_CALLS_AT_ONCE, questions)
        return one, other

    def _client(self, service: str) -> Any:
        return self.account.client(service, self.region)

    @property
    def acm(self) -> Any:
        return self._client("acm")

    @property
    def autoscaling(self) -> Any:
        return self._client("autoscaling")

    @property
    def cloudwatch(self) -> Any:
        return self._client("cloudwatch")

    @property
    def ec2(self) -> Any:
        return self._client("ec2")

    @property
    def ecs(self) -> Any:
        return self._client("ecs")

    @property
    def elbv2(self) -> Any:
        return self._client("elbv2")

    @property
    def iam(self) -> Any:
        return self._client("iam")

    @property
    def logs(self) -> Any:
        return self._client("logs")

    @property
    def quotas(self) -> Any:
        return self._client("service-quotas")

    @property
    def route53(self) -> Any:
        """The same in every Region."""
        return self._client("route53")

    @property
    def s3(self) -> Any:
        return self._client("s3")

    @property
    def scaling(self) -> Any:
        """Application Auto Scaling."""
        return self._client("application-autoscaling")

    @property
    def ssm(self) -> Any:
        return self._client("ssm")

    def tried(self, asked: str, question: Callable[[], _T]) -> _T | None:
        """Returns the answer, or `None` with a `FailedCall` where AWS refuses this call alone."""
        try:
            return question()
        except self.account.final:
            raise
        except self.account.refusals as error:
            code = code_of(error)
            if code in _WHOLE_REGION:
                raise
            self.fail(asked, one_line(error) + _way_out(code))
            return None

    def fail(self, asked: str, reason: str) -> None:
        """Keeps a call without an answer."""
        self._failed[FailedCall(asked, reason)] = None


def ends_all(error: Exception) -> bool:
    """Whether no further call to the Region can succeed after this error."""
    return code_of(error) in _WHOLE_REGION


def _way_out(code: str) -> str:
    if code in _DENIED:
        return (
            "; allow it: docs/read-only-policy.json has every action that reads, and "
            "docs/changing-policies.json those of each command that changes something"
        )
    if "Throttl" in code or code == "RequestLimitExceeded":
        return "; too many calls at once: run the command again in a minute"
    return ""


def one_line(error: Exception) -> str:
    """The text of an error in one line, without its full stop."""
    return re.sub(r"\s+", " ", str(error)).strip().rstrip(".")


def code_of(error: Exception) -> str:
    """The error code of AWS; empty if AWS did not answer."""
    response = cast("dict[str, Any]", getattr(error, "response", {}))
    return cast(str, response.get("Error", {}).get("Code", ""))


def pages(
    call: Callable[..., Any],
    key: str,
    *,
    token: str = "nextToken",
    answered: str = "",
    **arguments: Any,
) -> list[Any]:
    """All items of a paged call; `token` names the next page in its request, and `answered` in its
    answer if it has another name there."""
    answered = answered or token
    found: list[Any] = []
    more: dict[str, str] = {}
    while True:
        answer = cast("dict[str, Any]", call(**arguments, **more))
        found += answer.get(key, [])
        if not answer.get(answered):
            return found
        more = {token: answer[answered]}


def batches(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    """Yields the items in lists of at most `size`."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
