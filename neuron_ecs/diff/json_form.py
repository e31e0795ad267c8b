"""The JSON of `neuron-ecs diff`: docs/diff.schema.json and docs/diff.md are made from these types.

A new version comes when a key goes or changes its meaning; keys may be added within a version.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from config.changes import Change
from neuron_ecs.diff.impact import Word
from neuron_ecs.diff.refusals import Code, WayCode
from neuron_ecs.diff.resources import Action, Effect
from neuron_ecs.diff.workloads import Kind
from planning.lines import Layout

VERSION = 1

Money = Annotated[str, Field(pattern=r"^-?\d+\.\d{2}$", description="USD, with two decimals.")]
Devices = list[int] | Literal["all"]
Value = Annotated[Any, Field(description="Any JSON; what looks like a credential is a note.")]


class Span(TypedDict):
    """A number at the minimum and at the maximum of replicas."""

    min: int
    max: int


class Amount(TypedDict):
    """Money at the minimum and at the maximum of replicas."""

    min: Money
    max: Money


class Side(TypedDict):
    """One of the two states that are compared."""

    label: Annotated[str, Field(description="The file, or the revision with its commit.")]
    commit: Annotated[str | None, Field(description="The commit; null for a file.")]
    planned: Annotated[bool, Field(description="Whether it can be built.")]
    no_graph: Annotated[str | None, Field(description="Why its resources are not known, or null.")]


class Setting(TypedDict):
    """What the stack file says otherwise. What stands nowhere on a side has no key there."""

    path: Annotated[str, Field(description="The dotted path, such as models.llama.replicas.max.")]
    change: Annotated[
        Annotated[str, WithJsonSchema({"enum": [str(change) for change in Change]})] | None,
        Field(
            description="What the change does to a stack that runs: see stack-file.md. Null for a "
            "setting of a provider."
        ),
    ]
    before: NotRequired[Value]
    after: NotRequired[Value]


class Service(TypedDict):
    """A service of a model."""

    key: Annotated[str, Field(description="Its logical name.")]
    devices: Annotated[Devices, Field(description="Neuron devices of its tasks.")]
    tasks: Span


class ModelSide(TypedDict):
    """A model in a Region, on one side."""

    pool: str
    replicas: Span
    images: list[str]
    services: list[Service]


class Gap(TypedDict):
    """Seconds without a replica: deregistration delay and stop timeout where the old task stops
    first, and the time until the new task is healthy: two health checks at least, its grace time at
    most."""

    least: int
    most: Annotated[
        int | None, Field(description="Null where only the model knows: without a load balancer.")
    ]


class Impact(TypedDict):
    """What callers of a model notice while the update rolls out."""

    word: Word
    text: Annotated[str, Field(description="The same in words.")]
    gap: Gap | None
    extra_instances: Annotated[
        int, Field(description="Instances that are added while it rolls out, at most.")
    ]
    doubled: Annotated[
        bool, Field(description="Whether every instance of the model has a second one for a while.")
    ]


class Rollout(TypedDict):
    """What it costs that a model in a Region restarts, by HEAD's plan. `neuron-ecs plan --json` has
    the same of a new image, under `interruptions`."""

    region: str
    model: str
    replicas: Annotated[int, Field(description="At minimum.")]
    left: Annotated[int, Field(description="Replicas that still serve when an instance ends.")]
    away: Annotated[
        int,
        Field(
            description="Replicas that do not serve, at a time: all of them where the target group "
            "is replaced."
        ),
    ]
    instances: Annotated[
        int | None,
        Field(description="Instances that are added; null where ECS places the tasks by CPU."),
    ]
    minutes: Annotated[int, Field(description="Within which it ends, or is given up.")]
    waves: Annotated[
        int, Field(description="In which its services change: those of one at the same time.")
    ]
    usd: Annotated[
        Amount | None,
        Field(
            description="Of these instances for that time, of the cheapest type that ECS may "
            "choose and of the dearest; null where either is unknown."
        ),
    ]


class Workload(TypedDict):
    """A model or job that changed, in a Region."""

    region: str
    name: str
    kinds: Annotated[list[Kind], Field(description="What happens to it.")]
    told: Annotated[list[str], Field(description="What changes, in words.")]
    touched: Annotated[
        bool,
        Field(
            description="Whether its entry, its pool or its Region was changed, as this Region "
            "sees them."
        ),
    ]
    before: Annotated[ModelSide | None, Field(description="Null where it was not, and for jobs.")]
    after: Annotated[ModelSide | None, Field(description="Null where it goes, and for jobs.")]
    impact: Annotated[Impact | None, Field(description="Null for jobs: no run that began ends.")]


class Assignment(TypedDict):
    """Devices of every instance of a pool that a workload's tasks take."""

    workload: str
    job: bool
    devices: list[int]
    tasks: Span


