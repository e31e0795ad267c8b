"""The volumes of tasks: where each container mounts which, and what each is."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog import Catalog
from config import (
    AutoScalingCapacity,
    Container,
    EbsVolumeEntry,
    EfsVolumeEntry,
    HostVolumeEntry,
    ManagedInstancesCapacity,
    OwnNetworkEntry,
    S3FilesVolumeEntry,
    Workload,
)
from config import Mount as MountEntry
from planning import audit, choices, identity, names, permissions
from planning.addresses import zones_with_blocks
from planning.command_line import written_containers
from planning.entries import RegionalPool, RegionalWorkload
from planning.once import once
from planning.plan import (
    AccessPoint,
    EbsVolume,
    EfsVolume,
    EmptyVolume,
    FileSystem,
    HostVolume,
    Mount,
    S3FilesVolume,
    TaskVolume,
)
from planning.policies import FileSystemArn, InlinePolicy
from planning.serving.running import weights
from planning.situation import Situation


def cleaned(path: str) -> str:
    """Returns an absolute path as Docker cleans it."""
    return posixpath.normpath(path).replace("//", "/")


@dataclass(frozen=True, slots=True)
class Mounted:
    """A mount as the stack file writes it, with its path there and the container's full name."""

    at: str
    container: str
    spec: Container
    volume: str  # name in the stack file
    mount: MountEntry

    @property
    def path(self) -> str:
        """The path in the container, as Docker cleans it."""
        return cleaned(self.mount.path)

    @property
    def name(self) -> str:
        """The name of the task's volume; no name of the stack file has an underscore."""
        below = self.mount.directory
        return f"{self.volume}__{below.replace('/', '_')}" if below else self.volume


def mounted(path: str, spec: Workload, slot: str | None = None) -> tuple[Mounted, ...]:
    """Returns the mounts of a workload at a path such as `models.m`, by container and path.

    `slot` stands for `{slot}` in their directories.
    """
    return tuple(
        Mounted(f"{at}.mounts.{volume}", container, own, volume, _in_slot(mount, slot))
        for at, container, own in named_containers(path, spec)
        for volume, mount in sorted(own.mounts.items(), key=lambda m: m[1].path)
    )


def cache_fields(s: Situation) -> Mapping[str, str]:
    """Returns the path of each mount that `serve.cache` of a model makes, and that of the field."""
    return {
        f"models.{name}.mounts.{out.entry.serve.cache}": f"models.{name}.serve.cache"
        for name, out in s.written.items()
        if out.entry.serve
    }


def _in_slot(mount: MountEntry, slot: str | None) -> MountEntry:
    if slot is None or not mount.directory or choices.SLOT not in mount.directory:
        return mount
    return mount.model_copy(
        update={"directory": mount.directory.replace(choices.SLOT, slot or "job")}
    )


def named_containers(path: str, spec: Workload) -> tuple[tuple[str, str, Container], ...]:
    """Returns path in the stack file, name in the task, and settings of each container."""
    found: list[tuple[str, str, Container]] = []
    for at, own in written_containers(path, spec):
        names = at.split(".")[1::2]  # models.m.sidecars.s
        found.append((at, "-".join(names), own))
    return tuple(found)


def empty_volumes(name: str, spec: Container, catalog: Catalog) -> Mapping[str, str]:
    """Returns the path of each empty volume of a container, by the volume's name."""
    return {f"{name}_{n}": path for n, path in enumerate(sorted(writable_paths(spec, catalog)))}


def shared_volumes(spec: Workload) -> Mapping[str, str]:
    """Returns the path of each directory that a task's containers share, by its volume's name."""
    paths = {cleaned(path) for path in spec.shared_paths}
    return {f"shared_path_{n}": path for n, path in enumerate(sorted(paths))}


def writable_paths(spec: Container, catalog: Catalog) -> frozenset[str]:
    """Returns the paths of the container that have an empty volume of their own.

    The default leaves out what a mount brings.
    """
    if spec.writable_paths is not None:
        return frozenset(path.rstrip("/") for path in spec.writable_paths)
    default = catalog.containers.writable_paths if spec.read_only_root else ()
    return frozenset(default) - {mount.path.rstrip("/") for mount in spec.mounts.values()}


