"""Container images: the chip and the driver that they need."""

from collections.abc import Iterator

from catalog import ContainerImage
from config import AutoScalingCapacity, Container
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import flow, listed
from planning import images
from planning.amis import ami_family, common_amis, fitting_amis, never_fits
from planning.command_line import containers, from_aws, published
from planning.entries import RegionalWorkload
from planning.images import Version
from planning.proposals import image_fix
from planning.rules.rule import Report, rule
from planning.serving.servers import replacement_rank
from planning.situation import Situation


def _on_chips(
    s: Situation,
) -> Iterator[tuple[RegionalWorkload, str, Container, str, ContainerImage]]:
    """Every container with an image that is known, on each family of chips where its task fits."""
    for work in s.distinct_work:
        kinds = work.types or work.pool.types[:1]
        families = dict.fromkeys(k.neuron.family for k in kinds if k.neuron)
        for path, container in containers(work) if work.device_count else ():
            known = published(container.image, s.catalog)
            if known is not None:
                yield from ((work, path, container, family, known) for family in families)


def _others(s: Situation, families: set[str], purpose: str) -> list[str]:
    """The newest images of the purpose that run on the families, undisputed ones first."""
    rows = [k for k in s.catalog.containers.images if families <= set(k.families) and not k.ended]
    rows = [k for k in rows if k.purpose == purpose] or rows

    def disputed(image: ContainerImage) -> bool:
        return not families.isdisjoint(image.contested)

    newest: dict[str, ContainerImage] = {}
    for row in sorted(rows, key=lambda k: (not disputed(k), k.version_from)):
        newest[row.repository] = row
    ranked = sorted(newest.values(), key=lambda k: (disputed(k), replacement_rank(k.server)))
    return [row.newest for row in ranked]


def _pools_for(s: Situation, work: RegionalWorkload, known: ContainerImage) -> list[str]:
    """The stack's pools of a family that the image runs on."""
    return [
        p.name
        for (region, _), p in s.pools.items()
        if region == work.region
        and p.types
        and not s.work_on(p)
        and all(t.neuron and t.neuron.family in known.families for t in p.types)
    ]