class PoolSide(TypedDict):
    """A pool in a Region, on one side."""

    kind: Literal["auto_scaling", "managed_instances"]
    instance_types: list[str]
    purchase: str
    max_size: Annotated[int | None, Field(description="Null: no limit (Managed Instances).")]
    devices: Annotated[int, Field(description="Neuron devices of one instance.")]
    instances: Span
    retired: bool
    layout: list[Assignment]


class Pool(TypedDict):
    """A pool that changed, in a Region."""

    region: str
    name: str
    told: Annotated[list[str], Field(description="What changes, in words.")]
    impact: Annotated[str | None, Field(description="What its instances notice, in a sentence.")]
    before: PoolSide | None
    after: PoolSide | None


class PinnedDevices(TypedDict):
    """Running models whose devices move though nobody touched them."""

    models: Annotated[list[str], Field(description="As Region/name.")]
    neuron_devices: Annotated[
        dict[str, list[int]],
        Field(description="By model: explicit ids that keep them where they are."),
    ]
    layout: Annotated[
        Layout,
        Field(description="The head's layout that keeps them where they are; {} if none does."),
    ]
    works: Annotated[bool, Field(description="Whether the head was planned with them, and held.")]
    why_not: str | None


class Refusal(TypedDict):
    """What fails half-way, or interrupts a model, although both stack files can be built."""

    code: Code | WayCode
    region: Annotated[str, Field(description="The first of `regions`.")]
    regions: list[str]
    path: str
    what: str
    why: str
    steps: Annotated[list[str], Field(description="The updates to make instead, in order.")]


class Property(TypedDict):
    """A property that changes. What is known only after the update is {"unknown": true}."""

    path: Annotated[
        list[str],
        Field(description="Containers, policies and user data are structure, not one long text."),
    ]
    effect: Annotated[
        Effect,
        Field(
            description="replace: it forces the replacement; unknown: nobody knows whether it "
            "does; ignored: the program ignores changes of it; engine_only: no call to AWS."
        ),
    ]
    source: Annotated[str | None, Field(description="Where the effect is known from, or null.")]
    follows: Annotated[
        str | None,
        Field(
            description="URN of the resource whose replacement, or new version, changes it, or "
            "null."
        ),
    ]
    before: NotRequired[Value]
    after: NotRequired[Value]


class Resource(TypedDict):
    """A resource that is not the same on both sides."""

    action: Annotated[Action, Field(description="engine_only: no call to AWS.")]
    urn: Annotated[str, Field(description="Of what is deleted, that of BASE.")]
    base_urn: Annotated[
        str | None, Field(description="In BASE, of a resource that an alias renames; or null.")
    ]
    type: Annotated[str, Field(description="Type token.")]
    name: Annotated[str, Field(description="Logical name.")]
    region: Annotated[str | None, Field(description="Null for what is global.")]
    component: Annotated[bool, Field(description="Whether it only groups resources.")]
    properties: list[Property]
    inputs: NotRequired[
        Annotated[dict[str, Any], Field(description="Of what is created or deleted, all of them.")]
    ]


class Share(TypedDict):
    """A model's share of a pool's price: that of its chips."""

    model: Annotated[str | None, Field(description="Null: chips that no model holds.")]
    usd_per_month: Amount


Rate = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]


class Lowest(TypedDict):
    """The cheapest type that ECS may choose."""

    instance_type: str
    usd_per_hour: Rate


class Added(TypedDict):
    """Instances that are added for a while."""

    instances: Span
    usd_per_hour: Annotated[
        Amount | None, Field(description="Of all of them; null where there is no price.")
    ]


class Cost(TypedDict):
    """What the instances of a pool cost, on one side."""

    instance_type: Annotated[str, Field(description="The dearest where ECS may choose.")]
    purchase: str
    usd_per_hour: Annotated[
        Rate | None, Field(description="Of one instance; null where the catalog has no price.")
    ]
    lowest: Annotated[
        Lowest | None,
        Field(description="With it the minimum is counted; null where there is no price."),
    ]
    instances: Span
    usd_per_month: Amount
    by_model: list[Share]
    rollout: Annotated[
        Added | None,
        Field(description="By a rollout of all models; null where ECS places them by CPU."),
    ]
    jobs: Annotated[Added, Field(description="By the pool's jobs while they run.")]


class Line(TypedDict):
    """A pool in the price."""

    region: str
    pool: str
    included: Annotated[bool, Field(description="Whether it has a rate, and counts in the sums.")]
    why_not: str | None
    source: Annotated[str | None, Field(description="Where the rate is from.")]
    date: Annotated[str | None, Field(description="The day of the prices, as YYYY-MM-DD.")]
    note: Annotated[
        str | None,
        Field(description="What to know of the rate: Spot, reservations, several types."),
    ]
    before: Cost | None
    after: Cost | None


