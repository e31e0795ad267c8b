"""Images and machine images: registries, drivers, ends of life."""

from collections.abc import Iterator

from config import AutoScalingCapacity
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import nearest
from planning import images
from planning.amis import ami_driver, fitting_amis, never_fits
from planning.rules.rule import Report, rule
from planning.situation import Situation, each_workload


@rule(
    "NE401",
    "Operating system of the AMI is past its end of life",
    Severity.WARNING,
    "The AMI's operating system gets no updates after its end of life.",
    do="Use family: al2023.",
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
    "A pinned AMI must have a parameter that AWS published.",
    do="Write the name of an AMI that was published in the Region, or recommended.",
)
def unknown_ami(s: Situation) -> Iterator[Report]:
    """Systems Manager keeps a parameter for each ECS-optimized AMI
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html)."""
    for (region, name), pool in s.pools.items():
        spec = pool.spec
        if not isinstance(spec, AutoScalingCapacity) or spec.ami.version == "recommended":
            continue
        kind = pool.type
        family = kind and s.catalog.amis.family(
            spec.ami.family, neuron=kind.neuron is not None, architecture=kind.architecture
        )
        if not family:
            continue
        versions = s.catalog.amis.versions(family.parameter_path)
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
    "Driver version on Managed Instances is not published",
    Severity.WARNING,
    "AWS does not publish the version of the Neuron driver on Managed Instances. An image whose "
    "SDK does not match it fails in nrt_init.",
    do="Test one task first, or use kind: auto_scaling and pin the AMI.",
)
def driver_hidden(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/runtime.html:
    known issues of driver and runtime versions."""
    for work in each_workload(s):
        sdk = images.neuron_sdk(work.spec.image)
        if work.pool.managed and work.pool.neuron and work.spec.neuron_devices is not None:
            said = f"has Neuron SDK {sdk}" if sdk else "does not name its Neuron SDK"
            yield Report(
                f"{work.path}.image",
                f"{said}, on instances whose driver version is not published",
                "test one task first, or use kind: auto_scaling, where the AMI pins the driver",
            )


@rule(
    "NE404",
    "Driver and Neuron SDK of the image may not work together",
    Severity.WARNING,
    "The Neuron driver comes with the AMI and the runtime with the image. Some pairs fail in "
    "nrt_init.",
    do="Pin an AMI whose driver works with the image, or use an image of a newer SDK.",
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
            f"has Neuron SDK {sdk}, with driver {driver} or later on "
            + ("the recommended AMI" if floating else spec.ami.version),
            f"write capacity.{work.pool.name}.ami.version: {fitting[-1]}"
            if fitting
            else "use an image of a newer SDK",
            bad,
        )


@rule(
    "NE405",
    "Region has no registry of Deep Learning Containers",
    Severity.ERROR,
    "Each Region pulls Deep Learning Containers from its own registry.",
    do="Leave the Region out, or use an image of public.ecr.aws/neuron.",
)
def no_deep_learning_containers(s: Situation) -> Iterator[Report]:
    """https://github.com/aws/deep-learning-containers, table of accounts by Region."""
    for work in each_workload(s):
        region = s.catalog.places.regions[work.region]
        pulled = [("image", work.spec.image)]
        pulled += [(f"sidecars.{n}.image", c.image) for n, c in work.spec.sidecars.items()]
        for where, image in pulled:
            if image.startswith(images.DLC) and region.dlc_account is None:
                others = [r for r in s.regions if s.catalog.places.regions[r].dlc_account]
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
