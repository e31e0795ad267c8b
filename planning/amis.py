"""Which AMI a pool runs, and which Neuron driver is on it."""

from datetime import timedelta

from catalog import AmiFamily
from config import AutoScalingCapacity
from planning import images
from planning.images import Version
from planning.situation import RegionalPool, Situation


def ami_family(s: Situation, pool: RegionalPool) -> AmiFamily | None:
    """The kind of AMI of an Auto Scaling pool."""
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
    """The AMIs of the pool's Region and family whose driver suits the SDK, oldest first."""
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
    """The driver of an AMI that stays, with what AWS says, where it can never start the SDK.

    An AMI stays that is pinned, or whose recipe holds the driver. One that was built in the days
    after a release may have the driver before: then nothing is certain.
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
    told = [images.bad_pair(s.catalog, d, sdk) if d is not None else None for d in drivers]
    if not told or drivers[0] is None or any(says is None for says in told):
        return None
    return drivers[0], told[0] or ""


def ami_driver(s: Situation, pool: RegionalPool) -> Version | None:
    """The Neuron driver that the pool's AMI came with; None where no source tells."""
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
