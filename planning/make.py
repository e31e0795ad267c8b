"""The plan: every decision, taken from the stack file and the catalog alone."""

from collections.abc import Mapping
from dataclasses import replace

from catalog import Catalog, InstanceType
from config import (
    AutoScalingCapacity,
    ExistingNetworkEntry,
    ManagedInstancesCapacity,
    OwnNetworkEntry,
    Settings,
)
from messages.finding import Finding, Refused, Severity
from planning import addresses, choices, containers, identity, layout, names, plan, waiting
from planning.addresses import zones_with_blocks
from planning.images import resolved
from planning.rules import RULES
from planning.situation import RegionalPool, RegionalWorkload, Situation


def make_plan(
    settings: Settings, catalog: Catalog, *, project: str, stack: str, home_region: str
) -> plan.Plan:
    """The plan for the stack, with its warnings and notes.

    Raises `Refused` with all findings where any of them is an error.
    """
    situation = Situation(settings, catalog, project=project, stack=stack, home_region=home_region)
    findings = judge(situation)
    if any(f.severity is Severity.ERROR for f in findings):
        raise Refused(findings)
    told = tuple(f for f in findings if f.code not in settings.silence)
    return _Maker(situation, told).whole()


def judge(situation: Situation) -> tuple[Finding, ...]:
    """What all rules have to say, errors first, sorted by path."""
    found = {f: None for rule in RULES for f in rule.findings(situation)}
    return tuple(sorted(found, key=lambda f: f.sort_key))


