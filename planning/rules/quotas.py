"""What an account must have before the first deployment: quotas and service-linked roles."""

from collections.abc import Iterator

from catalog import InstanceType
from messages.finding import Severity
from messages.phrases import listed
from planning.entries import RegionalPool
from planning.rules.rule import Report, rule
from planning.situation import Situation

_BLOCKS = ("capacity_block", "reserved")  # bought capacity counts when it is bought


@rule(
    "NE721",
    "Pool counts against an EC2 quota",
    Severity.NOTE,
    "EC2 counts running instances in vCPU for each Region and account. A new account can have a "
    "quota of 0 for accelerated instances.",
    do="Compare the quota with what the pools need, and request an increase in Service Quotas.",
    table="instance_quotas",
)
def vcpu_quotas(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html and
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html"""
    needs: dict[tuple[str, str], dict[str, int]] = {}
    pools: dict[tuple[str, str], list[str]] = {}
    types: dict[tuple[str, str], str] = {}
    for (region, name), pool in s.pools.items():
        bought = pool.purchase in _BLOCKS and not pool.falls_back
        most = 0 if bought else _instances(s, pool)
        purchase = "spot" if pool.purchase == "spot" else "on_demand"
        largest: dict[tuple[str, str], InstanceType] = {}  # of each quota
        for kind in sorted(s.admitted(pool), key=lambda t: t.vcpus) if most else ():
            if quota := s.catalog.instances.quota(kind.name, purchase):
                largest[quota.name, quota.code] = kind
        for where, kind in largest.items():
            types.setdefault(where, kind.name)
            here = needs.setdefault(where, {})
            here[region] = here.get(region, 0) + most * kind.vcpus
            if name not in pools.setdefault(where, []):
                pools[where].append(name)
    for (name, code), here in needs.items():
        first, *rest = pools[name, code]
        also = f", {listed(rest)} included" if rest else ""
        regions: dict[int, list[str]] = {}
        for region, vcpus in here.items():
            regions.setdefault(vcpus, []).append(region)
        counts = listed([f"{vcpus} vCPU in {listed(names)}" for vcpus, names in regions.items()])
        yield Report(
            f"capacity.{first}",
            f'runs {types[name, code]}: up to {counts} of the quota "{name}"{also}',
            f"request more in Service Quotas (service ec2, quota {code}), if the account has less",
        )


def _instances(s: Situation, pool: RegionalPool) -> int:
    """The instances that a pool has at most; twice those of tasks that start before others end."""
    if pool.max_size is not None:
        return pool.max_size
    layout = s.layout(pool)
    if layout is None:
        return 0
    whole = any(w.managed_devices and not w.is_job for w in s.work_on(pool))
    jobs = sum(1 for w in s.work_on(pool) if w.is_job)
    return layout.instances_max * (2 if whole else 1) or min(jobs, 1)


@rule(
    "NE722",
    "Spot needs a service-linked role",
    Severity.NOTE,
    "EC2 launches Spot Instances with the role AWSServiceRoleForEC2Spot. The console creates it; "
    "with the API it must exist before the first request.",
    do="Create the role once in each account.",
)
def spot_role(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html"""
    pools = list(dict.fromkeys(p.name for p in s.pools.values() if p.purchase == "spot"))
    if pools:
        also = f", as {listed(pools[1:])}" if pools[1:] else ""
        yield Report(
            f"capacity.{pools[0]}.purchase",
            f"is spot{also}, which needs AWSServiceRoleForEC2Spot in the account",
            "run `aws iam create-service-linked-role --aws-service-name spot.amazonaws.com` once, "
            "if the account never had a Spot Instance",
        )


RULES = (vcpu_quotas, spot_role)
