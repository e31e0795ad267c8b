"""Fixtures of the rules about the hours of Capacity Blocks."""

from typing import Any

from tests.planning.fixtures import Fixture
from tests.planning.stacks import Config, groups, stack, work

DAY = {"id": "cr-0a", "start": "2026-12-01T11:30:00Z", "end": "2026-12-02T11:30:00Z"}
NEXT = {"id": "cr-0b", "start": "2026-12-02T11:30:00Z", "end": "2026-12-03T11:30:00Z"}


def blocked(*blocks: dict[str, str], **fields: Any) -> Config:
    """A model on a pool with the hours of its Capacity Blocks."""
    pool = groups("trn1.32xlarge", 1, purchase="capacity_block", zone_ids=["usw2-az4"])
    pool |= {"blocks": list(blocks), **fields}
    return stack(capacity={"pool": pool}, models={"m": work("all")})


def _two_regions(*regions: str) -> Config:
    pool = groups("trn1.32xlarge", 1, purchase="capacity_block", blocks=[DAY])
    pool |= {"regions": list(regions), "zone_ids": ["usw2-az4", "use2-az3"]}
    return stack(regions={r: {} for r in ("us-west-2", "us-east-2")}, capacity={"pool": pool})


FIXTURES: dict[str, Fixture] = {
    "NE252": Fixture(
        "capacity.pool.blocks[0].end",
        blocked(DAY | {"end": "2027-02-29T11:30:00Z"}),
        blocked(DAY | {"end": "2027-02-28T11:30:00Z"}),
    ),
    "NE253": Fixture(
        "capacity.pool.blocks[0].end",
        blocked(DAY | {"end": "2026-12-01T12:15:00Z"}),
        blocked(DAY | {"end": "2026-12-01T12:16:00Z"}),
    ),
    "NE254": Fixture(
        "capacity.pool.blocks[1].start",
        blocked(DAY, NEXT | {"start": "2026-12-02T11:29:00Z"}),
        blocked(DAY, NEXT | {"start": "2026-12-02T12:30:00+01:00"}),
        beside=frozenset({"NE255"}),
    ),
    "NE255": Fixture("capacity.pool.blocks[1].id", blocked(DAY, NEXT), blocked(DAY)),
    "NE256": Fixture(
        "capacity.pool.reservation_ids.us-west-2",
        blocked(DAY, reservation_ids={"us-west-2": "cr-0a"}),
        blocked(DAY, reservation_ids={}),
    ),
    "NE257": Fixture(
        "capacity.pool.blocks",
        _two_regions("us-west-2", "us-east-2"),
        _two_regions("us-west-2"),
    ),
    "NE258": Fixture(
        "capacity.pool.headroom",
        blocked(DAY, max_size=2, headroom=1),
        blocked(DAY, max_size=2, headroom=0),
    ),
}
