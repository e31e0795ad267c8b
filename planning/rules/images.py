"""Images and machine images: registries, drivers, ends of life."""

from collections.abc import Iterator
from datetime import timedelta

from catalog import AmiFamily
from config import AutoScalingCapacity
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import nearest
from planning import images
from planning.images import Version
from planning.rules.chips import each_workload
from planning.rules.rule import Report, rule
from planning.situation import RegionalPool, Situation


@rule(
    "NE401",
    Severity.WARNING,
    "The AMI's operating system gets no updates after its end of life.",
    do="Use family: al2023.",
)
def past_end_of_life(s: Situation) -> Iterator[Report]:
    """https://github.com/aws/amazon-ecs-ami states the end of the Amazon Linux 2 ECS AMI; judged at
    the date of the catalog, so that a plan depends on its inputs alone."""
    for name, spec in s.settings.capacity.items():
        kind = (
            s.catalog.instance_type(spec.instance_type)
            if isinstance(spec, AutoScalingCapacity)
            else None
        )
        if not isinstance(spec, AutoScalingCapacity) or kind is None:
            continue
        family = s.catalog.ami_family(
            spec.ami.family, neuron=kind.neuron is not None, architecture=kind.architecture
        )
        if family is not None and family.end_of_life and family.end_of_life <= s.catalog.date:
            yield Report(
                f"capacity.{name}.ami.family",
                f"is {spec.ami.family}, past its end of life on {family.end_of_life}",
                "write family: al2023, or leave ami out",
            )


@rule(
    "NE402",
    Severity.ERROR,
    "A pinned AMI is a parameter that AWS published under that name.",
    do="Write the name of an AMI that was seen in the Region, or recommended.",
)
def unknown_ami(s: Situation) -> Iterator[Report]:
    """Systems Manager keeps a parameter for each ECS-optimized AMI
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html)."""
    for (region, name), pool in s.pools.items():
        spec = pool.spec
        if not isinstance(spec, AutoScalingCapacity) or spec.ami.version == "recommended":
            continue
        kind = pool.type
        family = kind and s.catalog.ami_family(
            spec.ami.family, neuron=kind.neuron is not None, architecture=kind.architecture
        )
        if not family:
            continue
        versions = s.catalog.ami_versions(family.parameter_path)
        known = {v.image_name: v for v in versions}
        found = known.get(spec.ami.version)
        if found is None:
            yield Report(
                f"capacity.{name}.ami.version",
                f"is {shown(spec.ami.version, limit=128)}, no AMI of {family.parameter_path}",
                f"{nearest(spec.ami.version, known)} The newest is {versions[-1].image_name}"
                if versions
                else "write recommended",
            )
        elif found.regions is not None and region not in found.regions:
            here = [v.image_name for v in versions if v.regions is None or region in v.regions]
            yield Report(
                f"capacity.{name}.ami.version",
                f"is {spec.ami.version}, which was not seen in {region}",
                f"write {here[-1]}" if here else "write recommended",
            )


