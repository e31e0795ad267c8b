"""The stack file by Region: each pool and workload in each of its Regions, with its defaults.

Nothing is refused here. An entry that names something unknown is left out: the rule about the
unknown name reports it, and no other rule reports what follows from it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property, partial

from catalog import Catalog, InstanceType
from config import (
    AutoScalingCapacity,
    ExistingNetworkEntry,
    JobEntry,
    ManagedInstancesCapacity,
    ModelEntry,
    ModelOverride,
    PoolOverride,
    RegionEntry,
    Replicas,
    Settings,
    WorkloadOverride,
)
from planning import blocks, layout, managed_types, plan
from planning.addresses import has_blocks
from planning.daemon_kinds import daemon_kinds
from planning.dealing import Demand
from planning.entries import RegionalPool, RegionalWorkload
from planning.lines import Keeping, Line, lines_of
from planning.rooms import (
    NOTHING,
    Room,
    counted_on,
    first_fit,
    registered_by,
    share_of,
    together,
)
from planning.serving.records import Unserved, WrittenOut
from planning.sharing import Supply, Use, blocked_instances, enough_instances
from planning.trial import Trials


def _size(kind: InstanceType) -> tuple[int, int, str]:
    return kind.memory_mib, kind.vcpus, kind.name


class Situation:
    """The stack file against the catalog.

    `written` has the models of `serve` as if written out, as `settings` have them; `unserved` those
    that are left out of `settings`; `amis` the AMI that follows from them for a pool without one;
    `source` has them as the stack file.
    """

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        *,
        project: str,
        stack: str,
        home_region: str,
        written: Mapping[str, WrittenOut] | None = None,
        unserved: tuple[Unserved, ...] = (),
        amis: Mapping[str, str] | None = None,
        source: Settings | None = None,
    ) -> None:
        self.settings = settings
        self.source = settings if source is None else source
        self.catalog = catalog
        self.written = written or {}
        self.unserved = unserved
        self.amis = amis or {}
        self.project = project
        self.stack = stack
        self.home_region = home_region
        self._shares: dict[tuple[str, int, Room], Room] = {}
        self._cuts: dict[tuple[str, str], layout.Cut | None] = {}
        self._layouts: dict[tuple[str, str], plan.Layout | None] = {}
        self._taken: dict[tuple[str, str, bool], tuple[Use, ...]] = {}
        self.trials: Trials | None = None  # while rules judge, outside of a trial

    @cached_property
    def compile_jobs(self) -> Mapping[str, str]:
        """The model of each job that compiles one, by the job's name."""
        ahead = ((out.ahead, name) for name, out in self.written.items() if out.ahead)
        jobs = self.settings.jobs  # one of the stack file may have the name
        return {job.name: name for job, name in ahead if jobs.get(job.name) is job.job}

    def passes(self, edits: Mapping[str, object]) -> bool:
        """Whether the stack file with the values at these paths has no further error."""
        return self.trials is None or self.trials.passes(edits)

    @property
    def unserved_models(self) -> frozenset[str]:
        """The names of the models of `unserved`."""
        return frozenset(self.source.models.keys() - self.settings.models.keys())

    @cached_property
    def regions(self) -> Mapping[str, RegionEntry]:
        """The stack's Regions that the catalog knows, in order of their names."""
        return {
            name: spec
            for name, spec in sorted(self.settings.regions.items())
            if name in self.catalog.places.regions
        }

    def pool_regions(self, name: str) -> Mapping[str, PoolOverride]:
        """Returns the Regions of a pool, as written in the stack file, with their overrides."""
        spec = self.settings.capacity[name]
        match spec.regions:
            case None:
                return {r: PoolOverride() for r in sorted(self.settings.regions)}
            case tuple():
                return {r: PoolOverride() for r in sorted(set(spec.regions))}
            case _:
                return dict(sorted(spec.regions.items()))

    def work_regions(self, spec: ModelEntry | JobEntry) -> Mapping[str, WorkloadOverride]:
        """Returns the Regions of a model or job with their overrides; by default its pool's."""
        match spec.regions:
            case None:
                pool = spec.capacity if spec.capacity in self.settings.capacity else None
                names = tuple(self.pool_regions(pool)) if pool else ()
                return {r: WorkloadOverride() for r in names}
            case tuple():
                return {r: WorkloadOverride() for r in sorted(set(spec.regions))}
            case _:
                return dict(sorted(spec.regions.items()))

    @cached_property
    def called_regions(self) -> tuple[str, ...]:
        """The Regions in which a model has a port, sorted."""
        return tuple(sorted({w.region for w in self.work if not w.is_job and w.spec.called}))

    @property
    def partition(self) -> str:
        """The partition of the home Region, in which all others are as well."""
        return self.catalog.places.regions[self.home_region].partition

    @cached_property
    def workloads(self) -> tuple[ModelEntry | JobEntry, ...]:
        return (*self.settings.models.values(), *self.settings.jobs.values())

    def named_workloads(self) -> Iterator[tuple[str, ModelEntry | JobEntry]]:
        """Yields path and entry of every model, then of every job."""
        for name, model in sorted(self.settings.models.items()):
            yield f"models.{name}", model
        for name, job in sorted(self.settings.jobs.items()):
            yield f"jobs.{name}", job

    def network_zones(self, region: str) -> tuple[str, ...]:
        """Returns the zone ids of the given subnets, or all zone ids of the Region.

        The stack's own network also has the zones that a pool names and no table knows.
        """
        network = self.settings.regions[region].network
        if isinstance(network, ExistingNetworkEntry):
            return tuple(sorted(network.private_subnets))
        prefix = self.catalog.places.regions[region].short + "-az"
        named = (z for spec in self.settings.capacity.values() for z in spec.zone_ids)
        zones = {*self.catalog.places.zone_ids(region), *(z for z in named if has_blocks(z))}
        return tuple(sorted(z for z in zones if z.startswith(prefix)))

    def types_named(self, name: str) -> tuple[str, ...]:
        """Returns the known instance types that a pool's entry allows, whether offered or not.

        Without those that are too small for Managed Instances.
        """
        spec = self.settings.capacity[name]
        if isinstance(spec, AutoScalingCapacity):
            known = self.catalog.instances.get(spec.instance_type)
            return (known.name,) if known else ()
        return tuple(sorted(set(managed_types.named(spec, self.catalog)) - self.too_small))

    @cached_property
    def too_small(self) -> frozenset[str]:
        """The types that are too small for Managed Instances."""
        return managed_types.too_small(self.catalog)

    @cached_property
    def pools(self) -> Mapping[tuple[str, str], RegionalPool]:
        """Every pool in each of its Regions that the catalog knows, by (Region, name)."""
        found: dict[tuple[str, str], RegionalPool] = {}
        for name, spec in sorted(self.settings.capacity.items()):
            types = self.types_named(name)
            for region, override in self.pool_regions(name).items():
                if region in self.regions:
                    found[region, name] = self._pool(name, spec, region, override, types)
        return dict(sorted(found.items()))

    def _pool(
        self,
        name: str,
        spec: AutoScalingCapacity | ManagedInstancesCapacity,
        region: str,
        override: PoolOverride,
        types: tuple[str, ...],
    ) -> RegionalPool:
        network = self.network_zones(region)
        wanted = [z for z in network if not spec.zone_ids or z in spec.zone_ids]
        places = self.catalog.places
        if isinstance(spec, AutoScalingCapacity):
            max_size = override.max_size or spec.max_size
            reservation = override.reservation_id or spec.reservation_ids.get(region)
            given_blocks = blocks.ordered(override.blocks or spec.blocks)
            reservation = given_blocks[0].id if given_blocks else reservation
        else:
            max_size, given_blocks = None, ()
            reservation = override.reservation_group_arn or spec.reservation_group_arns.get(region)
        purchase = override.purchase or spec.purchase
        held = reservation is not None and purchase not in ("on_demand", "spot")
        offered = [t for t in types if places.zones_offering(t, region)] or [
            t for t in types if held or self._may_offer(t, region)
        ]
        kinds = [k for t in offered if (k := self.catalog.instances.get(t)) is not None]
        zones = {z for t in offered for z in places.zones_offering(t, region)}
        given = isinstance(self.settings.regions[region].network, ExistingNetworkEntry)
        named = wanted if given else spec.zone_ids
        unlisted = {z for z in named if z not in places.zone_ids(region)}
        return RegionalPool(
            name=name,
            region=region,
            spec=spec,
            max_size=max_size,
            purchase=purchase,
            reservation=reservation,
            types=tuple(sorted(kinds, key=_size)),
            zone_ids=tuple(z for z in wanted if kinds and (not zones or z in zones | unlisted)),
            blocks=given_blocks if purchase == "capacity_block" else (),
        )

    def _may_offer(self, instance_type: str, region: str) -> bool:
        """Whether the Region may offer a type that its capture does not have."""
        places = self.catalog.places
        return (
            not places.offerings_known(region)
            or places.newer_there(instance_type, region)
            or region in places.capacity_block_regions(instance_type)
        )

    def neuron_types_in(self, regions: Iterable[str]) -> list[str]:
        """Returns the Neuron types that one of the Regions offers, small ones first, Inf1 last.

        Inf1 is last because it needs other images.
        """
        offered = {t for r in regions for t in self.catalog.places.types_offered(r)}
        types = [t for t in self.catalog.instances.neuron_types.values() if t.name in offered]
        types.sort(key=lambda t: (t.neuron and t.neuron.frameworks == "neuron", t.vcpus, t.name))
        return [t.name for t in types]

    def assumed(self, pool: RegionalPool) -> bool:
        """Whether the Region's capture has none of the pool's types, and may be out of date."""
        places = self.catalog.places
        return places.offerings_known(pool.region) and not any(
            places.zones_offering(t.name, pool.region) for t in pool.types
        )

    @cached_property
    def work(self) -> tuple[RegionalWorkload, ...]:
        """Every model and job in each Region of its pool: by Region, models first, by name."""
        found: list[RegionalWorkload] = []
        for group in (self.settings.models, self.settings.jobs):
            for name, spec in group.items():
                for region, override in self.work_regions(spec).items():
                    pool = self.pools.get((region, override.capacity or spec.capacity))
                    if pool is not None:
                        replicas = Replicas(min=0)
                        if isinstance(spec, ModelEntry):
                            here = isinstance(override, ModelOverride) and override.replicas
                            replicas = here or spec.replicas
                        types = tuple(t for t in pool.types if self.holds(t, spec, pool))
                        found.append(RegionalWorkload(name, region, spec, pool, replicas, types))
        return tuple(sorted(found, key=lambda w: (w.region, w.is_job, w.name)))

    @property
    def qualified_name(self) -> str:
        """`project/stack`: the value by which metrics and log groups of stacks differ."""
        return f"{self.project}/{self.stack}"

    @cached_property
    def distinct_work(self) -> tuple[RegionalWorkload, ...]:
        """Every model and job once for each pool and set of instance types that it runs on."""
        found: dict[tuple[str, str, tuple[str, ...]], RegionalWorkload] = {}
        for work in self.work:
            types = tuple(t.name for t in work.pool.types)
            found.setdefault((work.path, work.pool.name, types), work)
        return tuple(found.values())

    def holds(
        self,
        kind: InstanceType,
        spec: ModelEntry | JobEntry,
        pool: RegionalPool | None = None,
    ) -> bool:
        """Whether an instance of the type has the written sizes of a task, and the devices; in a
        pool beside its daemons."""
        room = self.registered(kind, pool)
        return (
            (spec.cpu_units or 0) <= room.cpu_units
            and (spec.memory_mib or 0) <= room.memory_mib
            and (not spec.neuron_devices or kind.neuron is not None)
        )

    @cached_property
    def _work_by_pool(self) -> Mapping[tuple[str, str], tuple[RegionalWorkload, ...]]:
        grouped: dict[tuple[str, str], list[RegionalWorkload]] = {}
        for work in self.work:
            grouped.setdefault((work.region, work.pool.name), []).append(work)
        return {where: tuple(works) for where, works in grouped.items()}

    def work_on(self, pool: RegionalPool) -> tuple[RegionalWorkload, ...]:
        """Returns the models, then the jobs, of a pool in its Region."""
        return self._work_by_pool.get((pool.region, pool.name), ())

    # -- sizes ---------------------------------------------------------------------------------

    def taken_by_daemons(self, pool: RegionalPool | None) -> Room:
        """Returns what the daemons take of each instance: ECS places them before other tasks.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service-options.html
        """
        return together(k.room for k in daemon_kinds(self.settings, pool)) if pool else NOTHING

    def registered(self, kind: InstanceType, pool: RegionalPool | None) -> Room:
        """Returns the most that an instance of the type registers, less what its daemons take."""
        return registered_by(kind, self.catalog).without(self.taken_by_daemons(pool))

    def counted_on(self, kind: InstanceType, pool: RegionalPool) -> Room:
        """Returns what the plan counts on: as registered, with an estimate of unrecorded memory."""
        return counted_on(kind, self.catalog).without(self.taken_by_daemons(pool))

    @cached_property
    def _without_devices(self) -> Mapping[tuple[str, str], Room]:
        """What one task of each workload without devices takes of an instance, by pool."""
        taken: dict[tuple[str, str], Room] = {}
        for work in self.work:
            size = None if work.device_count else self.task_size(work)
            if size is not None:
                where = work.region, work.pool.name
                have = taken.get(where, NOTHING)
                cpu, memory = have.cpu_units + size.cpu_units, have.memory_mib + size.memory_mib
                taken[where] = Room(cpu, memory)
        return taken

    def share(self, work: RegionalWorkload) -> Room | None:
        """Returns the part of the room that goes with the task's devices; `None` without devices.

        Each instance keeps room for one task of every workload of the pool without devices.
        """
        kind = work.smallest
        if kind is None or not work.device_count:
            return None
        others = self._without_devices.get((work.region, work.pool.name), NOTHING)
        asked = kind.name, work.device_count, others
        if asked not in self._shares:
            self._shares[asked] = share_of(kind, work.device_count, self.catalog, others)
        return self._shares[asked]

    def task_size(self, work: RegionalWorkload) -> Room | None:
        """Returns CPU units and memory of a task: as written, or in proportion to its devices.

        Without devices and without CPU units only those of the sidecars are reserved. Returns
        `None` if the memory follows from neither.
        """
        spec = work.spec
        share = self.share(work)
        if share is None and not work.device_count:
            share = Room(sum(c.cpu_units for c in spec.sidecars.values()), 0)
        if share is None:
            return None
        size = Room(spec.cpu_units or share.cpu_units, spec.memory_mib or share.memory_mib)
        return size if size.memory_mib else None

    def admitted(self, pool: RegionalPool) -> tuple[InstanceType, ...]:
        """Returns the types on which a task of the pool fits; all without a workload."""
        fitting = {t.name for w in self.work_on(pool) for t in w.types}
        return tuple(t for t in pool.types if not fitting or t.name in fitting)

    def instance_of(self, pool: RegionalPool) -> InstanceType | None:
        """Returns the smallest type of the pool on which each of its tasks fits, if there is one;
        otherwise the smallest."""
        works = self.work_on(pool)
        fitting = (t for t in pool.types if all(t in w.types for w in works))
        return next(fitting, pool.smallest)

    def packed(
        self,
        pool: RegionalPool,
        wanted: list[tuple[RegionalWorkload, int]],
        room: Room | None = None,
    ) -> int:
        """Returns the instances for tasks without devices, packed densely.

        `room` is what an instance has for tasks, by default what the plan counts on."""
        kind = self.instance_of(pool)
        if kind is None:
            return 0
        tasks = [
            (size, w.name, frozenset(w.host_ports))
            for w, n in wanted
            if (size := self.task_size(w))
            for _ in range(n)
        ]
        return first_fit(room or self.counted_on(kind, pool), tasks, self.ports(pool))

    def others(
        self, pool: RegionalPool, *, full: bool = True
    ) -> list[tuple[RegionalWorkload, int]]:
        """Returns the pool's models without devices, with their tasks at maximum or minimum."""
        models = (w for w in self.work_on(pool) if not w.is_job and not w.device_count)
        return [(w, w.tasks_max if full else w.replicas.min) for w in models]

    # -- slots ---------------------------------------------------------------------------------

    @cached_property
    def _free_ports(self) -> int:
        reserved = len(self.catalog.networks.reserved_host_ports)
        return self.catalog.limits.value("host_ports_per_instance_max") - reserved

    def ports(self, pool: RegionalPool) -> int:
        """Returns the host ports that an instance of the pool has for tasks at a time."""
        taken = sum(len(kind.ports) for kind in daemon_kinds(self.settings, pool))
        return self._free_ports - taken

    def demands(self, pool: RegionalPool) -> tuple[Demand, ...]:
        """Returns what the pool's models and jobs request of its devices."""
        kind = pool.type
        if kind is None or kind.neuron is None:
            return ()
        works = [w for w in self.work_on(pool) if w.device_count]
        return tuple(
            Demand(
                w.name,
                w.device_count,
                w.slot_tasks,
                w.ids,
                w.is_job,
                w.host_ports,
                w.locked or all(self._too_large(kind, w, o) for o in works if o is not w),
                w.replicas.apart,
            )
            for w in works
        )

    def _too_large(
        self, kind: InstanceType, first: RegionalWorkload, second: RegionalWorkload
    ) -> bool:
        """Whether an instance never has CPU and memory for a task of each."""
        one, other = self.task_size(first), self.task_size(second)
        room = self.registered(kind, first.pool)
        assert one is not None
        assert other is not None
        return (
            one.cpu_units + other.cpu_units > room.cpu_units
            or one.memory_mib + other.memory_mib > room.memory_mib
        )

    def arranged(self, pool: RegionalPool, demands: tuple[Demand, ...]) -> layout.Cut | None:
        """Returns the slots for some demands on the pool's one type; `None` as `layout.arrange`."""
        assert pool.type is not None
        assert pool.type.neuron is not None
        sets = self.catalog.neuron.device_sets(pool.type.name)
        return layout.arrange(pool.type.neuron.devices, sets, demands, self.ports(pool))

    def legal(self, kind: InstanceType, work: RegionalWorkload) -> bool:
        """Whether the task's count of devices, or its ids, are a legal set of the type."""
        sets, wanted = self.catalog.neuron.device_sets(kind.name), work.ids
        if wanted is None:
            return any(size == work.device_count for _, size in sets)
        first, number = wanted[0], len(wanted)
        return wanted == tuple(range(first, first + number)) and (first, number) in sets

    def legal_everywhere(self, pool: RegionalPool) -> bool:
        """Whether the devices of every workload of the pool exist and are a legal set."""
        kind = pool.type
        if kind is None or kind.neuron is None:
            return False
        works = [w for w in self.work_on(pool) if w.device_count]
        return all(self.legal(kind, w) for w in works)

    def cut(self, pool: RegionalPool) -> layout.Cut | None:
        """Returns the pool's slots and what runs on them.

        Returns `None` if its devices are not legal, or if workloads without locks would share
        devices.
        """
        where = pool.region, pool.name
        if where not in self._cuts:
            self._cuts[where] = self._cut(pool)
        return self._cuts[where]

    def _cut(self, pool: RegionalPool) -> layout.Cut | None:
        if pool.type is None or pool.type.neuron is None:
            return layout.Cut((), (), (), self.ports(pool))
        if not self.legal_everywhere(pool):
            return None
        cut = self.keeping(pool).cut
        stopped = {w.name for w in self.work_on(pool) if not w.is_job and not w.tasks_max}
        return layout.without_tasks(cut, stopped) if cut and stopped else cut

    def lines(self, work: RegionalWorkload) -> tuple[Line, ...]:
        """Returns the lines of `layout` that a model follows, by number; explicit ids win."""
        if work.is_job or work.managed_devices or not work.device_count or work.ids is not None:
            return ()
        return lines_of(self.settings, work.region, work.pool.name, work.name)

    def keeping(self, pool: RegionalPool) -> Keeping:
        """Returns what `layout` keeps of a pool of one type with legal devices."""
        assert pool.type is not None
        lines = {w.name: self.lines(w) for w in self.work_on(pool) if not w.is_job}
        sets = self.catalog.neuron.device_sets(pool.type.name)
        return Keeping(lines, self.demands(pool), sets, partial(self.arranged, pool), pool.max_size)

    def use(self, work: RegionalWorkload, devices: Iterable[int], tasks: int = 1) -> Use:
        """Returns what each of so many tasks of a workload takes of an instance."""
        locked = work.locked and not work.managed_devices
        size = self.task_size(work) or NOTHING
        return Use(frozenset(devices), frozenset(work.host_ports), tasks, locked, size)

    def uses(self, pool: RegionalPool, *, full: bool = True) -> tuple[Use, ...]:
        """Returns what the tasks of each service take of an instance, at maximum or minimum."""
        where, placed = (pool.region, pool.name, full), self.layout(pool)
        if where not in self._taken:
            self._taken[where] = self._uses(pool, placed.slots, full=full) if placed else ()
        return self._taken[where]

    def _uses(
        self, pool: RegionalPool, slots: tuple[plan.Slot, ...], *, full: bool
    ) -> tuple[Use, ...]:
        models = {w.name: w for w in self.work_on(pool) if not w.is_job}
        taken = [(a, a.tasks_max if full else a.tasks_min) for s in slots for a in s.assignments]
        some = (0,)  # for tasks with all devices of types that differ: one of them on an instance
        return (
            *(self.use(models[a.workload], a.devices or some, tasks) for a, tasks in taken),
            *(self.use(w, (), tasks) for w, tasks in self.others(pool, full=full)),
        )

    def blocked(self, pool: RegionalPool, task: Use, uses: Collection[Use]) -> int:
        """Returns how many instances of the pool can have no room for a task beside others."""
        return blocked_instances(task, uses, self._supply(pool))

    def _supply(self, pool: RegionalPool) -> Supply:
        kind = self.instance_of(pool)
        return Supply(self.ports(pool), self.counted_on(kind, pool) if kind else None)

    def _all_instances(
        self, pool: RegionalPool, slots: tuple[plan.Slot, ...], *, full: bool
    ) -> int:
        """Returns the instances on which all tasks find room in any order of placement."""
        whole = (w for w in self.work_on(pool) if w.managed_devices)
        alone = sum(w.tasks_max if full else w.replicas.min for w in whole)
        uses = self._uses(pool, slots, full=full)
        return max(alone, enough_instances(uses, self._supply(pool)))

    def layout(self, pool: RegionalPool) -> plan.Layout | None:
        """Returns the layout of the pool's instances; `None` as `cut`."""
        where = pool.region, pool.name
        if where not in self._layouts:
            self._layouts[where] = self._layout(pool)
        return self._layouts[where]

    def _layout(self, pool: RegionalPool) -> plan.Layout | None:
        works, kind = self.work_on(pool), pool.type
        cut = self.cut(pool)
        jobs: tuple[layout.Deal, ...] = ()
        slots: tuple[plan.Slot, ...] = ()
        if any(w.managed_devices for w in works):
            slots = _whole_instance(kind, works)
        elif cut is None:
            return None
        else:
            least = {w.name: w.replicas.min for w in works if not w.is_job}
            apart = {w.name for w in works if w.replicas.apart}
            slots, jobs = layout.plan_slots(cut, least, apart), cut.jobs
        running = pool.spec.min_size if isinstance(pool.spec, AutoScalingCapacity) else 0
        devices = {job.name: job.devices for job in jobs}
        return plan.Layout(
            devices=kind.neuron.devices if kind and kind.neuron else 0,
            slots=slots,
            instances_min=max(running, self._all_instances(pool, slots, full=False)),
            instances_max=max(running, self._all_instances(pool, slots, full=True)),
            jobs=tuple(
                plan.Assignment(
                    w.name, devices.get(w.name) or _any(w, slots), 0, 0, True, w.host_ports
                )
                for w in works
                if w.is_job and w.device_count
            ),
        )


