"""CPU and memory of tasks: what goes with a part of the devices."""

import pytest

from catalog import load
from planning.rooms import NOTHING, Room, room_of, share_of

KNOWN = load()
KIND = KNOWN.instances.types["inf2.24xlarge"]


@pytest.mark.parametrize(("more", "counted"), [(0, True), (1, False)])
@pytest.mark.parametrize("field", ["cpu_units", "memory_mib"])
def test_what_tasks_without_devices_take_is_counted_up_to_half(
    field: str, more: int, counted: bool
) -> None:
    whole = room_of(KIND, KNOWN)
    taken = {"cpu_units": 0, "memory_mib": 0, field: getattr(whole, field) // 2 + more}
    devices = KIND.neuron.devices if KIND.neuron else 0
    share, alone = (share_of(KIND, devices, KNOWN, o) for o in (Room(**taken), NOTHING))
    assert getattr(share, field) == getattr(alone, field) - taken[field] * counted
