"""Volumes: what can be mounted where, and what becomes of what is written there."""

from collections.abc import Iterator

from config import (
    EbsVolumeEntry,
    EfsVolumeEntry,
    HostVolumeEntry,
    JobEntry,
    ManagedInstancesCapacity,
    S3FilesVolumeEntry,
)
from messages.finding import Severity
from messages.phrases import listed, nearest_or
from planning import choices
from planning.entries import RegionalWorkload
from planning.rules.rule import Report, rule
from planning.serving import ahead
from planning.situation import Situation
from planning.volumes import (
    Mounted,
    cache_fields,
    cleaned,
    disk_gib,
    host_sizes,
    mounted,
    named_containers,
    pool_zones,
    writable_paths,
)


def _written(s: Situation) -> Iterator[Mounted]:
    """Every mount as the stack file writes it, whether its pool is known or not."""
    for path, spec in s.named_workloads():
        yield from mounted(path, spec)


def _places(s: Situation) -> Iterator[tuple[str, str, str, str]]:
    """Each place of a volume: its path in the stack file, as Docker cleans it and as written, and
    another place for it."""
    for found in _written(s):
        yield found.at, found.path, found.mount.path, f"/mnt/{found.volume}"
    for path, spec in s.named_workloads():
        for index, shared in enumerate(spec.shared_paths):
            yield f"{path}.shared_paths[{index}]", cleaned(shared), shared, "/shared"


def _related(path: str, directory: str) -> bool:
    """Whether one of them is in the other, or both are one."""
    return f"{path}/".startswith(f"{directory}/") or f"{directory}/".startswith(f"{path}/")


@rule(
    "NE360",
    "Mount of a volume that does not exist",
    Severity.ERROR,
    "A mount names a volume of the task; RegisterTaskDefinition refuses one that no volume has.",
    do="Name an entry of volumes.",
)
def unknown_volume(s: Situation) -> Iterator[Report]:
    """API_MountPoint, sourceVolume: must be a volume name referenced in the name parameter of task
    definition volume."""
    caches = cache_fields(s)
    for found in _written(s):
        if found.volume not in s.settings.volumes:
            kind, what = "host", f"is at {found.mount.path}, and no entry of volumes"
            if field := caches.get(found.at):
                model = s.settings.models[field.split(".")[1]]
                kind = "efs" if ahead.is_ahead(model) else kind
                what = f"is {found.volume}, no entry of volumes"
            one = f"write volumes: {{{found.volume}: {{kind: {kind}}}}}"
            fix = nearest_or(found.volume, s.settings.volumes, one)
            yield Report(field or found.at, what, fix)


@rule(
    "NE361",
    "Volume that nothing mounts",
    Severity.NOTE,
    "Nothing is built for a volume without a mount.",
    do="Mount it in a model, a job or a sidecar, or remove it.",
)
def unused_volume(s: Situation) -> Iterator[Report]:
    """API_TaskDefinition, volumes: a volume is a part of the task definitions that mount it."""
    refused = (found for u in s.unserved for found in mounted(u.path, u.entry))
    used = {found.volume for found in (*_written(s), *refused)}
    for name, entry in sorted(s.settings.volumes.items()):
        if name not in used:
            yield Report(
                f"volumes.{name}",
                f"(kind {entry.kind}) is in the mounts of no container",
                "remove it",
            )


@rule(
    "NE362",
    "Two volumes at one path",
    Severity.ERROR,
    "Docker does not create a container with two mounts at one path (Duplicate mount point).",
    do="Give each mount, and each of writable_paths and shared_paths, a path of its own.",
)
def same_path(s: Situation) -> Iterator[Report]:
    """https://github.com/moby/moby/blob/v28.0.0/daemon/volumes.go, registerMountPoints"""
    for path, spec in s.named_workloads():
        inside = named_containers(path, spec)
        taken = {
            (container, cleaned(empty)): "an empty volume of writable_paths"
            for _, container, own in inside
            for empty in writable_paths(own, s.catalog)
        }
        for index, shared in enumerate(spec.shared_paths):
            places = [(container, cleaned(shared)) for _, container, _ in inside]
            other = next((taken[place] for place in places if place in taken), None)
            if other is not None:
                what = f"is {shared}, where {other} is"
                yield Report(f"{path}.shared_paths[{index}]", what, "write /shared")
            taken.update(dict.fromkeys(places, "a directory of shared_paths"))
        for found in mounted(path, spec):
            other = taken.setdefault((found.container, found.path), f"the volume {found.volume}")
            if other != f"the volume {found.volume}":
                yield Report(
                    found.at,
                    f"is at {found.mount.path}, where {other} is",
                    f"write /mnt/{found.volume}",
                )