def task_volumes(s: Situation, work: RegionalWorkload, slot: str) -> tuple[TaskVolume, ...]:
    """Returns the volumes of a task of a service by name. Mounts of unknown volumes have none."""
    found: dict[str, TaskVolume] = {
        name: EmptyVolume(name)
        for _, container, spec in named_containers(work.path, work.spec)
        for name in (*empty_volumes(container, spec, s.catalog), *shared_volumes(work.spec))
    }
    for mount in mounted(work.path, work.spec, slot):
        match s.settings.volumes.get(mount.volume):
            case HostVolumeEntry() as entry:
                found[mount.name] = HostVolume(mount.name, host_path(mount, entry))
            case EfsVolumeEntry():
                system = file_system_key(s, work.region, mount.volume)
                point = access_point_key(s, work, mount)
                found[mount.name] = EfsVolume(mount.name, system, point)
            case EbsVolumeEntry() as entry:
                found[mount.name] = _ebs_volume(s, work, mount, entry)
            case S3FilesVolumeEntry() as entry:
                found[mount.name] = _s3_files_volume(work, mount, entry)
            case None:
                pass
    return tuple(found[name] for name in sorted(found))


def _ebs_volume(
    s: Situation, work: RegionalWorkload, mount: Mounted, entry: EbsVolumeEntry
) -> EbsVolume:
    snapshot = entry.snapshot_ids.get(work.region, "")
    return EbsVolume(
        name=mount.name,
        size_gib=entry.size_gib,
        snapshot_id=snapshot,
        initialization_rate_mib=entry.initialization_rate_mib if snapshot else None,
        iops=entry.iops,
        throughput_mib=entry.throughput_mib,
        file_system_type=entry.file_system_type,
        kms_key=audit.kms_key(s, work.region),
        role=identity.logical_name(s, choices.VOLUMES_ROLE),
    )


def _s3_files_volume(
    work: RegionalWorkload, mount: Mounted, entry: S3FilesVolumeEntry
) -> S3FilesVolume:
    arn = entry.file_systems.get(work.region, "")
    below = f"/{mount.mount.directory}" if mount.mount.directory else ""
    system, point, _ = arn.partition("/access-point/")
    return S3FilesVolume(mount.name, system, arn if point else "", below)


def mounts(work: RegionalWorkload, slot: str) -> tuple[Mount, ...]:
    """Returns the mounts of a service's tasks, by container and path."""
    found = [
        Mount(m.container, m.name, m.path, m.mount.read_only)
        for m in mounted(work.path, work.spec, slot)
    ]
    return tuple(sorted(found, key=lambda m: (m.container, m.path)))


def host_path(mount: Mounted, entry: HostVolumeEntry) -> str:
    """Returns the directory of the instance that a mount shows."""
    path = (entry.path or f"{choices.HOST_VOLUMES}/{mount.volume}").rstrip("/")
    return f"{path}/{mount.mount.directory}" if mount.mount.directory else path or "/"


def file_system_key(s: Situation, region: str, volume: str) -> str:
    """Returns the key of the file system of a volume in a Region."""
    return names.key(s.catalog.places.regions[region].short, "files", volume)


def access_point_key(s: Situation, work: RegionalWorkload, mount: Mounted) -> str:
    """Returns the key of the access point of a workload to a directory of a volume."""
    job = "job" if work.is_job else ""
    below = (mount.mount.directory or "").replace("/", "_")
    return names.key(file_system_key(s, work.region, mount.volume), job, work.name, below)


def file_systems(s: Situation, region: str) -> tuple[FileSystem, ...]:
    """Returns the file systems of a Region, by the names of their volumes."""
    uses: dict[str, list[tuple[RegionalWorkload, Mounted]]] = {}
    for work in s.work:
        for mount in mounted(work.path, work.spec) if work.region == region else ():
            if isinstance(s.settings.volumes.get(mount.volume), EfsVolumeEntry):
                uses.setdefault(mount.volume, []).append((work, mount))
    return tuple(_file_system(s, region, name, uses[name]) for name in sorted(uses))


def _file_system(
    s: Situation, region: str, volume: str, uses: list[tuple[RegionalWorkload, Mounted]]
) -> FileSystem:
    """A mount target for each zone in which a task may run; tasks with an interface of their own
    mount from it, others from the instance's. A file system that exists has its owner's."""
    given = given_file_system(s, region, volume)
    itself = permissions.file_system_arn(s.partition, region, given) if given else FileSystemArn()
    zones = {zone for work, _ in uses for zone in pool_zones(s, work.pool)}
    points: dict[str, list[tuple[RegionalWorkload, Mounted]]] = {}
    for work, mount in uses:
        points.setdefault(access_point_key(s, work, mount), []).append((work, mount))
    return FileSystem(
        key=file_system_key(s, region, volume),
        volume=volume,
        given_id=given,
        zone_ids=() if given else tuple(sorted(zones)),
        kms_key="" if given else audit.kms_key(s, region),
        access_points=tuple(
            AccessPoint(
                key=key,
                directory="/".join(
                    part for part in (choices.FILES_DIRECTORY, same[0][1].mount.directory) if part
                ),
                role=identity.logical_name(s, identity.task_role(same[0][0])),
                access=permissions.mount(itself, write=any(not m.mount.read_only for _, m in same)),
            )
            for key, same in sorted(points.items())
        ),
        clients=() if given else tuple(sorted({work.client for work, _ in uses})),
        policy=permissions.only_encrypted(),
        protected=not given and s.settings.security.deletion_protection,
    )


