"""What exists in the account: resources, what became of the ones that are gone, and a journal.

The account is a file, so that every process of the engine sees the same one; each operation reads
it, changes it and writes it back under a lock.
"""

import fcntl
import hashlib
import json
import secrets
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import RLock

from tests.engine.provider.rows import ACCOUNT_ID, KINDS, By, Kind
from tests.engine.provider.wire import DEFAULTS, Json, Props, texts

HOME_REGION = "us-west-2"


class Refused(Exception):
    """An error of AWS: its name, a colon, its text."""


@dataclass
class Habits:
    """How this account behaves where AWS takes time."""

    refusals_until_active: int = 1
    """How often a service is refused before a Managed Instances provider is ACTIVE."""
    deployment_seconds: float = 0.0
    """How long a service takes to reach a steady state when it is made or updated."""
    rolled_back: str = ""
    """A deployment whose containers have this text is rolled back by ECS; none if it is empty."""


@dataclass
class Record:
    """One resource that exists."""

    serial: int
    type: str
    region: str
    logical: str
    urn: str
    id: str
    arn: str
    name: str
    inputs: Props
    outputs: Props
    facts: Props = field(default_factory=dict[str, Json])
    """What AWS knows and no output shows."""

    @property
    def kind(self) -> Kind:
        return KINDS[self.type]

    def answers_to(self, forms: tuple[By, ...], value: str) -> bool:
        """Whether a value names this resource in one of the forms given."""
        return value != "" and any(value == getattr(self, form) for form in forms)


@dataclass
class Holdings:
    """The account as it is during one operation."""

    habits: Habits
    shelves: dict[str, list[Record]]
    """What exists, by type."""
    gone: list[str]
    """Ids and ARNs of what was deleted."""
    kept: list[str]
    """ARNs of task definitions that were let go and stay ACTIVE."""
    revisions: dict[str, int]
    serial: int

    @property
    def records(self) -> list[Record]:
        """Everything that exists, oldest first."""
        everything = [record for shelf in self.shelves.values() for record in shelf]
        return sorted(everything, key=lambda record: record.serial)

    def add(self, record: Record) -> None:
        """Puts a resource in the account."""
        self.shelves.setdefault(record.type, []).append(record)

    def remove(self, record: Record) -> None:
        """Takes a resource out of the account."""
        self.shelves[record.type].remove(record)

    @contextmanager
    def without(self, record: Record) -> Generator[None]:
        """The account as it would be without a resource."""
        shelf = self.shelves[record.type]
        index = shelf.index(record)
        del shelf[index]
        try:
            yield
        finally:
            shelf.insert(index, record)

    def of(self, token: str, region: str | None = None) -> Iterator[Record]:
        """Every resource of a type, in one Region or in all."""
        for record in self.shelves.get(token, ()):
            if region in (None, record.region):
                yield record

    def find(
        self, token: str, region: str, value: str, forms: tuple[By, ...] = ("id", "arn", "name")
    ) -> Record | None:
        """The resource that a value names; resources of one Region are not seen in another."""
        where = region if KINDS[token].regional else ""
        for record in self.of(token, where):
            if record.answers_to(forms, value):
                return record
        return None

    def where(self, token: str, region: str, path: str, value: str) -> Iterator[Record]:
        """Every resource of a type that says a value at a path of its inputs."""
        where = region if KINDS[token].regional else ""
        for record in self.of(token, where):
            if value in texts(record.inputs, path):
                yield record

    def locate(self, token: str, id: str, props: Mapping[str, Json]) -> Record | None:
        """The resource that the engine means: by ARN where one is known, else by id and Region."""
        # of a type without an ARN of its own, `arn` is that of another resource
        arn = props.get("arn") if KINDS[token].arn else None
        region = props.get("region")
        for record in self.of(token):
            if isinstance(arn, str) and record.arn:
                if record.arn == arn:
                    return record
            elif record.id == id and (not isinstance(region, str) or region == record.region):
                return record
        return None


