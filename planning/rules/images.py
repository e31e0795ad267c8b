"""Images and machine images: registries, drivers, ends of life."""

from collections.abc import Iterator
from difflib import get_close_matches

from config import AutoScalingCapacity
from config.credentials import shown
from messages.finding import Severity
from planning import images
from planning.amis import (
    ami_driver,
    ami_family,
    common_amis,
    known_ami,
    never_fits,
    suitable_amis,
)
from planning.proposals import as_group
from planning.rules.rule import Report, rule
from planning.situation import Situation


@rule(
    "NE401",
    "Operating system of the AMI is past its end of life",
    Severity.WARNING,
    "The AMI's operating system gets no updates after its end of life.",
    do="Use family: al2023.",
    table="ami_families",
)
def past_end_of_life(s: Situation) -> Iterator[Report]:
    """https://github.com/aws/amazon-ecs-ami states the end of the Amazon Linux 2 ECS AMI; judged at
    the date of the catalog, so that a plan depends on its inputs alone."""
    for name, spec in s.settings.capacity.items():
        kind = (
            s.catalog.instances.get(spec.instance_type)
            if isinstance(spec, AutoScalingCapacity)
            else None
        )
        if not isinstance(spec, AutoScalingCapacity) or kind is None:
            continue
        family = s.catalog.amis.family(
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
    "AMI does not exist",
    Severity.ERROR,
    "A pinned AMI must have a parameter that AWS published in the Region.",
    do="Write the name of an AMI that was published in the Region, or recommended.",
)
def unknown_ami(s: Situation) -> Iterator[Report]:
    """Systems Manager keeps a parameter for each ECS-optimized AMI
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html)."""
    for (region, name), pool in s.pools.items():
        spec, family = pool.spec, ami_family(s, pool)
        if not isinstance(spec, AutoScalingCapacity) or not family:
            continue
        if known_ami(s, pool) == "absent":
            fitting, day = suitable_amis(s, pool), s.catalog.amis.captured_on(region)
            yield Report(
                f"capacity.{name}.ami.version",
                f"is {shown(spec.ami.version, limit=128)}, no AMI of {family.parameter_path}"
                + (f" in {region} ({day})" if day else ""),
                _near_ami(spec.ami.version, fitting),
            )


def _near_ami(name: str, fitting: list[str]) -> str:
    """The nearest name of an AMI that suits the pool, and the newest."""
    near = get_close_matches(name, fitting, n=1)
    mean = f"did you mean {near[0]}? Or " if near and near[0] != fitting[-1] else ""
    newest = f"write {fitting[-1]}, the newest that suits the pool" if fitting else ""
    return mean + (newest or "write recommended")


@rule(
    "NE403",
    "Driver version on Managed Instances is not published",
    Severity.WARNING,
    "AWS does not publish the version of the Neuron driver on Managed Instances. An image whose "
    "SDK does not match it fails in nrt_init.",
    do="Test one task first, or use kind: auto_scaling and pin the AMI.",
)
def driver_hidden(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/runtime.html:
    known issues of driver and runtime versions."""
    for work in s.distinct_work:
        sdk = images.neuron_sdk(work.spec.image)
        if work.pool.managed and work.pool.neuron and work.spec.neuron_devices:
            said = f"has Neuron SDK {sdk}" if sdk else "does not name its Neuron SDK"
            yield Report(
                f"{work.path}.image",
                f"{said}, on instances whose driver version is not published",
                "test one task first"
                + (
                    f", or {group}, where the AMI pins the driver"
                    if (group := as_group(s, work.pool.name))
                    else ""
                ),
            )


@rule(
    "NE404",
    "Driver and Neuron SDK of the image may not work together",
    Severity.WARNING,
    "The Neuron driver comes with the AMI and the runtime with the image. Some pairs fail in "
    "nrt_init.",
    do="Pin an AMI whose driver works with the image, or use an image of a newer SDK.",
    table="driver_conflicts",
)
def driver_against_sdk(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/runtime.html:
    driver 2.29 and later need runtime 2.33 (SDK 2.31) or later; runtime 2.32 (SDK 2.30) needs a
    driver later than 2.26. The AMI has the newest driver of its day (aws/amazon-ecs-ami)."""
    for work in s.distinct_work:
        spec = work.pool.spec
        sdk = images.neuron_sdk(work.spec.image)
        if not isinstance(spec, AutoScalingCapacity) or not work.pool.neuron or sdk is None:
            continue
        driver = ami_driver(s, work.pool)
        bad = images.bad_pair(s.catalog, driver, sdk) if driver is not None else None
        if bad is None or never_fits(s, work.pool, sdk) is not None:
            continue
        fitting = common_amis(s, work.pool)
        floating = spec.ami.version == "recommended"
        yield Report(
            f"{work.path}.image",
            f"has Neuron SDK {sdk}, with driver {driver} or later on "
            + ("the recommended AMI" if floating else spec.ami.version),
            f"write capacity.{work.pool.name}.ami.version: {fitting[-1]}"
            if fitting
            else "take an image of another SDK",
            bad,
        )


@rule(
    "NE425",
    "AMI is not in the catalog",
    Severity.WARNING,
    "The catalog has the AMIs of the Region up to a day, and only the newest without Neuron. If "
    "this one does not exist, the pool's update fails.",
    do="Check the name in the release notes of amazon-ecs-ami, or refresh the catalog.",
)
def ami_not_seen(s: Situation) -> Iterator[Report]:
    """https://github.com/aws/amazon-ecs-ami/releases: about three new AMIs a month. The parameters
    of the catalog are those of GetParametersByPath
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html)."""
    for (region, name), pool in s.pools.items():
        spec = pool.spec
        if isinstance(spec, AutoScalingCapacity) and known_ami(s, pool) == "unseen":
            fitting = common_amis(s, pool)
            yield Report(
                f"capacity.{name}.ami.version",
                f"is {spec.ami.version}, which the catalog has not seen in {region} "
                f"({s.catalog.amis.captured_on(region)})",
                "run `neuron-ecs catalog refresh`"
                + (f", or write {fitting[-1]}, which was seen there" if fitting else ""),
            )


RULES = (
    past_end_of_life,
    unknown_ami,
    driver_hidden,
    driver_against_sdk,
    ami_not_seen,
)
