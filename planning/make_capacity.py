"""Capacity of a plan: clusters, pools and the layout of their instances."""

from collections.abc import Iterator

from catalog import InstanceType
from config import AutoScalingCapacity, Block, ManagedInstancesCapacity
from planning import (
    audit,
    blocks,
    choices,
    identity,
    managed_types,
    names,
    permissions,
    plan,
    volumes,
)
from planning.entries import RegionalPool
from planning.reached import instance_ports, leaving_seconds
from planning.situation import Situation


def auto_scaling_cluster(
    s: Situation, short: str, pools: list[RegionalPool]
) -> plan.AutoScalingCluster | None:
    """Returns the cluster of a Region's Auto Scaling pools; `None` without such pools."""
    mine = tuple(
        _auto_scaling_pool(s, p, p.spec) for p in pools if isinstance(p.spec, AutoScalingCapacity)
    )
    if not mine:
        return None
    return plan.AutoScalingCluster(
        key=names.key(short, "auto-scaling"),
        pools=mine,
        serving_ports=_serving_ports(s, [p for p in pools if not p.managed]),
        agent=permissions.agent(),
        exec_logs=audit.exec_logs(s, short, [p for p in pools if not p.managed]),
    )


def managed_instances_cluster(
    s: Situation, short: str, pools: list[RegionalPool]
) -> plan.ManagedInstancesCluster | None:
    """Returns the cluster of a Region's Managed Instances pools; `None` without such pools."""
    mine = tuple(
        _managed_pool(s, p, p.spec) for p in pools if isinstance(p.spec, ManagedInstancesCapacity)
    )
    if not mine:
        return None
    return plan.ManagedInstancesCluster(
        key=names.key(short, "managed-instances"),
        pools=mine,
        instance_role=choices.MANAGED_INSTANCE_ROLE,
        infrastructure_role=choices.INFRASTRUCTURE_ROLE,
        serving_ports=_serving_ports(s, [p for p in pools if p.managed]),
        exec_logs=audit.exec_logs(s, short, [p for p in pools if p.managed]),
    )


def _serving_ports(s: Situation, pools: list[RegionalPool]) -> tuple[tuple[int, int], ...]:
    """Returns the host ports on which the load balancer reaches tasks, as ranges."""
    works = (work for pool in pools for work in s.work_on(pool))
    return tuple(sorted({ports for work in works for ports in instance_ports(s, work)}))


def pool_key(s: Situation, pool: RegionalPool) -> str:
    """Returns the key of a pool, which its provider, its group and its services carry.

    It names pool, instance type, purchase, EFA and Session Manager: a change of any of them makes a
    new pool. Instances that run cannot leave their role, or the security group and placement group
    of EFA.
    """
    efa = shell = ""
    match pool.spec:
        case AutoScalingCapacity() as spec:
            kind = spec.instance_type
            efa = "efa" if spec.efa else ""
            shell = "session-manager" if spec.session_manager else ""
        case ManagedInstancesCapacity() as spec:
            patterns = spec.allowed_instance_types
            kind = patterns[0] if len(patterns) == 1 and "*" not in patterns[0] else "mixed"
    short = s.catalog.places.regions[pool.region].short
    purchase = pool.purchase.replace("_", "-")
    return names.key(short, pool.name, kind, purchase, efa, shell)


def _auto_scaling_pool(
    s: Situation, pool: RegionalPool, spec: AutoScalingCapacity
) -> plan.AutoScalingPool:
    kind = s.catalog.instances.types[spec.instance_type]
    family = s.catalog.amis.family(
        spec.ami.family, neuron=kind.neuron is not None, architecture=kind.architecture
    )
    assert family is not None
    assert pool.max_size is not None
    reservation = pool.reservation or ""
    purchase: plan.OnDemand | plan.Spot | plan.CapacityReservation | plan.CapacityBlock
    match pool.purchase:
        case "spot":
            purchase = plan.Spot()
        case "capacity_reservation":
            purchase = plan.CapacityReservation(reservation, pool.falls_back)
        case "capacity_block":
            purchase = plan.CapacityBlock(reservation)
        case _:
            purchase = plan.OnDemand()
    key, hours = pool_key(s, pool), blocks.hours(pool.blocks, block_early_minutes(s, pool))
    return plan.AutoScalingPool(
        key=key,
        name=pool.name,
        instance_type=kind.name,
        purchase=purchase,
        min_size=spec.min_size,
        max_size=pool.max_size,
        image_id=f"resolve:ssm:{family.parameter_path}/{spec.ami.version}/image_id",
        root_device=family.root_device,
        root_volume_gib=volumes.disk_gib(s, pool),
        kms_key=audit.kms_key(s, pool.region),
        metadata_hop_limit=choices.METADATA_HOP_LIMIT,
        agent_config=(("ECS_AWSVPC_BLOCK_IMDS", "true"),),
        zone_ids=volumes.pool_zones(s, pool),
        network_interfaces=_interfaces(kind) if spec.efa else (),
        # Capacity Blocks take none: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/cr-groups-launch.html
        placement_group=spec.efa and pool.purchase != "capacity_block",
        maximum_scaling_step=min(choices.SCALING_STEP, pool.max_size),
        managed_scaling=not hours,  # nothing else may move a group with a schedule of its own
        layout=_layout(s, pool),
        retired=spec.retired,
        instance_role=identity.logical_name(s, identity.instance_role(pool)),
        headroom=spec.headroom,
        target_capacity=target_capacity(pool.max_size, spec.headroom),
        metrics=choices.GROUP_METRICS if s.settings.dashboards else (),
        blocks=hours,
        sizes=blocks.sizes(key, hours, pool.max_size),
    )