def _any(job: RegionalWorkload, slots: tuple[plan.Slot, ...]) -> tuple[int, ...]:
    """Returns the devices of a job without a layout: all that ECS assigns, or ids for its count."""
    if job.managed_devices:
        return slots[0].devices if slots else ()
    return job.ids or tuple(range(job.device_count))


def _whole_instance(
    kind: InstanceType | None, works: tuple[RegionalWorkload, ...]
) -> tuple[plan.Slot, ...]:
    """Returns the one slot of a pool where each task takes all devices of an instance.

    It names no device where instances may be of several types.
    """
    devices = tuple(range(kind.neuron.devices)) if kind and kind.neuron else ()
    held = tuple(
        plan.Assignment(w.name, devices, w.replicas.min, w.tasks_max, False, w.host_ports)
        for w in works
        if w.managed_devices and not w.is_job
    )
    return (plan.Slot(devices, held),)


def written_replicas(s: Situation) -> Iterator[tuple[str, ModelEntry, Replicas]]:
    """Yields each `replicas` of the models, of the entry and of its Regions, with its path."""
    for name, model in s.settings.models.items():
        yield f"models.{name}.replicas", model, model.replicas
        regions = model.regions if isinstance(model.regions, dict) else {}
        for region, override in sorted(regions.items()):
            if override.replicas:
                yield f"models.{name}.regions.{region}.replicas", model, override.replicas


def serving_regions(s: Situation) -> list[str]:
    """Returns the Regions in which a model has a port."""
    return [*s.called_regions]
