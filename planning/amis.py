"""The AMI of a pool and its Neuron driver."""

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from catalog import AmiFamily, Catalog, image_day
from config import AutoScalingCapacity
from planning import images
from planning.entries import RegionalPool, RegionalWorkload
from planning.images import Version
from planning.situation import Situation


def ami_family(s: Situation, pool: RegionalPool, name: str = "") -> AmiFamily | None:
    """The AMI family of an Auto Scaling pool, or another one by its name.

    None for other pools and unknown types.
    """
    spec, kind = pool.spec, pool.type
    if not isinstance(spec, AutoScalingCapacity) or kind is None:
        return None
    return s.catalog.amis.family(
        name or spec.ami.family, neuron=kind.neuron is not None, architecture=kind.architecture
    )


def _path(s: Situation, pool: RegionalPool) -> str | None:
    family = ami_family(s, pool)
    return family.parameter_path if family else None


AmiKnowledge = Literal["seen", "unseen", "absent"]


def known_ami(s: Situation, pool: RegionalPool) -> AmiKnowledge:
    """What the catalog knows of the version that the pool pins, in the pool's Region.

    `seen` in the Region, or floating; `unseen` if it has the form of such a name and is later than
    the Region's capture, or older than the AMIs that the table keeps; otherwise `absent`. Where no
    AMI was captured, the form decides: `seen` stands for "not known to be absent".
    """
    spec, path = pool.spec, _path(s, pool)
    if not isinstance(spec, AutoScalingCapacity) or path is None:
        return "seen"
    name, versions = spec.ami.version, s.catalog.amis.versions(path)
    day, captured = image_day(name), s.catalog.amis.captured_on(pool.region)
    if name == "recommended" or any(
        v.image_name == name and (v.regions is None or pool.region in v.regions) for v in versions
    ):
        return "seen"
    if day is None or _form(name) not in {_form(v.image_name) for v in versions}:
        return "absent"
    if captured is None:
        return "seen"
    kept = s.catalog.amis.kept_from(path)
    return "unseen" if day > captured or (kept is not None and day < kept) else "absent"


def _form(image_name: str) -> str:
    """The name of an AMI with each number as 0."""
    return re.sub(r"\d+", "0", image_name)


def pinned_day(s: Situation, pool: RegionalPool) -> date | None:
    """The day of the AMI that the pool pins; None if it floats or cannot exist."""
    if not isinstance(pool.spec, AutoScalingCapacity) or known_ami(s, pool) == "absent":
        return None
    return image_day(pool.spec.ami.version)


def fitting_amis(
    s: Situation, pool: RegionalPool, sdk: Version, family_name: str = ""
) -> tuple[str, ...]:
    """The AMIs of the pool's Region and family whose driver works with the SDK, oldest first."""
    family = ami_family(s, pool, family_name)
    if family is None or family.held_driver is not None:
        return ()
    return _fitting(s.catalog, family.parameter_path, pool.region, sdk)


@lru_cache(maxsize=4096)
def _fitting(catalog: Catalog, path: str, region: str, sdk: Version) -> tuple[str, ...]:
    return tuple(
        name
        for name, day in _listed(catalog, path, region)
        if (d := images.driver_at(catalog, day)) is not None
        and images.bad_pair(catalog, d, sdk) is None
    )


def suitable_amis(s: Situation, pool: RegionalPool) -> list[str]:
    """The AMIs of the pool's Region and family, oldest first, that suit the images on the pool.

    All of them if no AMI suits each image.
    """
    return common_amis(s, pool) or [name for name, _ in _seen(s, pool)]


def common_amis(
    s: Situation, pool: RegionalPool, instead: tuple[RegionalWorkload, Version] | None = None
) -> list[str]:
    """The AMIs that suit every image on the pool, oldest first; empty if there is none.

    `instead` gives a workload another SDK than that of its image.
    """
    suiting = [name for name, _ in _seen(s, pool)]
    found = {w.name: images.neuron_sdk(w.spec.image) for w in s.work_on(pool)}
    if instead is not None:
        found[instead[0].name] = instead[1]
    for sdk in set(found.values()) - {None} if pool.neuron else ():
        fitting = set(fitting_amis(s, pool, sdk)) if sdk else suiting
        suiting = [name for name in suiting if name in fitting]
    return suiting


def _seen(s: Situation, pool: RegionalPool) -> list[tuple[str, date]]:
    """Name and day of each AMI of the pool's Region and family, oldest first."""
    path = _path(s, pool)
    return _listed(s.catalog, path, pool.region) if path else []


def _listed(catalog: Catalog, path: str, region: str) -> list[tuple[str, date]]:
    return [
        (v.image_name, v.date)
        for v in catalog.amis.versions(path)
        if v.regions is None or region in v.regions
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
        day = pinned_day(s, pool) if known_ami(s, pool) == "seen" else None
        days = (day, day - margin) if day else ()
        drivers = [images.driver_at(s.catalog, d) for d in days]
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
    day = pinned_day(s, pool)
    return images.driver_at(s.catalog, day) if day else None