def written_blocks(s: Situation, name: str) -> Iterator[tuple[str, str, Block]]:
    """Yields the path, the Region and the entry of each Capacity Block of a pool."""
    spec = s.settings.capacity[name]
    for region, override in s.pool_regions(name).items():
        shared = spec.blocks if isinstance(spec, AutoScalingCapacity) else ()
        place = f"capacity.{name}" + (f".regions.{region}" if override.blocks else "")
        for at, block in enumerate(override.blocks or shared):
            yield f"{place}.blocks[{at}]", region, block


def block_early_minutes(s: Situation, pool: RegionalPool) -> int:
    """Returns how long before the end of a Capacity Block its tasks are drained."""
    closed = s.catalog.limits.value("capacity_block_ends_early_minutes")
    leaving = max((leaving_seconds(s, w) + w.stop_seconds for w in s.work_on(pool)), default=0)
    return blocks.early_minutes(closed, leaving)


def target_capacity(max_size: int, headroom: int) -> int:
    """Returns the percentage of instances with tasks that managed scaling keeps.

    It runs the fewest instances of which those with tasks are at most so many percent, so that one
    stays idle at each number of them below the maximum size
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html).
    """
    return choices.TARGET_CAPACITY_PERCENT * (max_size - headroom) // max_size


def _interfaces(kind: InstanceType) -> tuple[plan.NetworkInterface, ...]:
    """Returns an EFA interface for each network card: device 0 on the first card, else device 1
    (https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/frameworks/torch/torch-neuronx/setup-trn1-multi-node-execution.html)."""
    assert kind.neuron is not None  # NE308 refuses EFA on other types
    cards = range(kind.neuron.efa_interfaces)
    return tuple(plan.NetworkInterface(card, 0 if card == 0 else 1, "efa") for card in cards)


def _managed_pool(
    s: Situation, pool: RegionalPool, spec: ManagedInstancesCapacity
) -> plan.ManagedInstancesPool:
    purchase: plan.OnDemand | plan.Spot | plan.ReservationGroup
    match pool.purchase:
        case "spot":
            purchase = plan.Spot()
        case "reserved":
            purchase = plan.ReservationGroup(pool.reservation or "")
        case _:
            purchase = plan.OnDemand()
    return plan.ManagedInstancesPool(
        key=pool_key(s, pool),
        name=pool.name,
        allowed_instance_types=_allowed(s, pool, spec),
        instance_types=tuple(t.name for t in s.admitted(pool)),
        purchase=purchase,
        storage_gib=None if spec.local_storage else volumes.disk_gib(s, pool),
        local_storage=spec.local_storage,
        scale_in_after_seconds=spec.scale_in_after_seconds,
        zone_ids=volumes.pool_zones(s, pool),
        layout=_layout(s, pool),
        retired=spec.retired,
    )


def _allowed(s: Situation, pool: RegionalPool, spec: ManagedInstancesCapacity) -> tuple[str, ...]:
    """Returns what the capacity provider allows: types and patterns as written, or the exact types
    of the named accelerators, whose names API_InstanceRequirementsRequest does not have."""
    if managed_types.accelerators(spec, s.catalog):
        return tuple(sorted(t.name for t in pool.types))
    return tuple(sorted(set(spec.allowed_instance_types)))


def _layout(s: Situation, pool: RegionalPool) -> plan.Layout:
    placed = s.layout(pool)
    assert placed is not None  # rules refuse pools whose devices are not `sound`
    return placed