@rule(
    "NE363",
    "Path at which nothing can be mounted",
    Severity.ERROR,
    "Docker mounts nothing at the root of a container, and runc nothing at or below /proc.",
    do="Mount the volume at another path.",
)
def refused_path(s: Situation) -> Iterator[Report]:
    """https://github.com/moby/moby/blob/v28.0.0/volume/mounts/linux_parser.go: destination can't be
    '/'; https://github.com/opencontainers/runc/blob/v1.2.0/libcontainer/rootfs_linux.go,
    checkProcMount"""
    for at, path, written, instead in _places(s):
        if path == "/" or f"{path}/".startswith("/proc/"):
            yield Report(at, f"is at {written}", f"write {instead}")


@rule(
    "NE364",
    "Mount hides files of the image",
    Severity.WARNING,
    "A mount hides what the image has at its path.",
    do="Mount the volume at a path of its own, such as /mnt/cache.",
    table="system_directories",
)
def hidden_files(s: Situation) -> Iterator[Report]:
    """https://docs.docker.com/engine/storage/bind-mounts/: mounting over existing data"""
    for at, path, written, instead in _places(s):
        hidden = s.catalog.containers.system_directories.get(path)
        if hidden is not None:
            yield Report(at, f"is at {written}, which hides {hidden}", f"write {instead}")


@rule(
    "NE365",
    "Host volume is a directory of the system",
    Severity.WARNING,
    "A container that can write there changes the instance for all its tasks, and can become its "
    "administrator.",
    do="Leave the path out, or name a directory that nothing else uses.",
    table="system_directories",
)
def system_directory(s: Situation) -> Iterator[Report]:
    """https://docs.docker.com/engine/storage/bind-mounts/: bind mounts have write access to files
    on the host by default"""
    for name, entry in sorted(s.settings.volumes.items()):
        if not isinstance(entry, HostVolumeEntry) or entry.path is None:
            continue
        path = cleaned(entry.path)
        rows = s.catalog.containers.instance_directories
        held = next((what for d, what in rows.items() if _related(path.rstrip("/"), d)), None)
        if held is not None:
            yield Report(
                f"volumes.{name}.path", f"is {entry.path}: {held}", f"write /var/lib/{name}"
            )


@rule(
    "NE366",
    "User of the container cannot write the volume",
    Severity.WARNING,
    "The directory that Docker makes on the instance belongs to root, and others may only read it.",
    do="Mount it read_only, or leave user out.",
)
def not_writable(s: Situation) -> Iterator[Report]:
    """API_HostVolumeProperties, sourcePath: the Docker daemon, which is root, creates it"""
    for found in _written(s):
        user = (found.spec.user or "root").partition(":")[0]
        entry = s.settings.volumes.get(found.volume)
        own = isinstance(entry, HostVolumeEntry)
        if own and user not in ("root", "0") and not found.mount.read_only:
            yield Report(
                found.at,
                f"is a host volume at {found.mount.path}, for user {found.spec.user}",
                f"write {{path: {found.mount.path}, read_only: true}}",
            )


@rule(
    "NE367",
    "Volume that nothing writes",
    Severity.WARNING,
    "The volume is empty at first, and each of its mounts can only read it.",
    do="Leave read_only out where the files come from.",
)
def nothing_writes(s: Situation) -> Iterator[Report]:
    """API_HostVolumeProperties, sourcePath: a directory that does not exist is created"""
    for name, entry in sorted(s.settings.volumes.items()):
        uses = [found for found in _written(s) if found.volume == name]
        match entry:
            case HostVolumeEntry():
                filled = entry.path is not None
            case EfsVolumeEntry():
                filled = bool(entry.file_systems)
            case EbsVolumeEntry():
                filled = bool(entry.snapshot_ids)
            case S3FilesVolumeEntry():
                filled = True
        if not uses or filled or not all(u.mount.read_only for u in uses):
            continue
        first = uses[0]
        yield Report(
            first.at,
            f"is read-only at {first.mount.path}, as each mount of {name} is",
            f"write {{path: {first.mount.path}, read_only: false}}",
        )