def given_file_system(s: Situation, region: str, volume: str) -> str:
    """Returns the id of a volume's file system that exists in the Region; empty without one."""
    entry = s.settings.volumes.get(volume)
    return entry.file_systems.get(region, "") if isinstance(entry, EfsVolumeEntry) else ""


def access_by_role(s: Situation) -> Mapping[tuple[str, str], tuple[InlinePolicy, ...]]:
    """Returns what the file systems of each Region add to roles of tasks, by Region and role."""
    found: dict[tuple[str, str], tuple[InlinePolicy, ...]] = {}
    for region in s.regions:
        for system in file_systems(s, region):
            for point in system.access_points:
                where = region, point.role
                found[where] = (*found.get(where, ()), point.access)
    return found


def pool_zones(s: Situation, pool: RegionalPool) -> tuple[str, ...]:
    """Returns the zones in which a pool's instances run."""
    if isinstance(pool.spec, AutoScalingCapacity) and pool.spec.efa:
        return pool.zone_ids[:1]
    if isinstance(s.regions[pool.region].network, OwnNetworkEntry):
        return zones_with_blocks(pool.zone_ids)
    return pool.zone_ids


def host_sizes(s: Situation, pool: str) -> Mapping[str, int]:
    """Returns the GiB of each host volume that is mounted in a pool, by its name."""
    return {volume: gib for where, volume, gib in _on_hosts(s) if where == pool}


@once
def _on_hosts(s: Situation) -> Iterator[tuple[str, str, int]]:
    """Yields the pool, the name and the GiB of each host volume that is mounted in a pool."""
    uses = ((w.pool.name, m.volume) for w in s.distinct_work for m in mounted(w.path, w.spec))
    for pool, volume in dict.fromkeys(uses):
        entry = s.settings.volumes.get(volume)
        if isinstance(entry, HostVolumeEntry):
            yield pool, volume, entry.size_gib


def host_gib(s: Situation, pool: str) -> int:
    """Returns the GiB that host volumes take of the disk of each instance of a pool."""
    return sum(host_sizes(s, pool).values())


@dataclass(frozen=True, slots=True)
class Disk:
    """The volume of an instance for images and data: the field of its size, in GiB."""

    field: str
    written: int | None
    default: int  # at least, and without host volumes


def disk(spec: AutoScalingCapacity | ManagedInstancesCapacity) -> Disk:
    """Returns the volume that the instances of a pool have."""
    match spec:
        case AutoScalingCapacity():
            return Disk("root_volume_gib", spec.root_volume_gib, choices.ROOT_VOLUME_GIB)
        case ManagedInstancesCapacity():
            return Disk("storage_gib", spec.storage_gib, choices.STORAGE_GIB)


def disk_gib(s: Situation, pool: RegionalPool) -> int:
    """Returns the size of an instance's volume: as written, or for images, weights and host
    volumes."""
    return disk(pool.spec).written or default_gib(s, pool.name)


def default_gib(s: Situation, pool: str) -> int:
    """Returns the size of the volume of a pool's instances where none is written."""
    least = disk(s.settings.capacity[pool]).default
    return max(least, base_gib(s, pool)) + host_gib(s, pool)


@once
def _pulled(s: Situation) -> Iterator[tuple[str, str]]:
    """Each pool with each image that its tasks pull."""
    yield from dict.fromkeys((w.pool.name, w.spec.image) for w in s.work)


def base_gib(s: Situation, pool: str) -> int:
    """Returns the GiB that the system, the images and the weights of a pool's tasks take."""
    pulled, limit = sum(where == pool for where, _ in _pulled(s)), s.catalog.limits.value
    host = limit("host_system_gib") + pulled * limit("container_image_gib")
    return host + sum(gib for where, _, gib in weights(s) if where == pool)