class OfRegion(TypedDict):
    """The price in a Region."""

    region: str
    before: Amount
    after: Amount


class OfModel(TypedDict):
    """The price of a model's share of the chips, over all Regions."""

    model: Annotated[str | None, Field(description="Null: chips that no model holds.")]
    before: Amount
    after: Amount


class Price(TypedDict):
    """What the instances cost before and after."""

    currency: Literal["USD"]
    hours: Annotated[int, Field(description="Hours of a month.")]
    before: Amount
    after: Amount
    difference: Annotated[Amount, Field(description="After less before.")]
    by_region: list[OfRegion]
    by_model: list[OfModel]
    lines: list[Line]
    not_included: Annotated[list[str], Field(description="What is in no line, by name.")]


class Finding(TypedDict):
    """A finding, as `neuron-ecs plan --json` has it; docs/findings.md explains the codes."""

    code: str
    severity: Literal["error", "warning", "note"]
    path: str
    line: Annotated[
        int | None, Field(description="Of the path in the stack file, or of the nearest above it.")
    ]
    what: str
    why: str
    fix: str


class FindingTotals(TypedDict):
    """How many findings there are; the lists have at most 1,000 each, the worst."""

    new: int
    gone: int
    still: int
    not_judged: int


class Findings(TypedDict):
    """The findings of both sides, told apart by code, path and severity."""

    new: list[Finding]
    gone: list[Finding]
    still: list[Finding]
    not_judged: Annotated[
        list[Finding],
        Field(description="Of BASE. HEAD's errors ended its planning before these."),
    ]
    totals: FindingTotals


class RunningSlot(TypedDict):
    """The service of a model on one set of devices, in the account."""

    chips: str
    service: Annotated[str, Field(description="Its name; empty if there is none.")]
    revision: Annotated[str, Field(description="Of its task definition.")]
    image: str
    deployment: Annotated[str, Field(description="complete, or what of it is open or failed.")]
    runs: Annotated[
        Literal["both", "base", "head", "neither", "nothing", "unknown"],
        Field(
            description="Whose containers it has. nothing: there is no service; unknown: it could "
            "not be read."
        ),
    ]
    update: Annotated[
        Literal["none", "deploy", "remove", "create", "unknown"],
        Field(description="What `pulumi up --refresh` of HEAD does to it."),
    ]


class RunningModel(TypedDict):
    """A model in a Region whose slots do not all run BASE, or with an open deployment."""

    region: str
    name: str
    what: Annotated[str, Field(description="What is uneven, in words.")]
    slots: list[RunningSlot]


class Running(TypedDict):
    """What AWS says of the slots of BASE's models."""

    at: Annotated[str, Field(description="When it was read, as ISO 8601.")]
    models: list[RunningModel]
    unread: Annotated[
        list[str],
        Field(description="What AWS refused to say: then the exit code is 1."),
    ]


class Document(TypedDict):
    """The difference between two states of a stack."""

    version: Annotated[Literal[1], Field(description="Of this form.")]
    project: str
    stack: Annotated[str, Field(description="The stack as which both sides are compared.")]
    verdict: Annotated[str, Field(description="The verdict in one sentence.")]
    changed: Annotated[bool, Field(description="Whether anything differs.")]
    failed: Annotated[
        bool,
        Field(
            description="Whether HEAD cannot be built, or not in one update: then the exit code "
            "is 1."
        ),
    ]
    base: Side
    head: Side
    plan_only: Annotated[str | None, Field(description="Why resources are not compared, or null.")]
    regions_not_registered: Annotated[
        list[str], Field(description="Regions whose resources are the same.")
    ]
    workloads_not_registered: Annotated[
        list[str],
        Field(
            description="Models and jobs of other Regions whose resources are the same, as "
            "Region/models.name or Region/jobs.name."
        ),
    ]
    notes: Annotated[list[str], Field(description="Sentences about the comparison itself.")]
    settings: list[Setting]
    models: list[Workload]
    jobs: list[Workload]
    pools: list[Pool]
    hold: PinnedDevices | None
    refusals: list[Refusal]
    ways: Annotated[
        list[Refusal], Field(description="Updates that interrupt nobody, in place of this one.")
    ]
    resources: Annotated[
        list[Resource] | None, Field(description="Null where only plans are compared.")
    ]
    price: Price | None
    findings: Findings
    rollouts: Annotated[
        list[Rollout],
        Field(
            description="Of each model that restarts, also where only what it stands on changes."
        ),
    ]
    running: NotRequired[
        Annotated[Running, Field(description="With --running: what runs where it is not BASE.")]
    ]