@dataclass(frozen=True)
class Entry:
    """One operation, done or refused."""

    op: str
    type: str
    id: str
    logical: str
    region: str
    changed: tuple[str, ...] = ()
    consequences: tuple[tuple[str, str], ...] = ()
    """What ECS did because of it: what happened, and to which service (its logical name)."""
    error: str = ""

    def __str__(self) -> str:
        where = f" in {self.region}" if self.region else ""
        what = f"{self.op} {self.type.rpartition(':')[2]} {self.logical}{where}"
        if self.changed:
            what += f" ({', '.join(self.changed)})"
        for event, service in self.consequences:
            what += f"; {event}: {service}"
        return f"{what}: {self.error}" if self.error else what


class Account:
    """The file of the account, and its journal beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal_path = path.with_suffix(".journal")
        self._lock = RLock()
        self._seen: tuple[tuple[int, int, int], str, Holdings] | None = None

    @contextmanager
    def open(self) -> Generator[Holdings]:
        """The account, locked, and kept on the way out.

        It is kept after a refusal too: an attempt that AWS refuses can still count (a provider
        becomes ACTIVE while its services are refused).
        """
        with self._lock, self.path.with_suffix(".lock").open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            before, holdings = self._read()
            try:
                yield holdings
            finally:
                self._keep(holdings, before)

    def _read(self) -> tuple[str, Holdings]:
        """The file's content; read again only when another process has written it."""
        if not self.path.exists():
            return "", _loaded("")
        if self._seen is not None and self._seen[0] == _version(self.path):
            return self._seen[1], self._seen[2]
        text = self.path.read_text()
        return text, _loaded(text)

    def _keep(self, holdings: Holdings, before: str) -> None:
        after = json.dumps(holdings, default=vars)
        if after != before:
            draft = self.path.with_suffix(".draft")
            draft.write_text(after)
            draft.replace(self.path)
        self._seen = (_version(self.path), after, holdings)

    def write_down(self, entry: Entry) -> None:
        """Appends to the journal."""
        with self._lock, self.journal_path.open("a") as journal:
            journal.write(json.dumps(asdict(entry)) + "\n")

    def journal(self, start: int = 0) -> list[Entry]:
        """The journal from an entry on."""
        if not self.journal_path.exists():
            return []
        lines = self.journal_path.read_text().splitlines()[start:]
        return [_entry(json.loads(line)) for line in lines]


def _version(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _loaded(text: str) -> Holdings:
    if not text:
        return Holdings(habits=Habits(), shelves={}, gone=[], kept=[], revisions={}, serial=0)
    data = json.loads(text)
    return Holdings(
        habits=Habits(**data["habits"]),
        shelves={
            token: [Record(**record) for record in shelf]
            for token, shelf in data["shelves"].items()
        },
        gone=data["gone"],
        kept=data["kept"],
        revisions=data["revisions"],
        serial=data["serial"],
    )


def _entry(data: dict[str, Json]) -> Entry:
    def said(key: str) -> str:
        return str(data.get(key, ""))

    pairs = data.get("consequences")
    return Entry(
        op=said("op"),
        type=said("type"),
        id=said("id"),
        logical=said("logical"),
        region=said("region"),
        changed=tuple(texts(data, "changed")),
        consequences=tuple(
            (str(pair[0]), str(pair[1]))
            for pair in (pairs if isinstance(pairs, list) else [])
            if isinstance(pair, list)
        ),
        error=said("error"),
    )


def born(holdings: Holdings, token: str, urn: str, inputs: Props, home: str) -> Record:
    """A resource with its id, ARN and computed outputs; it is not in the account yet."""
    kind = KINDS[token]
    holdings.serial += 1
    region = str(inputs.get("region") or home) if kind.regional else ""
    words: dict[str, str] = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in inputs.items()
        if value is not None and key != DEFAULTS
    }
    words |= {"region": region, "account": ACCOUNT_ID, "hex": secrets.token_hex(9)[:17]}
    words.setdefault("path", "/")
    words.setdefault("groupName", "default")
    words.setdefault("setIdentifier", "")
    if "name" not in words and "namePrefix" in words:
        words["name"] = words["namePrefix"] + secrets.token_hex(13)
    computed = _special(holdings, token, inputs, words)
    arn_first = kind.id == "{arn}"
    id = "" if arn_first else kind.id.format_map(words)
    words["id"] = id
    arn = words.get("arn") or kind.arn.format_map(words)
    words["arn"] = arn
    id = arn if arn_first else id
    words["id"] = id
    outputs: Props = {key: value for key, value in inputs.items() if key != DEFAULTS}
    for key, template in kind.computed.items():
        outputs.setdefault(key, template.format_map(words))
    outputs |= computed
    if arn:
        outputs["arn"] = arn
    if kind.named is not None:
        outputs["name"] = words["name"]
    if kind.regional:
        outputs["region"] = region
    if "tags" in inputs:
        outputs["tagsAll"] = inputs["tags"]
    outputs["id"] = id
    return Record(
        serial=holdings.serial,
        type=token,
        region=region,
        logical=urn.rpartition("::")[2],
        urn=urn,
        id=id,
        arn=arn,
        name=words.get("name", ""),
        inputs={key: value for key, value in inputs.items() if key != DEFAULTS},
        outputs=outputs,
    )


