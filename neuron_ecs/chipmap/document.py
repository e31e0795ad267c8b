"""The chip map as JSON."""

from neuron_ecs.chipmap.placement import cells, counts
from neuron_ecs.chipmap.pools import DrawnPool, Stack
from planning.placing import Instance, Picture, Task, picture

VERSION = 1


def document(stack: Stack) -> dict[str, object]:
    """The map as JSON, with a version of this form; instances are not folded."""
    project, _, name = stack.name.partition("/")
    regions = [{"name": r, "pools": [_pool(p) for p in here]} for r, here in stack.regions]
    return {"version": VERSION, "project": project, "stack": name, "regions": regions}


def _pool(pool: DrawnPool) -> dict[str, object]:
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
            {"model": a.workload, "tasks_min": a.tasks_min, "tasks_max": a.tasks_max}
            for a in pool.without_devices
        ],
        "minimum": _picture(pool, picture(pool, full=False)),
        "maximum": _picture(pool, picture(pool, full=True)),
    }


def _picture(pool: DrawnPool, drawn: Picture) -> dict[str, object]:
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
                "model": r.placement.model,
                "devices": r.placement.devices,
                "how": "surge" if r.placement.surges else "in_place",
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


def _instance(pool: DrawnPool, instance: Instance) -> dict[str, object]:
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