class _Maker:
    """Turns a situation without errors into the plan, Region by Region."""

    def __init__(self, situation: Situation, findings: tuple[Finding, ...]) -> None:
        self.s = situation
        self.catalog = situation.catalog
        self.findings = findings
        self.families: dict[str, list[tuple[str, str]]] = {}
        self.waits = {(j.region, j.name): wait.words for j, wait in waiting.jobs(situation)}

    def whole(self) -> plan.Plan:
        s = self.s
        regions = tuple(self._region(name) for name in s.regions)
        return plan.Plan(
            project=s.project,
            stack=s.stack,
            home_region=s.home_region,
            tags=tuple(sorted(s.settings.tags.items())),
            wait_for_steady_state=s.settings.wait_for_steady_state,
            regions=regions,
            roles=identity.roles(s, self.families),
            findings=self.findings,
            silenced=tuple(sorted(s.settings.silence.items())),
        )

    # -- Regions -------------------------------------------------------------------------------

    def _region(self, name: str) -> plan.RegionPlan:
        s, region = self.s, self.catalog.regions[name]
        here = [p for (r, _), p in s.pools.items() if r == name]
        layouts = {p.name: self._layout(p) for p in here}
        models = tuple(
            self._model(w, layouts[w.pool.name])
            for w in s.work
            if w.region == name and not w.is_job
        )
        jobs = tuple(self._job(w) for w in s.work if w.region == name and w.is_job)
        network = self._network(name, here)
        serving = [w for w in s.work if w.region == name and not w.is_job and w.spec.served_ports]
        return plan.RegionPlan(
            name=name,
            short=region.short,
            partition=region.partition,
            dns_suffix=region.dns_suffix,
            network=network,
            auto_scaling=self._auto_scaling(region.short, here, layouts),
            managed_instances=self._managed_instances(region.short, here, layouts),
            models=models,
            jobs=jobs,
            load_balancer=self._load_balancer(name, network) if serving else None,
            task_ports=tuple(
                sorted({w.spec.served_ports[0] for w in serving if w.network_mode == "awsvpc"})
            ),
            awsvpc=any(w.region == name and w.network_mode == "awsvpc" for w in s.work),
        )

    def _network(self, region: str, pools: list[RegionalPool]) -> plan.Network:
        s, short = self.s, self.catalog.regions[region].short
        key = names.key(short, "network")
        spec = s.regions[region].network
        if isinstance(spec, ExistingNetworkEntry):
            return plan.GivenNetwork(key, spec.vpc_id, tuple(sorted(spec.private_subnets.items())))
        used = zones_with_blocks(tuple(sorted({z for p in pools for z in p.zone_ids})))
        others = [z for z in zones_with_blocks(s.network_zones(region)) if z not in used]
        zones = tuple(sorted([*used, *others[: max(0, 2 - len(used))]]))
        cidr = spec.cidr or addresses.default_cidr(self.catalog.own_network_number(region))
        nat = {"one": zones[:1], "per_zone": zones, "none": ()}[spec.nat]
        return plan.OwnNetwork(
            key=key,
            cidr=cidr,
            zones=tuple(addresses.zone_subnets(cidr, z) for z in zones),
            nat_zone_ids=nat,
            gateway_endpoints=(self._endpoint(region, "s3"),),
            interface_endpoints=() if nat else self._interface_endpoints(region),
        )

    def _endpoint(self, region: str, service: str) -> str:
        prefix = (
            "cn.com.amazonaws"
            if self.catalog.regions[region].partition == "aws-cn"
            else "com.amazonaws"
        )
        return f"{prefix}.{region}.{service}"

    def _interface_endpoints(self, region: str) -> tuple[str, ...]:
        """What instances and tasks call where no NAT gateway leads outside."""
        works = [w for w in self.s.work if w.region == region]
        references = [r for w in works for r in w.spec.secrets.values()]
        needs = {"instances", "images", "logs", "host_access"}
        if any(":secretsmanager:" in r for r in references):
            needs.add("secrets")
        if any(":secretsmanager:" not in r for r in references):
            needs.add("parameters")
        if any(w.spec.exec for w in works):
            needs.add("exec")
        services = {e.service for e in self.catalog.interface_endpoints() if e.needed_for in needs}
        return tuple(self._endpoint(region, s) for s in sorted(services))

    def _load_balancer(self, region: str, network: plan.Network) -> plan.LoadBalancer:
        short = self.catalog.regions[region].short
        traffic = self.s.settings.traffic
        allowed = traffic.allow_from
        callers = allowed.get(region, ()) if isinstance(allowed, dict) else allowed
        match network:
            case plan.OwnNetwork(cidr=cidr, zones=zones):
                zone_ids = tuple(z.zone_id for z in zones)
                callers = callers or (cidr,)
            case plan.GivenNetwork(private_subnets=subnets):
                zone_ids = tuple(z for z, _ in subnets)
        return plan.LoadBalancer(
            key=names.key(short, "traffic"),
            name_key=names.autonamed(
                f"{short}-{self.s.stack}".replace("_", "-").replace(".", "-"),
                self.catalog.limit("load_balancer_name_max"),
            ),
            certificate_arn=traffic.certificate_arns.get(region),
            allow_cidrs=tuple(sorted(c for c in callers if not c.startswith("sg-"))),
            allow_security_groups=tuple(sorted(c for c in callers if c.startswith("sg-"))),
            idle_timeout_seconds=choices.IDLE_TIMEOUT_SECONDS,
            zone_ids=zone_ids,
        )

    # -- capacity ------------------------------------------------------------------------------

    def _auto_scaling(
        self, short: str, pools: list[RegionalPool], layouts: Mapping[str, plan.Layout]
    ) -> plan.AutoScalingCluster | None:
        mine = tuple(
            self._auto_scaling_pool(p, p.spec, layouts[p.name])
            for p in pools
            if isinstance(p.spec, AutoScalingCapacity)
        )
        if not mine:
            return None
        return plan.AutoScalingCluster(
            key=names.key(short, "auto-scaling"),
            pools=mine,
            instance_role=choices.INSTANCE_ROLE,
            serving_ports=self._serving_ports([p for p in pools if not p.managed]),
        )

    def _managed_instances(
        self, short: str, pools: list[RegionalPool], layouts: Mapping[str, plan.Layout]
    ) -> plan.ManagedInstancesCluster | None:
        mine = tuple(
            self._managed_pool(p, p.spec, layouts[p.name])
            for p in pools
            if isinstance(p.spec, ManagedInstancesCapacity)
        )
        if not mine:
            return None
        return plan.ManagedInstancesCluster(
            key=names.key(short, "managed-instances"),
            pools=mine,
            instance_role=choices.MANAGED_INSTANCE_ROLE,
            infrastructure_role=choices.INFRASTRUCTURE_ROLE,
            serving_ports=self._serving_ports([p for p in pools if p.managed]),
        )

    def _serving_ports(self, pools: list[RegionalPool]) -> tuple[tuple[int, int], ...]:
        """Host ports on which the load balancer reaches tasks: Docker chooses behind the bridge."""
        found: set[tuple[int, int]] = set()
        for pool in pools:
            for work in self.s.work_on(pool):
                if work.is_job or not work.spec.served_ports:
                    continue
                match work.network_mode:
                    case "bridge":
                        first = self.catalog.limit("ephemeral_port_first")
                        found.add((first, choices.EPHEMERAL_LAST))
                    case "host":
                        found.add((work.spec.served_ports[0], work.spec.served_ports[0]))
                    case "awsvpc":
                        pass
        return tuple(sorted(found))

    def _pool_key(self, pool: RegionalPool) -> str:
        """The key that provider, group and services on it carry: pool, type, purchase, and EFA,
        whose security group and placement group running instances never leave."""
        efa = isinstance(pool.spec, AutoScalingCapacity) and pool.spec.efa
        kind = pool.spec.instance_type if isinstance(pool.spec, AutoScalingCapacity) else ""
        if isinstance(pool.spec, ManagedInstancesCapacity):
            patterns = pool.spec.allowed_instance_types
            kind = patterns[0] if len(patterns) == 1 and "*" not in patterns[0] else "mixed"
        short = self.catalog.regions[pool.region].short
        purchase = pool.purchase.replace("_", "-")
        return names.key(short, pool.name, kind, purchase, "efa" if efa else "")

    def _auto_scaling_pool(
        self, pool: RegionalPool, spec: AutoScalingCapacity, placed: plan.Layout
    ) -> plan.AutoScalingPool:
        kind = self.catalog.instance_types[spec.instance_type]
        family = self.catalog.ami_family(
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
                purchase = plan.CapacityReservation(reservation)
            case "capacity_block":
                purchase = plan.CapacityBlock(reservation)
            case _:
                purchase = plan.OnDemand()
        return plan.AutoScalingPool(
            key=self._pool_key(pool),
            name=pool.name,
            instance_type=kind.name,
            purchase=purchase,
            min_size=spec.min_size,
            max_size=pool.max_size,
            image_id=f"resolve:ssm:{family.parameter_path}/{spec.ami.version}/image_id",
            root_device=family.root_device,
            root_volume_gib=spec.root_volume_gib or choices.ROOT_VOLUME_GIB,
            metadata_hop_limit=choices.METADATA_HOP_LIMIT,
            agent_config=(("ECS_AWSVPC_BLOCK_IMDS", "true"),),
            zone_ids=pool.zone_ids[:1] if spec.efa else self._pool_zones(pool),
            network_interfaces=self._interfaces(kind) if spec.efa else (),
            placement_group=spec.efa,
            maximum_scaling_step=min(choices.SCALING_STEP, pool.max_size),
            managed_scaling=True,
            layout=placed,
            retired=spec.retired,
        )

    def _pool_zones(self, pool: RegionalPool) -> tuple[str, ...]:
        if isinstance(self.s.regions[pool.region].network, OwnNetworkEntry):
            return zones_with_blocks(pool.zone_ids)
        return pool.zone_ids

    def _interfaces(self, kind: InstanceType) -> tuple[plan.NetworkInterface, ...]:
        """One EFA interface on each network card: device 0 on the first card, else device 1
        (https://awsdocs-neuron.readthedocs-hosted.com/en/latest/frameworks/torch/torch-neuronx/setup-trn1-multi-node-execution.html)."""
        number = kind.neuron.efa_interfaces if kind.neuron else 0
        return tuple(
            plan.NetworkInterface(card, 0 if card == 0 else 1, "efa") for card in range(number)
        )

    def _managed_pool(
        self, pool: RegionalPool, spec: ManagedInstancesCapacity, placed: plan.Layout
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
            key=self._pool_key(pool),
            name=pool.name,
            allowed_instance_types=tuple(sorted(set(spec.allowed_instance_types))),
            instance_types=tuple(t.name for t in pool.types),
            purchase=purchase,
            storage_gib=None if spec.local_storage else spec.storage_gib or choices.STORAGE_GIB,
            local_storage=spec.local_storage,
            scale_in_after_seconds=spec.scale_in_after_seconds,
            zone_ids=self._pool_zones(pool),
            layout=placed,
            retired=spec.retired,
        )

    def _layout(self, pool: RegionalPool) -> plan.Layout:
        works = self.s.work_on(pool)
        models = [w for w in works if not w.is_job]
        kind = pool.type
        if any(w.managed_devices for w in works):
            total = kind.neuron.devices if kind and kind.neuron else 0
            everything = tuple(range(total))
            shares = tuple(
                plan.Assignment(w.name, everything, w.replicas.min, w.tasks_max, w.is_job)
                for w in works
            )
            slots = (plan.Slot(everything, shares),) if total else ()
            return plan.Layout(
                total,
                slots,
                sum(w.replicas.min for w in models),
                sum(w.tasks_max for w in models),
                tuple(share for share in shares if share.is_job),
            )
        if kind is None or kind.neuron is None:
            return plan.Layout(
                0,
                (),
                self.s.packed_in_any_order(pool, [(w, w.replicas.min) for w in models]),
                self.s.packed_in_any_order(pool, [(w, w.tasks_max) for w in models]),
            )
        return self._cut(pool, kind, works)

    def _cut(
        self, pool: RegionalPool, kind: InstanceType, works: tuple[RegionalWorkload, ...]
    ) -> plan.Layout:
        cut = self.s.cut(pool)
        assert cut is not None
        assert kind.neuron is not None
        least: dict[tuple[str, int], int] = {}
        for work in works:
            if work.is_job:
                continue
            spots = [
                (index, deal.tasks)
                for index, deals in enumerate(cut.deals)
                for deal in deals
                if deal.name == f"m:{work.name}"
            ]
            shares = layout.share_evenly(work.replicas.min, [tasks for _, tasks in spots])
            for (index, _), share in zip(spots, shares, strict=True):
                least[f"m:{work.name}", index] = share
        slots = tuple(
            plan.Slot(
                devices,
                tuple(
                    plan.Assignment(
                        d.name[2:],
                        d.devices,
                        least.get((d.name, index), 0),
                        d.tasks,
                        d.name.startswith("j:"),
                    )
                    for d in deals
                ),
            )
            for index, (devices, deals) in enumerate(zip(cut.slots, cut.deals, strict=True))
        )
        return plan.Layout(
            kind.neuron.devices,
            slots,
            max((slot.tasks_min for slot in slots), default=0),
            max((slot.tasks_max for slot in slots), default=0),
            tuple(
                plan.Assignment(w.name, waiting.job_devices(w, cut), 0, 0, is_job=True)
                for w in works
                if w.is_job and w.device_count
            ),
        )

    # -- workloads -----------------------------------------------------------------------------

    def _log_group(self, work: RegionalWorkload) -> plan.LogGroup:
        kind = "jobs" if work.is_job else "models"
        name = f"/{self.s.project}/{self.s.stack}/{kind}/{work.name}"
        return plan.LogGroup(
            names.key(self._short(work), kind, work.name, "logs"),
            name,
            work.spec.log_retention_days,
        )

    def _short(self, work: RegionalWorkload) -> str:
        return self.catalog.regions[work.region].short

    def _task_definition(
        self, work: RegionalWorkload, devices: tuple[int, ...], slot: str
    ) -> plan.TaskDefinition:
        s, kind = self.s, work.pool.smallest
        size = s.task_size(work)
        assert kind is not None
        assert size is not None
        pool_key = self._pool_key(work.pool)
        job = "job" if work.is_job else ""
        key = names.key(self._short(work), job, work.name, slot, pool_key.split("_", 1)[1])
        family = names.fitted(
            names.key(s.project, s.stack, job, work.name, slot, work.pool.name),
            self.catalog.limit("task_family_max"),
        )
        spec = work.pool.spec
        whole = kind.neuron is not None and len(devices) == kind.neuron.devices
        efa = isinstance(spec, AutoScalingCapacity) and spec.efa and whole
        interfaces = kind.neuron.efa_interfaces if efa and kind.neuron else 0
        named = () if work.managed_devices else devices
        # above 10 vCPU AWS's pages disagree on a task-level size; the containers carry it then
        contested = self.catalog.limit("managed_instances_task_cpu_max_units")
        task_level = not work.pool.managed or size.cpu_units <= contested
        if task_level and size.cpu_units < self.catalog.limit("task_cpu_min"):
            task_level = False
        return plan.TaskDefinition(
            key=key,
            family=family,
            compatibility="MANAGED_INSTANCES" if work.pool.managed else "EC2",
            network_mode=work.network_mode,
            cpu=size.cpu_units if task_level else None,
            memory=size.memory_mib if task_level else None,
            member_of=self._member_of(work),
            container_definitions=containers.definitions(
                work,
                self.catalog,
                size=size,
                devices=named,
                log_group=self._log_group(work).name,
                efa_devices=interfaces,
            ),
            task_role=self._role(identity.task_role(work)),
            execution_role=self._role(identity.execution_role(work)),
            devices="all" if work.managed_devices else devices,
            image=resolved(work.spec.image, work.region, self.catalog),
        )

    def _role(self, key: str) -> str:
        return names.autonamed(key, self.catalog.limit("role_name_max"))

    def _member_of(self, work: RegionalWorkload) -> tuple[str, ...]:
        """Named devices belong to one instance type; the expressions of AWS's own example."""
        kind = work.pool.type
        if work.managed_devices or kind is None or (work.pool.managed and not work.device_count):
            return ()
        return (
            "attribute:ecs.os-type == linux",
            f"attribute:ecs.instance-type == {kind.name}",
        )

    def _model(self, work: RegionalWorkload, placed: plan.Layout) -> plan.ModelPlan:
        short, ports = self._short(work), work.spec.served_ports
        spots: list[tuple[tuple[int, ...], int, int]] = [
            (share.devices, share.tasks_min, share.tasks_max)
            for slot in (() if work.managed_devices else placed.slots)
            for share in slot.shares
            if share.workload == work.name and not share.is_job
        ] or [((), work.replicas.min, work.tasks_max)]
        # A service is named by its number and not by its devices: devices that move are then a
        # rollout of the service that is there, which stops its old task, and not a new service
        # that waits for chips that the old one holds until the end of the update.
        services = [
            self._service(work, placed, devices, str(number), least, most)
            for number, (devices, least, most) in enumerate(sorted(spots), start=1)
        ]
        return plan.ModelPlan(
            name=work.name,
            key=names.key(short, work.name),
            pool=self._pool_key(work.pool),
            network_mode=work.network_mode,
            log_group=self._log_group(work),
            target_group=self._target_group(work) if ports else None,
            services=self._in_two_waves(services),
            replicas_min=work.replicas.min,
            replicas_max=work.tasks_max,
        )

    def _in_two_waves(self, services: list[plan.Service]) -> tuple[plan.Service, ...]:
        """Services that stop before they start would take the whole model down together: the second
        half waits until the first is steady."""
        stopping = all(service.minimum_healthy_percent == 0 for service in services)
        if len(services) < 2 or not stopping:
            return tuple(services)
        half = (len(services) + 1) // 2
        first = tuple(service.key for service in services[:half])
        return (*services[:half], *(replace(service, after=first) for service in services[half:]))

    def _service(
        self,
        work: RegionalWorkload,
        placed: plan.Layout,
        devices: tuple[int, ...],
        slot: str,
        least: int,
        most: int,
    ) -> plan.Service:
        task = self._task_definition(work, devices, slot)
        low, high = self._percentages(work.pool, placed, devices, least)
        ports = work.spec.served_ports
        check = work.spec.health_check
        grace = check.grace_seconds if check else choices.GRACE_SECONDS
        return plan.Service(
            key=task.key,
            pool=self._pool_key(work.pool),
            task_definition=task,
            desired_count=least,
            scaling=plan.Scaling(names.key(task.key, "scaling"), least, most)
            if least < most
            else None,
            minimum_healthy_percent=low,
            maximum_percent=high,
            distinct_instance=bool(devices) and work.network_mode == "awsvpc",
            pack=not work.pool.managed,
            grace_seconds=grace if ports else None,
            container_name=work.name,
            container_port=ports[0] if ports else None,
            exec=work.spec.exec,
            timeouts=self._timeouts(work, most, low, high, grace),
            after=(),
        )

    def _percentages(
        self, pool: RegionalPool, placed: plan.Layout, devices: tuple[int, ...], desired: int
    ) -> tuple[int, int]:
        """Minimum and maximum percent with which every desired count from `desired` up can roll.

        With room for one more task the new one starts first. Without it the old one must stop
        first: ECS rounds the minimum up, so of d tasks floor(100 (d - 1) / d) lets one go
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html).
        """
        if pool.max_size is None:
            surges = pool.purchase != "reserved"
        elif devices:
            holders = [s.tasks_max for s in placed.slots if set(s.devices) & set(devices)]
            surges = max(holders, default=0) < pool.max_size
        else:
            surges = placed.instances_max < pool.max_size
        if surges:
            return 100, 200
        return (100 * (desired - 1) // desired if desired >= 2 else 0), 100

    def _timeouts(
        self, work: RegionalWorkload, most: int, low: int, high: int, grace: int
    ) -> plan.Timeouts:
        """A wave is boot, pull and load; an update without room has as many as the tasks need."""
        wave = choices.BOOT_MINUTES + choices.PULL_MINUTES + -(-grace // 60)
        stop = work.spec.stop_timeout_seconds
        stopping = -(-(choices.STOP_TIMEOUT_SECONDS if stop is None else stop) // 60)
        ending = stopping + -(-choices.DEREGISTRATION_DELAY_SECONDS // 60)
        at_once = most if high > 100 else max(1, most - -(-most * low // 100))
        waves = -(-most // max(at_once, 1))
        return plan.Timeouts(
            create_minutes=min(choices.MOST_MINUTES, wave + choices.BOOT_MINUTES),
            update_minutes=min(
                choices.MOST_MINUTES, waves * (wave + ending) + choices.BOOT_MINUTES
            ),
            delete_minutes=min(choices.MOST_MINUTES, ending + 2 * choices.BOOT_MINUTES),
        )

    def _target_group(self, work: RegionalWorkload) -> plan.TargetGroup:
        check = work.spec.health_check
        key = names.autonamed(
            f"{self._short(work)}-{work.name}", self.catalog.limit("target_group_name_max")
        )
        return plan.TargetGroup(
            key=key,
            target_type="ip" if work.network_mode == "awsvpc" or work.pool.managed else "instance",
            port=work.spec.served_ports[0],
            health_path=check.path if check else "/health",
            health_interval_seconds=check.interval_seconds if check else 15,
            health_timeout_seconds=check.timeout_seconds if check else 5,
            unhealthy_threshold=check.retries if check else choices.UNHEALTHY_THRESHOLD,
            deregistration_delay_seconds=choices.DEREGISTRATION_DELAY_SECONDS,
            rule_key=names.key(self._short(work), work.name, "path"),
            priority=None,
            path_prefix=f"/{work.name}",
        )

    def _job(self, work: RegionalWorkload) -> plan.JobPlan:
        s = self.s
        cut = s.cut(work.pool)
        devices: tuple[int, ...] = ()
        if work.device_count and not work.managed_devices and cut is not None:
            devices = waiting.job_devices(work, cut)
        task = self._task_definition(work, devices, "")
        schedule = None
        spec = work.spec
        requested = getattr(spec, "schedule", None)
        if requested is not None:
            self.families.setdefault(work.path, []).append((work.region, task.family))
            schedule = plan.Schedule(
                key=names.autonamed(
                    names.key(self._short(work), work.name, "schedule"),
                    self.catalog.limit("schedule_name_max"),
                ),
                expression=requested.expression,
                timezone=requested.timezone,
                role=self._role(identity.scheduler_role(work)),
            )
        return plan.JobPlan(
            name=work.name,
            key=names.key(self._short(work), "job", work.name),
            pool=self._pool_key(work.pool),
            log_group=self._log_group(work),
            task_definition=task,
            member_of=task.member_of,
            schedule=schedule,
            waits=self.waits.get((work.region, work.name), ""),
        )