@rule(
    "NE406",
    "Image is for another chip",
    Severity.ERROR,
    "An image contains the runtime and the compiled code for certain chips. On other chips it "
    "finds no device, or code that cannot run.",
    do="Use an image for the pool's chip, or a pool of a chip that the image supports.",
    table="container_images",
)
def image_of_another_chip(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/deep-learning-containers: the instance types that each image
    supports; vLLM from 0.21 on runs on Trn2 and Trn3 only."""
    for work, path, container, family, known in _on_chips(s):
        if family in known.families:
            continue
        types = work.types or work.pool.types
        families = {k.name: k.neuron.family for k in types if k.neuron}
        others, pools = (
            _others(s, set(families.values()), known.purpose),
            _pools_for(s, work, known),
        )
        kinds = [k for k, its in families.items() if its == family]
        price = s.catalog.prices.on_demand
        suited = [
            k for k, its in families.items() if its in known.families and price(k, work.region)
        ]
        field = f"capacity.{work.pool.name}.allowed_instance_types"
        yield Report(
            f"{path}.image",
            f"is {shown(container.image, limit=120)}, which runs on {listed(known.families)}; "
            f"{work.pool.name} has {listed(kinds, most=3)}",
            (image_fix(s, work, f"{path}.image", others[0]) if others else "take another image")
            + (f", or write {field}: {flow(suited)}" if suited and _alone(s, work) else "")
            + (f", or write {work.path}.capacity: {pools[0]}" if pools else ""),
        )


def _alone(s: Situation, work: RegionalWorkload) -> bool:
    """Whether no other workload is on the pool, whose types can therefore follow this one."""
    return all(w.path == work.path for w in s.work_on(work.pool))


@rule(
    "NE407",
    "AWS's pages disagree on whether the image runs on the chip",
    Severity.WARNING,
    "AWS's pages contradict each other on this image and this chip.",
    do="Use a documented pair, or test this one first.",
    table="container_images",
)
def contested_pair(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/index.html (2.29)
    against https://github.com/aws-neuron/deep-learning-containers and the quickstarts of later
    releases."""
    for work, path, container, family, known in _on_chips(s):
        if family not in known.contested:
            continue
        sure = [
            k.newest
            for k in s.catalog.containers.images
            if k.purpose == known.purpose and family in k.families and family not in k.contested
        ]
        yield Report(
            f"{path}.image",
            f"is {shown(container.image, limit=120)}, on {family} of the pool {work.pool.name}",
            image_fix(s, work, f"{path}.image", sure[-1])
            if sure
            else "test it with one task first",
            known.contested_says,
        )


@rule(
    "NE408",
    "Driver and Neuron SDK of the image never work together",
    Severity.ERROR,
    "The driver of the host does not work with the runtime of the image: every task fails in "
    "nrt_init.",
    do="Pin an AMI whose driver works with the image, or use an image for the driver of the AMI.",
    table="driver_conflicts",
)
def driver_never_fits(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/runtime.html
    (known issues); an AMI keeps the driver of its day, that of Amazon Linux 2 an old one for ever
    (https://github.com/aws/amazon-ecs-ami)."""
    for work in s.distinct_work:
        spec, kind = work.pool.spec, work.pool.type
        sdk = images.neuron_sdk(work.spec.image)
        if not isinstance(spec, AutoScalingCapacity) or sdk is None or not kind or not kind.neuron:
            continue
        found = never_fits(s, work.pool, sdk)
        if found is None:
            continue
        driver, says = found
        place = f"capacity.{work.pool.name}.ami"
        amis = common_amis(s, work.pool)
        held = (family := ami_family(s, work.pool)) is not None and family.held_driver is not None
        fixes = [f"write {_modern(s, work, sdk)}"] if held else []
        fixes += [f"write {place}.version: {amis[-1]}"] if amis else []
        suiting = _suiting(s, kind.neuron.family, driver, published(work.spec.image, s.catalog))
        fixes += [image_fix(s, work, f"{work.path}.image", suiting[-1])] if suiting else []
        host = "Amazon Linux 2" if held else spec.ami.version
        yield Report(
            f"{work.path}.image",
            f"is {shown(work.spec.image, limit=120)}, of Neuron SDK {sdk}; {host} of the pool "
            f"{work.pool.name} has driver {driver}",
            ", or ".join(fixes) or "take an image of another SDK",
            says,
        )


def _modern(s: Situation, work: RegionalWorkload, sdk: Version) -> str:
    """`capacity.<pool>.ami: {family: al2023}`, with a version whose driver suits the SDK."""
    newest = next(reversed(fitting_amis(s, work.pool, sdk, "al2023")), "recommended")
    return f"capacity.{work.pool.name}.ami: {{family: al2023, version: {newest}}}"


def _suiting(s: Situation, family: str, driver: Version, like: ContainerImage | None) -> list[str]:
    """Images of the same purpose that run on the family and suit the driver."""
    return [
        k.newest
        for k in s.catalog.containers.images
        if like is not None
        and k.purpose == like.purpose
        and family in k.families
        and family not in k.contested
        and (sdk := images.neuron_sdk(k.newest)) is not None
        and images.bad_pair(s.catalog, driver, sdk) is None
    ]


@rule(
    "NE409",
    "Driver of the AMI is older than the SDK of the image",
    Severity.WARNING,
    "The driver of the AMI is older than the one that was released with the image's SDK. AWS tests "
    "an SDK with its own driver.",
    do="Use family: al2023, whose driver can be chosen by the version of the AMI.",
    table="neuron_sdks",
)
def driver_older_than_sdk(s: Situation) -> Iterator[Report]:
    """https://github.com/aws/amazon-ecs-ami (the recipe of Amazon Linux 2 holds the driver back);
    https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/runtime.html"""
    for work in s.distinct_work:
        family, sdk = ami_family(s, work.pool), images.neuron_sdk(work.spec.image)
        if family is None or family.held_driver is None or sdk is None:
            continue
        release = s.catalog.neuron.sdks.get(".".join(map(str, sdk.parts[:2])))
        newer = release and Version.of(release.driver) > Version.of(family.held_driver)
        if newer and release and never_fits(s, work.pool, sdk) is None:
            yield Report(
                f"{work.path}.image",
                f"has Neuron SDK {sdk}, released with driver {release.driver}; Amazon Linux 2 of "
                f"the pool {work.pool.name} stays at {family.held_driver}",
                f"write {_modern(s, work, sdk)}",
            )


@rule(
    "NE410",
    "AWS never published this image",
    Severity.ERROR,
    "AWS publishes no such image: the pull fails with CannotPullContainerError.",
    do="Use a version that AWS published, or another image.",
    table="container_images",
)
def never_published(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/containers.html:
    the last SDK with an image of the repository."""
    for work, path, container, family, known in _on_chips(s):
        sdk, last = images.neuron_sdk(container.image), known.published_until_sdk
        if sdk is None or last is None or sdk.parts[:2] <= last[:2]:
            continue
        if family in known.families and from_aws(container.image, s.catalog):
            yield Report(
                f"{path}.image",
                f"is {shown(container.image, limit=120)}; the last SDK with {known.repository} of "
                f"this version is {'.'.join(map(str, last))}",
                image_fix(s, work, f"{path}.image", known.newest),
            )


@rule(
    "NE411",
    "Framework of the image is no longer supported",
    Severity.WARNING,
    "AWS no longer fixes the framework in the image.",
    do="Move to a framework that AWS supports on the chip.",
    table="container_images",
)
def no_longer_supported(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/about-neuron/announcements/index.html"""
    for work, path, container, family, known in _on_chips(s):
        if known.ended and family in known.families:
            others = [i for i in _others(s, {family}, known.purpose) if i != known.newest]
            fix = "build an image of your own"
            if others:
                fix = image_fix(s, work, f"{path}.image", others[0])
                other = published(others[0], s.catalog)
                if known.server and other and other.server != known.server:
                    fix += ", for which the model is compiled again"
            yield Report(
                f"{path}.image", f"is {shown(container.image, limit=120)}: {known.ended}", fix
            )


RULES = (
    image_of_another_chip,
    contested_pair,
    driver_never_fits,
    driver_older_than_sdk,
    never_published,
    no_longer_supported,
)
