"""How many resources a stack has, of which types and why.

    python -m tests.bench.counts GRAPH

`GRAPH` is a graph that `tests.bench.capture` wrote. The steps from one small stack to the next show
what a Region, a pool, a model, a replica or a job costs.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from neuron_ecs.recording.engine import record
from neuron_ecs.recording.graph import Recording, short_type
from neuron_ecs.recording.program import PROGRAM

PROJECT = "neuron-ecs"

REASONS: Mapping[str, str] = {
    "appautoscaling.Target": "a service's least and most replicas, only where they differ",
    "autoscaling.Group": "the instances of a pool",
    "cloudwatch.LogGroup": "the logs of a model or job, with a retention",
    "ec2.DefaultSecurityGroup": "adopts the default group of a network of ours: without any rule",
    "ec2.Eip": "the address of a NAT gateway",
    "ec2.InternetGateway": "the way out of a network of ours, for its NAT gateways",
    "ec2.LaunchTemplate": "what an instance of a pool is made of",
    "ec2.NatGateway": "private subnets reach ECS and image registries; one a network, or a zone",
    "ec2.PlacementGroup": "instances with EFA stand close together",
    "ec2.Route": "a route out: of each private table to NAT, of the public one to the gateway",
    "ec2.RouteTable": "each zone's own, so that it can leave through its own NAT; one public",
    "ec2.RouteTableAssociation": "ties a subnet to its table",
    "ec2.SecurityGroup": "who may reach the load balancer, the instances, the awsvpc tasks",
    "ec2.Subnet": "private in each zone (a load balancer needs two), public where a NAT stands",
    "ec2.Vpc": "the network of a Region that has none",
    "ec2.VpcEndpoint": "S3 without NAT charges: image layers and weights come from there",
    "ecs.CapacityProvider": "a pool, as ECS knows it: it scales the instances to the tasks",
    "ecs.Cluster": "one for each kind of capacity in a Region: the two attach in different ways",
    "ecs.ClusterCapacityProviders": "attaches the Auto Scaling pools to their cluster",
    "ecs.Service": "keeps a model's tasks running on one slot of chips",
    "ecs.TaskDefinition": "the containers of a model or job on one slot: it names the devices",
    "iam.InstanceProfile": "gives instances their role",
    "iam.Role": "a workload's own rights; those of ECS to start it, of instances, of a scheduler",
    "iam.RolePolicy": "exactly the secrets, prefixes or tasks that a role is for",
    "iam.RolePolicyAttachment": "AWS's own policies on a role; an attachment takes one",
    "lb.Listener": "the load balancer's port, with the certificate",
    "lb.ListenerRule": "a model's path",
    "lb.LoadBalancer": "one internal entrance for all models of a Region",
    "lb.TargetGroup": "a model's tasks behind the load balancer, and their health check",
    "scheduler.Schedule": "starts a job",
    "vpc.SecurityGroupEgressRule": "what may go out: a rule is a resource, so that it has a name",
    "vpc.SecurityGroupIngressRule": "who may come in: callers, and the load balancer on ports",
}
"""Why each type is there. A type without a reason is a mistake."""

_INF2 = {"kind": "auto_scaling", "instance_type": "inf2.xlarge", "max_size": 8}
_INF1 = {"kind": "auto_scaling", "instance_type": "inf1.xlarge", "max_size": 8}
_TRN1 = {
    "kind": "managed_instances",
    "allowed_instance_types": ["trn1.2xlarge"],
    "regions": ["us-west-2"],
}


def _model(**more: Any) -> dict[str, Any]:
    image = "111122223333.dkr.ecr.{region}.amazonaws.com/models/one:1.0"
    return {"image": image, "capacity": "inf2", "neuron_devices": 1, "port": 8080, **more}


def _steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Stacks that each add one thing to the one before."""
    stack: dict[str, Any] = {"regions": {"us-west-2": {}}, "capacity": {"inf2": _INF2}}
    yield "a Region, a pool, no model", stack
    stack = {**stack, "models": {"one": _model()}}
    yield "+ the first model", stack
    stack = {**stack, "models": {**stack["models"], "two": _model()}}
    yield "+ a model", stack
    secret = "arn:aws:secretsmanager:{region}:111122223333:secret:token"
    rich = _model(secrets={"TOKEN": secret}, s3_read=["s3://models/three/"])
    stack = {**stack, "models": {**stack["models"], "three": rich}}
    yield "+ a model with a secret and a prefix", stack
    wide = {**stack["models"], "three": {**rich, "replicas": {"min": 1, "max": 2}}}
    stack = {**stack, "models": wide}
    yield "+ replicas that may move", stack
    stack = {**stack, "capacity": {**stack["capacity"], "inf1": _INF1}}
    yield "+ a pool", stack
    stack = {**stack, "capacity": {**stack["capacity"], "trn1": _TRN1}}
    yield "+ the first managed pool", stack
    job: dict[str, Any] = {k: v for k, v in _model().items() if k != "port"}
    stack = {**stack, "jobs": {"night": {**job, "schedule": {"expression": "rate(1 day)"}}}}
    yield "+ a job on a schedule", stack
    yield (
        "+ a Region (Auto Scaling alone)",
        {**stack, "regions": {**stack["regions"], "us-east-2": {}}},
    )


def _recorded(keys: Mapping[str, Any]) -> Recording:
    texts = {f"{PROJECT}:{key}": json.dumps(value) for key, value in keys.items()}
    config = {"aws:region": "us-west-2", **texts}
    return record(PROGRAM, project=PROJECT, stack="bench", config=config)


def _types(resources: Sequence[Mapping[str, Any]]) -> Counter[str]:
    return Counter(short_type(str(r["type"])) for r in resources if r["custom"])


def _table(resources: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each type: the whole, in a Region, for a model in a Region; then the reason."""
    whole = _types(resources)
    regions = {r["inputs"].get("region") for r in resources} - {None}
    kept = "ecs.TaskDefinition"
    models = sum(r["type"].endswith(":components:Model") for r in resources)
    yield (
        f"{whole.total()} resources and {len(resources) - whole.total()} components in "
        f"{len(regions)} Regions with {models} models ({whole[kept]} task definitions, one a slot)"
    )
    yield f"{'':30} {'all':>5} {'a Region':>9} {'a model':>8}"
    for kind, number in sorted(whole.items()):
        why = REASONS.get(kind, "NO REASON IS GIVEN")
        yield f"{kind:30} {number:5} {number / len(regions):9.1f} {number / models:8.2f}  {why}"
    total = whole.total()
    yield f"{'all':30} {total:5} {total / len(regions):9.1f} {total / models:8.2f}"


def _marginal() -> Iterator[tuple[str, Counter[str]]]:
    before: Counter[str] = Counter()
    for what, keys in _steps():
        found = _recorded(keys)
        now = Counter(short_type(r.type) for r in found.resources if r.custom)
        added = Counter({k: now[k] - before[k] for k in now | before if now[k] != before[k]})
        yield what, added
        before = now


def main(arguments: Sequence[str]) -> int:
    """Prints the tables; 1 where a type has no reason."""
    graph = json.loads(Path(arguments[0]).read_text())
    seen = set(_types(graph["resources"]))
    print(*_table(graph["resources"]), sep="\n")
    print("\nwhat one thing more adds")
    for what, added in _marginal():
        seen |= set(added)
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(added.items()))
        print(f"{what:38} {added.total():3}  {kinds}")
    unexplained = sorted(seen - set(REASONS))
    if unexplained:
        print(f"no reason is given for {', '.join(unexplained)}: add a row to REASONS")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
