"""The `map` command: who sits on which chip, as text, as JSON and as one HTML page."""

import json
import sys
from pathlib import Path
from typing import TextIO

import catalog
from neuron_ecs import terminal as report
from neuron_ecs.chipmap import page, pools, text
from neuron_ecs.chipmap.pools import Pool, Stack
from neuron_ecs.chipmap.seating import Instance, Picture, Task, cells, counts, picture
from neuron_ecs.stackfile.reading import StackFile
from planning import decide

VERSION = 1
WRONG_USAGE = 2


def run(
    file: StackFile, *, as_json: bool, out: TextIO, width: int, html: Path | None = None
) -> int:
    """Writes the chip map of a stack file; raises `Refused` where it cannot be built.

    `html` is where the page goes; without `as_json` the text is then left out.
    """
    tables = catalog.load()
    plan = decide(file.config, tables, project=file.project, stack=file.stack)
    stack = pools.of_plan(plan, tables)
    if html is not None:
        try:
            html.write_text(page.render(None, stack), encoding="utf-8", newline="\n")
        except OSError as error:
            said = f"--html {html} cannot be written: {error.strerror}; name a file in a directory"
            sys.stderr.write(f"{said} that exists\n")
            return WRONG_USAGE
    if as_json:
        json.dump(document(stack), out, indent=1, ensure_ascii=False)
        out.write("\n")
    elif html is None:
        lines = text.render(stack, width=width, coloured=report.is_coloured(out))
        out.writelines(f"{line}\n" for line in lines)
    else:
        out.write(f"{html}\n")
    return 0


def document(stack: Stack) -> dict[str, object]:
    """The map as JSON, with a version of this form; instances are not folded."""
    project, _, name = stack.name.partition("/")
    regions = [{"name": r, "pools": [_pool(p) for p in here]} for r, here in stack.regions]
    return {"version": VERSION, "project": project, "stack": name, "regions": regions}


def _pool(pool: Pool) -> dict[str, object]:
    return {
        "name": pool.name,
        "kind": pool.kind,
        "instance_types": pool.types,
        "purchase": pool.purchase,
        "topology": pool.shape,
        "devices": pool.devices,
        "max_size": pool.limit,
        "retired": pool.retired,
        "slots": pool.slots,
        "without_devices": [
            {"model": a.model, "tasks_min": a.least, "tasks_max": a.most} for a in pool.apart
        ],
        "minimum": _picture(pool, picture(pool, full=False)),
        "maximum": _picture(pool, picture(pool, full=True)),
    }


def _picture(pool: Pool, drawn: Picture) -> dict[str, object]:
    held = counts(pool, drawn)
    return {
        "running": len(drawn.running),
        "devices": {
            "taken": held["taken"],
            "free": held["free"] + held["job"],
            "free_for_jobs": held["job"],
        },
        "instances": [_instance(pool, i) for i in drawn.instances],
        "waiting_jobs": drawn.waiting,
        "rollouts": [
            {
                "model": r.seat.model,
                "devices": r.seat.devices,
                "how": "surge" if r.seat.surges else "in_place",
                "tasks_at_once": r.at_once,
                "instances_added": r.instances,
            }
            for r in drawn.rollouts
        ],
        "rollout_of_everything": {
            "new_tasks": drawn.new_tasks,
            "instances": [_instance(pool, i) for i in drawn.surge],
        },
    }


def _instance(pool: Pool, instance: Instance) -> dict[str, object]:
    seen = cells(pool, instance)
    return {
        "number": instance.number,
        "role": instance.role,
        "tasks": [_task(t) for t in instance.tasks],
        "jobs": [_task(t) for t in instance.jobs],
        "free": [cell.device for cell in seen if cell.state != "taken"],
    }


def _task(task: Task) -> dict[str, object]:
    return {
        "workload": task.workload,
        "task": task.number,
        "slot": task.slot,
        "devices": task.devices,
    }
