"""The volumes of tasks: where each container mounts which, and what each is."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from catalog import Catalog
from config import (
    AutoScalingCapacity,
    Container,
    HostVolumeEntry,
    ManagedInstancesCapacity,
    Workload,
)
from config import Mount as MountEntry
from planning import choices
from planning.command_line import written_containers
from planning.plan import EmptyVolume, HostVolume, Mount, TaskVolume
from planning.situation import RegionalPool, RegionalWorkload, Situation


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
        return posixpath.normpath(self.mount.path).replace("//", "/")

    @property
    def name(self) -> str:
        """The name of the task's volume; no name of the stack file has an underscore."""
        below = self.mount.directory
        return f"{self.volume}__{below.replace('/', '_')}" if below else self.volume


def mounted(path: str, spec: Workload) -> tuple[Mounted, ...]:
    """Returns the mounts of a workload at a path such as `models.m`, by container and path."""
    return tuple(
        Mounted(f"{at}.mounts.{volume}", container, own, volume, mount)
        for at, container, own in named_containers(path, spec)
        for volume, mount in sorted(own.mounts.items(), key=lambda m: m[1].path)
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


def writable_paths(spec: Container, catalog: Catalog) -> frozenset[str]:
    """Returns the paths of the container that have an empty volume of their own.

    The default leaves out what a mount brings.
    """
    if spec.writable_paths is not None:
        return frozenset(path.rstrip("/") for path in spec.writable_paths)
    default = catalog.containers.writable_paths if spec.read_only_root else ()
    return frozenset(default) - {mount.path.rstrip("/") for mount in spec.mounts.values()}


def task_volumes(s: Situation, work: RegionalWorkload) -> tuple[TaskVolume, ...]:
    """Returns the volumes of a task by name. Mounts of unknown volumes have none."""
    found: dict[str, TaskVolume] = {
        name: EmptyVolume(name)
        for _, container, spec in named_containers(work.path, work.spec)
        for name in empty_volumes(container, spec, s.catalog)
    }
    for mount in mounted(work.path, work.spec):
        match s.settings.volumes.get(mount.volume):
            case HostVolumeEntry() as entry:
                found[mount.name] = HostVolume(mount.name, host_path(mount, entry))
            case None:
                pass
    return tuple(found[name] for name in sorted(found))


def mounts(work: RegionalWorkload) -> tuple[Mount, ...]:
    """Returns the mounts of the plan, by container and path."""
    found = [
        Mount(m.container, m.name, m.path, m.mount.read_only) for m in mounted(work.path, work.spec)
    ]
    return tuple(sorted(found, key=lambda m: (m.container, m.path)))


def host_path(mount: Mounted, entry: HostVolumeEntry) -> str:
    """Returns the directory of the instance that a mount shows."""
    path = (entry.path or f"{choices.HOST_VOLUMES}/{mount.volume}").rstrip("/")
    return f"{path}/{mount.mount.directory}" if mount.mount.directory else path or "/"


def host_gib(s: Situation, pool: str) -> int:
    """Returns the GiB that host volumes take of the disk of each instance of a pool."""
    names = {m.volume for w in s.work if w.pool.name == pool for m in mounted(w.path, w.spec)}
    entries = (s.settings.volumes.get(name) for name in names)
    return sum(e.size_gib for e in entries if isinstance(e, HostVolumeEntry))


def disk_gib(s: Situation, pool: RegionalPool) -> int:
    """Returns the size of an instance's volume: as written, or for images and host volumes."""
    match pool.spec:
        case AutoScalingCapacity() as spec:
            written, default = spec.root_volume_gib, choices.ROOT_VOLUME_GIB
        case ManagedInstancesCapacity() as spec:
            written, default = spec.storage_gib, choices.STORAGE_GIB
    return written or default + host_gib(s, pool.name)
