"""Volumes: what can be mounted where, and what becomes of what is written there."""

from collections.abc import Iterator

from config import EfsVolumeEntry, HostVolumeEntry
from messages.finding import Severity
from messages.phrases import listed, nearest_or
from planning import choices
from planning.rules.rule import Report, rule
from planning.situation import RegionalWorkload, Situation, each_workload
from planning.volumes import (
    Mounted,
    cleaned,
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
    for found in _written(s):
        if found.volume not in s.settings.volumes:
            one = f"write volumes: {{{found.volume}: {{kind: host}}}}"
            fix = nearest_or(found.volume, s.settings.volumes, one)
            yield Report(found.at, f"is at {found.mount.path}, and no entry of volumes", fix)


@rule(
    "NE361",
    "Volume that nothing mounts",
    Severity.NOTE,
    "Nothing is built for a volume without a mount.",
    do="Mount it in a model, a job or a sidecar, or remove it.",
)
def unused_volume(s: Situation) -> Iterator[Report]:
    """API_TaskDefinition, volumes: a volume is a part of the task definitions that mount it."""
    used = {found.volume for found in _written(s)}
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
    for work in each_workload(s):
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
    "An EFS file system is of one Region; tasks of another have no mount target of it.",
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
                    f"is {listed(known)}, and none of {region}, where {listed(works)} "
                    f"{'mounts' if len(works) == 1 else 'mount'} it",
                    f"write file_systems: {{{region}: fs-…}}",
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


def _given(s: Situation) -> Iterator[tuple[str, EfsVolumeEntry]]:
    """The volumes whose file systems exist, by name."""
    for name, entry in sorted(s.settings.volumes.items()):
        if isinstance(entry, EfsVolumeEntry) and entry.file_systems:
            yield name, entry


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
)
