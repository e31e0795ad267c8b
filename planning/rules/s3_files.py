"""Volumes of Amazon S3 Files: on which capacity, of which Region, and which directory."""

from collections.abc import Iterator

from config import S3FilesVolumeEntry
from messages.finding import Severity
from messages.phrases import listed
from planning.rules.rule import Report, rule
from planning.serving import ahead
from planning.situation import Situation
from planning.volumes import cache_fields, mounted


@rule(
    "NE382",
    "S3 Files on Auto Scaling capacity",
    Severity.ERROR,
    "ECS mounts file systems of S3 Files on Managed Instances and Fargate; on instances of an Auto "
    "Scaling group the task fails at its launch.",
    do="Mount another kind of volume, or name a pool of kind: managed_instances.",
)
def s3_files_on_groups(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/s3files-volumes.html,
    Availability"""
    caches = cache_fields(s)
    for work in s.distinct_work:
        for found in mounted(work.path, work.spec):
            entry = s.settings.volumes.get(found.volume)
            if isinstance(entry, S3FilesVolumeEntry) and not work.pool.managed:
                at, what = found.at, f"is at {found.mount.path}"
                fix = f"write volumes: {{{found.volume}: {{kind: efs}}}}"
                if at in caches:
                    at, what = caches[at], f"is {found.volume}"
                    model = s.settings.models[work.name]
                    fix = fix if ahead.is_ahead(model) else "leave it out"
                where = f"{work.pool.name} is a pool of kind auto_scaling"
                yield Report(at, f"{what}, a volume of kind s3_files, and {where}", fix)


@rule(
    "NE383",
    "File system of S3 Files is of another Region",
    Severity.ERROR,
    "A task mounts a file system of its own Region, by its ARN.",
    do="Name a file system of the Region, whose bucket is in the Region as well.",
)
def s3_files_of_another_region(s: Situation) -> Iterator[Report]:
    """API_CreateFileSystem of S3 Files, bucket: in the same Region as the file system;
    API_CreateMountTarget: so is the subnet of a mount target."""
    for name, entry in sorted(s.settings.volumes.items()):
        given = entry.file_systems if isinstance(entry, S3FilesVolumeEntry) else {}
        for region, arn in given.items():
            known = s.catalog.places.regions.get(region)
            _, partition, _, of, account, resource = arn.split(":", 5)
            if known is not None and (of, partition) != (region, known.partition):
                kind = "access point" if "/access-point/" in resource else "file system"
                yield Report(
                    f"volumes.{name}.file_systems.{region}",
                    f"is {arn}, a {kind} of {of} in the partition {partition}",
                    f"write arn:{known.partition}:s3files:{region}:{account}:file-system/fs-…",
                )


@rule(
    "NE384",
    "Directory beside an access point",
    Severity.ERROR,
    "ECS refuses a root directory of a volume that names an access point of S3 Files: the access "
    "point has one.",
    do="Leave directory out, or name the file system without the access point.",
)
def directory_beside_access_point(s: Situation) -> Iterator[Report]:
    """API_S3FilesVolumeConfiguration of the Amazon ECS API Reference, rootDirectory"""
    for found in (m for path, spec in s.named_workloads() for m in mounted(path, spec)):
        entry = s.settings.volumes.get(found.volume)
        if not isinstance(entry, S3FilesVolumeEntry) or not found.mount.directory:
            continue
        points = {r: a for r, a in entry.file_systems.items() if "/access-point/" in a}
        if points:
            yield Report(
                f"{found.at}.directory",
                f"is {found.mount.directory}, and {found.volume} names an access point of "
                f"{listed(sorted(points))}",
                "leave it out",
            )


RULES = (s3_files_on_groups, s3_files_of_another_region, directory_beside_access_point)