@rule(
    "NE368",
    "Host volume goes with a Managed Instance",
    Severity.NOTE,
    "ECS replaces each Managed Instance after some days, and with it what its disk holds.",
    do="Use it for what can be made again.",
    table="limits",
)
def short_lived(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instances-patching.html:
    draining begins on day 14"""
    days = s.catalog.limits.value("managed_instances_drain_days")
    for work in s.distinct_work:
        if not work.pool.managed:
            continue
        names = [
            found.volume
            for found in mounted(work.path, work.spec)
            if isinstance(s.settings.volumes.get(found.volume), HostVolumeEntry)
        ]
        if names:
            yield Report(
                work.path,
                f"mounts {listed(sorted(set(names)))} of Managed Instances, which drain from day "
                f"{days}",
                "let it make its files again, as on a new instance",
            )


@rule(
    "NE369",
    "Directory of a file system is too long",
    Severity.ERROR,
    "An access point shows a directory whose path has at most 100 characters.",
    do="Write a shorter directory.",
    table="limits",
)
def long_directory(s: Situation) -> Iterator[Report]:
    """API_RootDirectory of the Amazon EFS API Reference, Path: at most 100 characters, and four
    directories."""
    most = s.catalog.limits.value("efs_path_max") - len(choices.FILES_DIRECTORY) - 1
    for found in _written(s):
        directory = found.mount.directory or ""
        if isinstance(s.settings.volumes.get(found.volume), EfsVolumeEntry):
            if len(directory) > most:
                yield Report(
                    f"{found.at}.directory",
                    f"is {directory}, {len(directory)} characters of at most {most}",
                    f"write {directory[:most].rstrip('/-')}",
                )


@rule(
    "NE370",
    "File system of a Region is missing",
    Severity.ERROR,
    "A file system is of one Region; tasks of another have no mount target of it.",
    do="Name the file system of each Region that mounts the volume.",
)
def no_file_system(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/efs/latest/ug/how-it-works.html: a mount target for each zone of
    a Region"""
    for name, entry in _given(s):
        known = [f"{file_system} of {r}" for r, file_system in entry.file_systems.items()]
        for region, works in _regions_of(s, name).items():
            if region not in entry.file_systems:
                yield Report(
                    f"volumes.{name}.file_systems",
                    f"is {listed(known)}, and none of {region}, where {_mount_it(works)}",
                    f"write file_systems: {{{region}: {_example(s, entry, region)}}}",
                )


@rule(
    "NE371",
    "Mount targets of a file system are its owner's",
    Severity.NOTE,
    "A task starts only where its zone has a mount target whose security group lets it in; nothing "
    "here knows those of a file system that exists.",
    do="Make sure of them in each zone, and that the file system's policy lets the task roles in.",
)
def zones_not_judged(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/efs/latest/ug/manage-fs-access.html"""
    for name, entry in _given(s):
        used = [r for r in _regions_of(s, name) if r in entry.file_systems]
        zones = sorted({z for r in used for z in _zones(s, name, r)})
        if used:
            yield Report(
                f"volumes.{name}.file_systems",
                f"is {listed([f'{entry.file_systems[r]} of {r}' for r in used])}, whose mount "
                "targets and security groups are not judged",
                f"make sure that {listed(zones)} {'has' if len(zones) == 1 else 'have'} a mount "
                "target, in the network of the stack, that takes TCP 2049 of its tasks",
            )


@rule(
    "NE372",
    "Two EBS volumes in a task",
    Severity.ERROR,
    "A task definition has at most one volume that is configured at launch.",
    do="Mount one EBS volume, in as many containers as need it.",
)
def two_ebs_volumes(s: Situation) -> Iterator[Report]:
    """API_Volume of the Amazon ECS API Reference, configuredAtLaunch"""
    for path, spec in s.named_workloads():
        found = [m for m in mounted(path, spec) if _ebs(s, m)]
        second = next((m for m in found if m.volume != found[0].volume), None)
        if second is not None:
            yield Report(
                second.at,
                f"is an EBS volume at {second.mount.path}, beside the EBS volume "
                f"{found[0].volume} of the task",
                "remove it",
            )


@rule(
    "NE373",
    "EBS volume on a scheduled job",
    Severity.ERROR,
    "Who starts a task describes its EBS volume, and EventBridge Scheduler has no field for that: "
    "ECS refuses the start.",
    do="Leave the schedule out, or mount another kind of volume.",
)
def scheduled_with_ebs(s: Situation) -> Iterator[Report]:
    """API_EcsParameters of the EventBridge Scheduler API Reference; API_Volume of the Amazon ECS
    API Reference, configuredAtLaunch"""
    for path, spec in s.named_workloads():
        scheduled = isinstance(spec, JobEntry) and spec.schedule
        found = next((m for m in mounted(path, spec) if _ebs(s, m)), None)
        if scheduled and found:
            yield Report(
                found.at,
                f"is an EBS volume at {found.mount.path}, of a job that starts at "
                f"{scheduled.expression}",
                f"write volumes: {{{found.volume}: {{kind: efs}}}}, or leave schedule out, and "
                "start it with its run command",
            )


@rule(
    "NE374",
    "EBS volume that EBS does not make",
    Severity.ERROR,
    "EBS refuses sizes, IOPS, throughputs and initialization rates outside of its bounds.",
    do="Write numbers within the bounds of gp3 volumes.",
    table="limits",
)
def beyond_ebs(s: Situation) -> Iterator[Report]:
    """API_CreateVolume of the Amazon EC2 API Reference; for what they are to each other
    https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html"""
    limits, least = s.catalog.limits, s.catalog.limits.value("ebs_iops_min")
    per_gib, per_mib = (limits.value(f"ebs_iops_per_{unit}") for unit in ("gib", "throughput_mib"))
    for name, field, value, low, high in _ebs_numbers(s):
        entry = s.settings.volumes[name]
        assert isinstance(entry, EbsVolumeEntry)
        most, because = high, ""
        if field == "iops" and entry.size_gib:
            most, because = max(least, per_gib * entry.size_gib), f" with {entry.size_gib} GiB"
        if field == "throughput_mib":
            iops = max(least, entry.iops or least)
            most, because = iops // per_mib, f" with {iops} IOPS"
        if not low <= value <= min(most, high):
            most, because = (most, because) if most < high else (high, "")
            yield Report(
                f"volumes.{name}.{field}",
                f"is {value}, and gp3 volumes{because} take {low} to {most}",
                f"write {low} to {min(most, _listed_by_ecs(s, field) or most)}",
            )


@rule(
    "NE375",
    "Pages of AWS disagree about an EBS volume",
    Severity.WARNING,
    "EBS makes larger and faster gp3 volumes than the reference of ECS lists, which passes the "
    "numbers on.",
    do="Stay within the smaller bound, or try it.",
    table="limits",
)
def beyond_the_pages_of_ecs(s: Situation) -> Iterator[Report]:
    """API_ServiceManagedEBSVolumeConfiguration of the Amazon ECS API Reference, and
    API_CreateVolume of the Amazon EC2 API Reference"""
    for name, field, value, low, high in _ebs_numbers(s):
        known = _listed_by_ecs(s, field)
        if known and known < value and low <= value <= high:
            yield Report(
                f"volumes.{name}.{field}",
                f"is {value}, above the {known} that the reference of ECS lists",
                f"write at most {known}",
            )


@rule(
    "NE376",
    "EBS volume without a size",
    Severity.ERROR,
    "An EBS volume has a size, or that of its snapshot.",
    do="Write size_gib, or name a snapshot of each Region.",
)
def no_size(s: Situation) -> Iterator[Report]:
    """API_ServiceManagedEBSVolumeConfiguration, sizeInGiB: a volume size or a snapshot ID"""
    for name, entry in _of_ebs(s):
        for region, works in _regions_of(s, name).items():
            if entry.size_gib is None and region not in entry.snapshot_ids:
                yield Report(
                    f"volumes.{name}",
                    f"of kind ebs has neither size_gib nor a snapshot of {region}, where "
                    f"{_mount_it(works)}",
                    f"write size_gib: 100, or write snapshot_ids: {{{region}: snap-…}}",
                )


@rule(
    "NE377",
    "EBS volume is empty in one Region and filled in another",
    Severity.WARNING,
    "A snapshot is of one Region; without one there the volume has no files.",
    do="Copy the snapshot, and name it for each Region.",
)
def no_snapshot(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/ebs/latest/userguide/ebs-copy-snapshot.html: to use it in another
    Region, copy it there"""
    for name, entry in _of_ebs(s):
        known = [f"{snapshot} of {region}" for region, snapshot in entry.snapshot_ids.items()]
        for region, works in _regions_of(s, name).items():
            if entry.size_gib is not None and known and region not in entry.snapshot_ids:
                yield Report(
                    f"volumes.{name}.snapshot_ids",
                    f"is {listed(known)}, and none of {region}, where {_mount_it(works)}",
                    f"write snapshot_ids: {{{region}: snap-…}}",
                )


@rule(
    "NE378",
    "Initialization rate without a snapshot",
    Severity.ERROR,
    "AWS takes a rate only for a volume that is made of a snapshot.",
    do="Leave it out, or name a snapshot of each Region.",
)
def rate_without_snapshot(s: Situation) -> Iterator[Report]:
    """API_ServiceManagedEBSVolumeConfiguration, volumeInitializationRate"""
    for name, entry in _of_ebs(s):
        if entry.initialization_rate_mib is not None and not entry.snapshot_ids:
            yield Report(
                f"volumes.{name}.initialization_rate_mib",
                f"is {entry.initialization_rate_mib}, without snapshot_ids",
                "leave it out",
            )


@rule(
    "NE379",
    "EBS volume goes with its task",
    Severity.NOTE,
    "ECS makes an EBS volume for each task and deletes it with the task: the next one finds what "
    "the snapshot has, or nothing.",
    do="Use kind: host or kind: efs for what is to be found again.",
)
def goes_with_its_task(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ebs-volumes.html, API
    TaskManagedEBSVolumeTerminationPolicy: services delete it always, RunTask by default"""
    for path, spec in s.named_workloads():
        volumes = sorted({m.volume for m in mounted(path, spec) if _ebs(s, m)})
        if volumes:
            yield Report(
                path,
                f"mounts {listed(volumes)}, an EBS volume that is deleted with each task",
                "let it make its files again, or name a snapshot that has them",
            )


@rule(
    "NE380",
    "Directory of an EBS volume",
    Severity.ERROR,
    "ECS mounts an EBS volume as a whole, and deletes it with its task: a cache in it is lost.",
    do="Leave directory out; the program can use a directory below the mount.",
)
def directory_of_ebs(s: Situation) -> Iterator[Report]:
    """API_ServiceManagedEBSVolumeConfiguration: it has no directory, and API_MountPoint has none"""
    caches = cache_fields(s)
    for found in _written(s):
        if found.at in caches and _ebs(s, found):
            yield Report(caches[found.at], f"is {found.volume}, an EBS volume", "leave it out")
        elif found.mount.directory and _ebs(s, found):
            yield Report(
                f"{found.at}.directory",
                f"is {found.mount.directory}, of an EBS volume",
                "leave it out",
            )


@rule(
    "NE381",
    "Host volumes are larger than any disk",
    Severity.ERROR,
    "Host volumes are on the disk of the instance, beside the images, and EBS makes no larger one.",
    do="Count less for the volumes, or mount fewer of them in one pool.",
    table="limits",
)
def larger_than_a_disk(s: Situation) -> Iterator[Report]:
    """API_EbsBlockDevice of the Amazon EC2 API Reference, VolumeSize;
    API_ManagedInstancesStorageConfiguration of the Amazon ECS API Reference"""
    for name, spec in s.settings.capacity.items():
        managed = isinstance(spec, ManagedInstancesCapacity)
        if managed and spec.local_storage:
            continue
        most = s.catalog.limits.value(
            "managed_instances_storage_gib_max" if managed else "ebs_size_gib_max"
        )
        pools = [p for (_, n), p in s.pools.items() if n == name]
        size = max((disk_gib(s, pool) for pool in pools), default=0)
        sizes = host_sizes(s, name)
        if size > most and sizes:
            volume, largest = max(sizes.items(), key=lambda v: (v[1], v[0]))
            left = largest - (size - most)
            yield Report(
                f"volumes.{volume}.size_gib",
                f"is {largest}: with it the disk of an instance of {name} has {size} GiB, and at "
                f"most {most} are possible",
                f"write at most {left}" if left > 0 else f"mount fewer of them where {name} runs",
            )


def _ebs(s: Situation, found: Mounted) -> bool:
    """Whether a mount is of an EBS volume."""
    return isinstance(s.settings.volumes.get(found.volume), EbsVolumeEntry)


def _of_ebs(s: Situation) -> Iterator[tuple[str, EbsVolumeEntry]]:
    """The EBS volumes, by name."""
    for name, entry in sorted(s.settings.volumes.items()):
        if isinstance(entry, EbsVolumeEntry):
            yield name, entry


def _listed_by_ecs(s: Situation, field: str) -> int:
    """The largest number of a field that the reference of ECS lists; 0 without one."""
    known = field != "initialization_rate_mib"
    return s.catalog.limits.value(f"ecs_{field}_max") if known else 0


def _ebs_numbers(s: Situation) -> Iterator[tuple[str, str, int, int, int]]:
    """The numbers of EBS volumes: name, field, value, and the bounds of EBS."""
    for name, entry in _of_ebs(s):
        for field in ("size_gib", "iops", "throughput_mib", "initialization_rate_mib"):
            value = getattr(entry, field)
            if value is not None:
                low, high = (s.catalog.limits.value(f"ebs_{field}_{end}") for end in ("min", "max"))
                yield name, field, value, low, high


def _given(s: Situation) -> Iterator[tuple[str, EfsVolumeEntry | S3FilesVolumeEntry]]:
    """The volumes whose file systems exist, by name."""
    for name, entry in sorted(s.settings.volumes.items()):
        if isinstance(entry, EfsVolumeEntry | S3FilesVolumeEntry) and entry.file_systems:
            yield name, entry


def _example(s: Situation, entry: EfsVolumeEntry | S3FilesVolumeEntry, region: str) -> str:
    """What names a file system of the Region, for a fix."""
    if isinstance(entry, EfsVolumeEntry):
        return "fs-…"
    _, _, _, _, account, _ = next(iter(entry.file_systems.values())).split(":", 5)
    return f"arn:{s.partition}:s3files:{region}:{account}:file-system/fs-…"


def _mounting(s: Situation, volume: str) -> Iterator[RegionalWorkload]:
    """The workloads that mount a volume, once for each Region."""
    for work in s.work:
        if any(found.volume == volume for found in mounted(work.path, work.spec)):
            yield work


def _regions_of(s: Situation, volume: str) -> dict[str, list[str]]:
    """The workloads that mount a volume, by Region."""
    found: dict[str, list[str]] = {}
    for work in _mounting(s, volume):
        found.setdefault(work.region, []).append(work.path)
    return found


def _mount_it(works: list[str]) -> str:
    """`models.a mounts it`, `models.a and models.b mount it`."""
    return f"{listed(works)} {'mounts' if len(works) == 1 else 'mount'} it"


def _zones(s: Situation, volume: str, region: str) -> set[str]:
    """The zones of a Region in which tasks that mount a volume may run."""
    here = (work.pool for work in _mounting(s, volume) if work.region == region)
    return {zone for pool in here for zone in pool_zones(s, pool)}


RULES = (
    unknown_volume,
    unused_volume,
    same_path,
    refused_path,
    hidden_files,
    system_directory,
    not_writable,
    nothing_writes,
    short_lived,
    long_directory,
    no_file_system,
    zones_not_judged,
    two_ebs_volumes,
    scheduled_with_ebs,
    beyond_ebs,
    beyond_the_pages_of_ecs,
    no_size,
    no_snapshot,
    rate_without_snapshot,
    goes_with_its_task,
    directory_of_ebs,
    larger_than_a_disk,
)