def _special(
    holdings: Holdings, token: str, inputs: Props, words: dict[str, str]
) -> dict[str, Json]:
    """Outputs that no template gives."""
    region, digits = words["region"], words["hex"]
    elb = f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT_ID}"
    match token:
        case "aws:ecs/taskDefinition:TaskDefinition":
            family = words["family"]
            key = f"{region}/{family}"
            revision = holdings.revisions.get(key, 0) + 1
            holdings.revisions[key] = revision
            bare = f"arn:aws:ecs:{region}:{ACCOUNT_ID}:task-definition/{family}"
            words["arn"] = f"{bare}:{revision}"
            words["name"] = f"{family}:{revision}"
            return {"revision": revision, "arnWithoutRevision": bare}
        case "aws:ecs/service:Service":
            cluster = words.get("cluster", "default").rpartition("/")[2]
            words["arn"] = f"arn:aws:ecs:{region}:{ACCOUNT_ID}:service/{cluster}/{words['name']}"
            return {}
        case "aws:acm/certificate:Certificate":
            name = words["domainName"]
            bare = name.removeprefix("*.")  # one name has one record, in every Region
            option: dict[str, Json] = {
                "domainName": name,
                "resourceRecordName": f"_{hashlib.sha256(bare.encode()).hexdigest()[:32]}.{bare}.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": "_0a1b.acm-validations.aws.",
            }
            return {"domainValidationOptions": [option]}
        case "aws:lb/loadBalancer:LoadBalancer":
            flavour = "net" if inputs.get("loadBalancerType") == "network" else "app"
            suffix = f"{flavour}/{words['name']}/{digits[:16]}"
            words["arn"] = f"{elb}:loadbalancer/{suffix}"
            dns = f"{words['name']}-{digits[:9]}.{region}.elb.amazonaws.com"
            return {"arnSuffix": suffix, "dnsName": dns}
        case "aws:lb/targetGroup:TargetGroup":
            suffix = f"targetgroup/{words['name']}/{digits[:16]}"
            words["arn"] = f"{elb}:{suffix}"
            return {"arnSuffix": suffix}
        case "aws:lb/listener:Listener":
            stem = words["loadBalancerArn"].partition(":loadbalancer/")[2]
            words["arn"] = f"{elb}:listener/{stem}/{digits[:16]}"
            return {}
        case "aws:lb/listenerRule:ListenerRule":
            stem = words["listenerArn"].partition(":listener/")[2]
            words["arn"] = f"{elb}:listener-rule/{stem}/{digits[:16]}"
            return {} if "priority" in inputs else {"priority": _next_priority(holdings, words)}
        case "aws:ec2/launchTemplate:LaunchTemplate":
            return {"latestVersion": 1, "defaultVersion": 1}
        case "aws:ec2/subnet:Subnet":
            zone_id = words.get("availabilityZoneId", "use0-az1")
            zone = words.get("availabilityZone", f"{region}-{zone_id}")
            return {
                "availabilityZone": zone,
                "availabilityZoneId": zone_id,
            }
        case _:
            return {}


def _next_priority(holdings: Holdings, words: dict[str, str]) -> int:
    """The priority after the last rule of a listener.

    Source: terraform-provider-aws internal/service/elbv2/listener_rule.go, `highestRulePriority`.
    """
    rules = holdings.where(
        "aws:lb/listenerRule:ListenerRule", words["region"], "listenerArn", words["listenerArn"]
    )
    return 1 + max(
        (number for r in rules if isinstance(number := r.outputs["priority"], int)), default=0
    )
