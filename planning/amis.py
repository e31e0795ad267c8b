"""The AMI of a pool and its Neuron driver."""

from datetime import timedelta

from catalog import AmiFamily
from config import AutoScalingCapacity
from planning import images
from planning.images import Version
from planning.situation import RegionalPool, Situation


def ami_family(s: Situation, pool: RegionalPool) -> AmiFamily | None:
    """The AMI family of an Auto Scaling pool; None for other pools and unknown types."""
    spec, kind = pool.spec, pool.type
    if not isinstance(spec, AutoScalingCapacity) or kind is None:
        return None
    return s.catalog.amis.family(
        spec.ami.family, neuron=kind.neuron is not None, architecture=kind.architecture
    )


def _path(s: Situation, pool: RegionalPool) -> str | None:
    family = ami_family(s, pool)
    return family.parameter_path if family else None


def fitting_amis(s: Situation, pool: RegionalPool, sdk: Version) -> list[str]:
    """The AMIs of the pool's Region and family whose driver works with the SDK, oldest first."""
    family = ami_family(s, pool)
    if family is None or family.held_driver is not None:
        return []
    return [
        v.image_name
        for v in s.catalog.amis.versions(family.parameter_path)
        if (v.regions is None or pool.region in v.regions)
        and (d := images.driver_at(s.catalog, v.date)) is not None
        and images.bad_pair(s.catalog, d, sdk) is None
    ]


def never_fits(s: Situation, pool: RegionalPool, sdk: Version) -> tuple[Version, str] | None:
    """The pool's driver if it cannot work with the SDK, and AWS's sentence about the pair.

    ``None`` unless the driver is certain: the recipe of the AMI is pinned to it, or the stack file
    names the version of the AMI. An AMI built in the days after a release may still have the
    driver before it, so both must fail.
    """
    family, spec = ami_family(s, pool), pool.spec
    if family is None or not isinstance(spec, AutoScalingCapacity):
        return None
    if family.held_driver is not None:
        drivers: list[Version | None] = [Version.of(family.held_driver)]
    elif pool.type and pool.type.neuron and pool.type.neuron.boot_changes_driver:
        return None
    else:
        margin = timedelta(days=s.catalog.limits.value("ami_driver_margin_days"))
        pinned = spec.ami.version
        days = [
            v.date for v in s.catalog.amis.versions(family.parameter_path) if v.image_name == pinned
        ]
        drivers = [images.driver_at(s.catalog, d) for day in days for d in (day, day - margin)]
    conflicts = [images.bad_pair(s.catalog, d, sdk) if d is not None else None for d in drivers]
    if not conflicts or drivers[0] is None or any(says is None for says in conflicts):
        return None
    return drivers[0], conflicts[0] or ""


def ami_driver(s: Situation, pool: RegionalPool) -> Version | None:
    """The Neuron driver of the pool's AMI; None if it is not known."""
    path, spec = _path(s, pool), pool.spec
    if path is None or not isinstance(spec, AutoScalingCapacity) or spec.ami.family != "al2023":
        return None
    if pool.type and pool.type.neuron and pool.type.neuron.boot_changes_driver:
        return None
    versions = s.catalog.amis.versions(path)
    if spec.ami.version == "recommended":
        return images.driver_at(s.catalog, versions[-1].date) if versions else None
    dates = [v.date for v in versions if v.image_name == spec.ami.version]
    return images.driver_at(s.catalog, dates[0]) if dates else None