@rule(
    "NE403",
    Severity.WARNING,
    "AWS does not publish the version of the Neuron driver on Managed Instances; an image whose "
    "SDK does not suit it dies in nrt_init.",
    do="Try one task first, or use kind: auto_scaling and pin the AMI.",
)
def driver_hidden(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/runtime.html:
    known issues of driver and runtime versions."""
    for work in each_workload(s):
        sdk = images.neuron_sdk(work.spec.image)
        if work.pool.managed and work.pool.neuron and work.spec.neuron_devices is not None:
            said = f"is of Neuron SDK {sdk}" if sdk else "does not name its Neuron SDK"
            yield Report(
                f"{work.path}.image",
                f"{said}, on instances whose driver is not published",
                "try one task first; kind: auto_scaling lets you pin the AMI and so the driver",
            )


@rule(
    "NE404",
    Severity.WARNING,
    "The Neuron driver is the AMI's and the runtime the image's; some pairs fail in nrt_init.",
    do="Pin an AMI whose driver suits the image, or take an image of a newer SDK.",
)
def driver_against_sdk(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/runtime.html:
    driver 2.29 and later need runtime 2.33 (SDK 2.31) or later; runtime 2.32 (SDK 2.30) needs a
    driver later than 2.26. The AMI has the newest driver of its day (aws/amazon-ecs-ami)."""
    for work in each_workload(s):
        spec = work.pool.spec
        sdk = images.neuron_sdk(work.spec.image)
        if not isinstance(spec, AutoScalingCapacity) or not work.pool.neuron or sdk is None:
            continue
        driver = ami_driver(s, work.pool)
        bad = images.bad_pair(s.catalog, driver, sdk) if driver is not None else None
        if bad is None or never_fits(s, work.pool, sdk) is not None:
            continue
        fitting = fitting_amis(s, work.pool, sdk)
        floating = spec.ami.version == "recommended"
        yield Report(
            f"{work.path}.image",
            f"is of Neuron SDK {sdk}, with driver {driver} or later on "
            + ("the recommended AMI" if floating else spec.ami.version),
            f"write capacity.{work.pool.name}.ami.version: {fitting[-1]}"
            if fitting
            else "take an image of a newer SDK",
            bad,
        )


def ami_family(s: Situation, pool: RegionalPool) -> AmiFamily | None:
    """The kind of AMI of an Auto Scaling pool."""
    spec, kind = pool.spec, pool.type
    if not isinstance(spec, AutoScalingCapacity) or kind is None:
        return None
    return s.catalog.ami_family(
        spec.ami.family, neuron=kind.neuron is not None, architecture=kind.architecture
    )


def _path(s: Situation, pool: RegionalPool) -> str | None:
    family = ami_family(s, pool)
    return family.parameter_path if family else None


def fitting_amis(s: Situation, pool: RegionalPool, sdk: Version) -> list[str]:
    """The AMIs of the pool's Region and family whose driver suits the SDK, oldest first."""
    family = ami_family(s, pool)
    if family is None or family.held_driver is not None:
        return []
    return [
        v.image_name
        for v in s.catalog.ami_versions(family.parameter_path)
        if (v.regions is None or pool.region in v.regions)
        and (d := images.driver_at(s.catalog, v.date)) is not None
        and images.bad_pair(s.catalog, d, sdk) is None
    ]


def never_fits(s: Situation, pool: RegionalPool, sdk: Version) -> tuple[Version, str] | None:
    """The driver of an AMI that stays, with what AWS says, where it can never start the SDK.

    An AMI stays that is pinned, or whose recipe holds the driver. One that was built in the days
    after a release may have the driver before: then nothing is certain.
    """
    family, spec = ami_family(s, pool), pool.spec
    if family is None or not isinstance(spec, AutoScalingCapacity):
        return None
    if family.held_driver is not None:
        drivers: list[Version | None] = [Version.of(family.held_driver)]
    elif pool.type and pool.type.neuron and pool.type.neuron.family == "inf1":
        return None
    else:
        margin = timedelta(days=s.catalog.limit("ami_driver_margin_days"))
        pinned = spec.ami.version
        days = [
            v.date for v in s.catalog.ami_versions(family.parameter_path) if v.image_name == pinned
        ]
        drivers = [images.driver_at(s.catalog, d) for day in days for d in (day, day - margin)]
    told = [images.bad_pair(s.catalog, d, sdk) if d is not None else None for d in drivers]
    if not told or drivers[0] is None or any(says is None for says in told):
        return None
    return drivers[0], told[0] or ""


def ami_driver(s: Situation, pool: RegionalPool) -> Version | None:
    """The Neuron driver that the pool's AMI came with; None where no source tells."""
    path, spec = _path(s, pool), pool.spec
    if path is None or not isinstance(spec, AutoScalingCapacity) or spec.ami.family != "al2023":
        return None
    if pool.type and pool.type.neuron and pool.type.neuron.family == "inf1":
        return None  # the AMI steps down to a driver for Inf1 at boot
    versions = s.catalog.ami_versions(path)
    if spec.ami.version == "recommended":
        return images.driver_at(s.catalog, versions[-1].date) if versions else None
    dates = [v.date for v in versions if v.image_name == spec.ami.version]
    return images.driver_at(s.catalog, dates[0]) if dates else None


@rule(
    "NE405",
    Severity.ERROR,
    "Each Region pulls Deep Learning Containers from its own registry.",
    do="Leave the Region out, or take an image of public.ecr.aws/neuron.",
)
def no_deep_learning_containers(s: Situation) -> Iterator[Report]:
    """https://github.com/aws/deep-learning-containers, table of accounts by Region."""
    for work in each_workload(s):
        region = s.catalog.regions[work.region]
        pulled = [("image", work.spec.image)]
        pulled += [(f"sidecars.{n}.image", c.image) for n, c in work.spec.sidecars.items()]
        for where, image in pulled:
            if image.startswith(images.DLC) and region.dlc_account is None:
                others = [r for r in s.regions if s.catalog.regions[r].dlc_account]
                yield Report(
                    f"{work.path}.{where}",
                    f"is {shown(image, limit=120)}, for which {work.region} has no registry",
                    f"write regions: [{', '.join(others)}], or an image of public.ecr.aws/neuron"
                    if others
                    else "write an image of public.ecr.aws/neuron",
                )


RULES = (
    past_end_of_life,
    unknown_ami,
    driver_hidden,
    driver_against_sdk,
    no_deep_learning_containers,
)
