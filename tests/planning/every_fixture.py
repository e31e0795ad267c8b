"""One fixture for each rule, from the files by subject."""

from tests.planning import (
    fixtures,
    fixtures_alarms,
    fixtures_authentication,
    fixtures_blocks,
    fixtures_daemons,
    fixtures_layouts,
    fixtures_places,
    fixtures_scaling,
    fixtures_served,
    fixtures_traffic,
    fixtures_workloads,
)

FIXTURES = {
    **fixtures.FIXTURES,
    **fixtures_blocks.FIXTURES,
    **fixtures_places.FIXTURES,
    **fixtures_workloads.FIXTURES,
    **fixtures_served.FIXTURES,
    **fixtures_alarms.FIXTURES,
    **fixtures_traffic.FIXTURES,
    **fixtures_authentication.FIXTURES,
    **fixtures_daemons.FIXTURES,
    **fixtures_scaling.FIXTURES,
    **fixtures_layouts.FIXTURES,
}
