"""A model of how Amazon ECS places tasks on the container instances of one pool.

Written from AWS's documentation, not from the planner: it knows task definitions as ECS knows them
(CPU, memory, host ports, placement constraints) and does not track Neuron devices, which ECS does
not do on EC2 capacity either. Beside it stands what ECS never sees: which process holds which
device of which host, from the start of the process until its end. Two processes on one device of
one host at one time are a `Collision`.

What happens is a sequence of events, each a plain tuple of names. Whoever calls `apply` chooses the
order; an event that the rules do not allow now changes nothing and answers False. There is no
clock: between two events any time can pass, so every order of events that some timing can bring
about is an order that the model can take. `propose` draws a next event at random.

| rule | where it stands |
|---|---|
| minimum healthy percent is rounded up, maximum percent down; the maximum limits RUNNING and PENDING tasks, so a STOPPING one does not count | https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html, API_DeploymentConfiguration |
| a task passes PROVISIONING, PENDING, RUNNING, STOPPING (deregistration, SIGTERM, stopTimeout, SIGKILL), STOPPED | https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html |
| a host port of a task is reserved on the instance until the task has stopped; 100 at most, the agent's own among them; port 0 is Docker's choice and never conflicts | https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html |
| people have seen the scheduler offer what a STOPPING task still holds (`Rules.scheduler_holds_stopping` False) | https://github.com/aws/containers-roadmap/issues/575 |
| the agent books CPU, memory and host ports itself, in the order in which tasks came, and releases them when it reports STOPPED | https://github.com/aws/amazon-ecs-agent/pull/3819 |
| distinctInstance: each task of a service on another instance; memberOf: an expression | https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-constraints.html |
| strategies choose among the instances that constraints leave, and are best effort | https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-strategies.html |
| managed scaling: CapacityProviderReservation M / N * 100; PROVISIONING tasks in groups of equal requirements, M = N + the largest group's fewest instances by binpack, within the step sizes; scale-in after 15 points, of instances without tasks that are not daemons | https://aws.amazon.com/blogs/containers/deep-dive-on-amazon-ecs-cluster-auto-scaling/, https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html |
| from no instance the first step is two | https://github.com/aws/containers-roadmap/issues/1716 |
| circuit breaker: half of the desired count, 3 at least and 200 at most; rolls back to the last completed deployment, and starts nothing more where there is none | https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html |
| a DRAINING instance takes no task; tasks of services leave it by the percents of their service, others stay until they end | https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-draining.html |
| an instance that has gone takes its tasks with it; the group replaces it | https://docs.aws.amazon.com/autoscaling/ec2/userguide/replace-unhealthy-instances.html |

Left out on purpose: time (grace periods, timeouts of PROVISIONING, the minute of the metric: a
`tick` is one point), zones, network interfaces, images and disks, Managed Instances of several
types and how they choose instances to remove, sidecar failures, Docker's own refusal to bind a port twice (a third guard
behind the bridge), and quotas.
"""  # noqa: E501 (a table)

from collections.abc import Callable

from tests.simulation.states import (
    BREAKER_LEAST,
    BREAKER_MOST,
    PENDING,
    PORTS_MAX,
    PROVISIONING,
    RUNNING,
    SCALE_IN_POINTS,
    STOPPING,
    Collision,
    Event,
    Instance,
    Measures,
    PoolSpec,
    Rules,
    Service,
    ServiceSpec,
    Task,
    TaskSpec,
)


class World:
    """One pool, its services and its jobs."""

    def __init__(
        self,
        pool: PoolSpec,
        services: tuple[ServiceSpec, ...] = (),
        jobs: dict[str, TaskSpec] | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.pool = pool
        self.rules = rules or Rules()
        self.jobs = dict(jobs or {})
        self.services: dict[str, Service] = {}
        self.tasks: dict[str, Task] = {}
        self.instances: dict[str, Instance] = {}
        self.desired_instances = pool.min_size
        self.low_points = 0
        self.collision: Collision | None = None
        self.unlocked: frozenset[str] = frozenset()  # services and jobs that may meet themselves
        self.measures = Measures()
        self.wanted: dict[str, ServiceSpec] = {s.key: s for s in services}
        self.task_list: list[Task] = []
        self._numbers: dict[str, int] = {}
        self.service_list: list[Service] = []
        self.instance_list: list[Instance] = []
        self._actions: dict[str, Callable[..., bool]] = {
            name.removeprefix("_do_"): getattr(self, name)
            for name in dir(self)
            if name.startswith("_do_")
        }

    # -- what happens --------------------------------------------------------------------------

    def apply(self, event: Event) -> bool:
        """Makes it happen if the rules allow it now; says whether they did."""
        return self._actions[event[0]](*event[1:])

    # services, as the API is called

    def _do_create(self, key: str) -> bool:
        if key in self.services or key not in self.wanted:
            return False
        service = Service(self.wanted[key])
        self._legal(service.spec.task)
        self.services[key] = service
        self.service_list.append(service)
        return True

    def _do_update(self, key: str) -> bool:
        """UpdateService: another task definition starts a deployment, other numbers do not."""
        service = self.services.get(key)
        if service is None or service.deleting:
            return False
        spec, old = self.wanted[key], service.spec
        service.spec = spec
        if spec.least == spec.most:  # else the count is the scaling's
            service.desired = spec.least
        if spec.task != old.task:
            self._legal(spec.task)
            self._deployment(service, spec.task, bad=False)
        self._completed(service)
        return True

    def _do_delete(self, key: str) -> bool:
        service = self.services.get(key)
        if service is None or service.deleting:
            return False
        service.deleting = True
        service.desired = 0
        self._forget_if_gone(service)
        return True

    def _do_deploy(self, key: str, quality: str) -> bool:
        """A new revision of the same shape; a bad one never becomes healthy."""
        service = self.services.get(key)
        if service is None or service.deleting:
            return False
        if quality == "bad" and (service.completed is None or service.desired == 0):
            return False
        self._deployment(service, service.spec.task, bad=quality == "bad")
        return True

    def _do_scale(self, key: str, count: str) -> bool:
        service = self.services.get(key)
        number = int(count)
        if service is None or service.deleting or number == service.desired:
            return False
        service.desired = number
        self._completed(service)
        return True

    # the service scheduler

    def _do_start(self, key: str) -> bool:
        service = self.services.get(key)
        if service is None or not self.may_start(service):
            return False
        self._new_task(key, service, service.specs[service.revision], service.revision)
        return True

    def _do_stop(self, identity: str) -> bool:
        task = self.tasks.get(identity)
        if task is None or not self.may_stop(task):
            return False
        if task.instance is None:
            self._gone(task)
            return True
        task.state = STOPPING
        task.healthy = False
        if task in task.instance.queue:
            task.instance.queue.remove(task)  # it never started: the agent drops it
        if not self.rules.scheduler_holds_stopping:
            self._unbook(task, task.instance)
        if task.owner is not None:
            self._completed(task.owner)
        return True

    def _do_run_job(self, name: str) -> bool:
        """RunTask through the capacity provider, by hand or on a schedule."""
        if name not in self.jobs:
            return False
        self._legal(self.jobs[name])
        self._new_task(name, None, self.jobs[name], 0)
        return True

    def _do_cancel(self, identity: str) -> bool:
        """StopTask on a job that waits for room."""
        task = self.tasks.get(identity)
        if task is None or task.owner is not None or task.state is not PROVISIONING:
            return False
        self._gone(task)
        return True

    def _do_place(self, identity: str, where: str) -> bool:
        task, instance = self.tasks.get(identity), self.instances.get(where)
        if task is None or instance is None or task.state is not PROVISIONING:
            return False
        if not self.feasible(task, instance):
            return False
        spec = task.spec
        instance.cpu -= spec.cpu
        instance.memory -= spec.memory
        instance.ports |= spec.host_ports
        instance.tasks[task.id] = task
        instance.queue.append(task)
        task.instance = instance
        task.state = PENDING
        return True

    # the host

    def _do_run(self, identity: str) -> bool:
        """The agent books the task at the head of its queue and starts its process."""
        task = self.tasks.get(identity)
        instance = task.instance if task else None
        if task is None or instance is None or task.state is not PENDING:
            return False
        spec = task.spec
        if not instance.connected:
            return False
        if self.rules.agent_books and (
            instance.queue[0] is not task
            or instance.agent_cpu < spec.cpu
            or instance.agent_memory < spec.memory
            or not instance.agent_ports.isdisjoint(spec.host_ports)
        ):
            return False
        instance.queue.remove(task)
        instance.agent_cpu -= spec.cpu
        instance.agent_memory -= spec.memory
        instance.agent_ports |= spec.host_ports
        task.state = RUNNING
        task.process = task.started = True
        for device in spec.devices:
            holder = instance.held.get(device)
            if holder is not None and self.collision is None and not self._itself(task, holder):
                self.collision = Collision(instance.id, device, holder.id, task.id)
            instance.held[device] = task
        return True

    def _do_ready(self, identity: str) -> bool:
        """The model is loaded and answers its health check."""
        task = self.tasks.get(identity)
        if task is None or task.state is not RUNNING or task.healthy or not task.process:
            return False
        service = task.owner
        if service is not None and task.revision in service.bad:
            return False
        task.healthy = True
        if service is not None and task.revision == service.revision:
            service.failures = 0
            self._completed(service)
        return True

    def _do_crash(self, identity: str) -> bool:
        """The process ends by itself; a job's end looks the same."""
        task = self.tasks.get(identity)
        if task is None or task.state is not RUNNING or not task.process:
            return False
        service, was_healthy = task.owner, task.healthy
        self._process_ends(task)
        task.state = STOPPING
        task.healthy = False
        if not self.rules.scheduler_holds_stopping and task.instance is not None:
            self._unbook(task, task.instance)
        if service is not None and not was_healthy:
            self._breaker(service, task)
        return True

    def _do_exit(self, identity: str) -> bool:
        """The process of a STOPPING task ends: on SIGTERM, or killed after its stopTimeout."""
        task = self.tasks.get(identity)
        if task is None or task.state is not STOPPING or not task.process:
            return False
        self._process_ends(task)
        return True

    def _do_stopped(self, identity: str) -> bool:
        """The agent reports STOPPED: both books are cleared."""
        task = self.tasks.get(identity)
        if task is None or task.state is not STOPPING or task.process:
            return False
        if task.instance is not None and not task.instance.connected:
            return False
        self._gone(task)
        return True

    # instances

    def _do_tick(self) -> bool:
        """One point of CapacityProviderReservation; True where it moved the group."""
        pool, number = self.pool, len(self.instances)
        self.measures.points += 1
        used = sum(1 for i in self.instance_list if i.tasks)
        self.measures.idle_points += number - used
        if any(not i.registered for i in self.instance_list):
            return False  # the warm-up of the last step blocks the next one
        provisioning = [t for t in self.task_list if t.state is PROVISIONING]
        waiting = [
            t for t in provisioning if not any(self.feasible(t, i) for i in self.instance_list)
        ]
        before = self.desired_instances
        if waiting:
            self.low_points = 0
            needed = self._fewest_instances(waiting)
            if needed and number == 0:
                self.desired_instances = min(pool.max_size, max(pool.first_step, pool.min_size))
            elif needed:
                step = min(needed, pool.maximum_step)
                self.desired_instances = min(pool.max_size, number + step)
        elif used < number and number > pool.min_size and not provisioning:
            self.low_points += 1
            if self.low_points >= SCALE_IN_POINTS:
                leaving = min(number - used, max(1, number // 2))  # less than half a minute
                self.desired_instances = max(pool.min_size, number - leaving)
        else:
            self.low_points = 0
            self.desired_instances = max(number, pool.min_size)
        return self.desired_instances != before

    def _do_launch(self) -> bool:
        if len(self.instances) >= min(self.desired_instances, self.pool.max_size):
            return False
        number = self._numbers["i"] = self._numbers.get("i", 0) + 1
        instance = Instance(f"i{number}", self.pool)
        self.instances[instance.id] = instance
        self.instance_list.append(instance)
        self.measures.launched += 1
        self.measures.most_instances = max(self.measures.most_instances, len(self.instances))
        return True

    def _do_register(self, where: str) -> bool:
        instance = self.instances.get(where)
        if instance is None or instance.registered:
            return False
        instance.registered = True
        return True

    def _do_terminate(self, where: str) -> bool:
        """The group ends an instance too many, or a drained one; protection keeps one with tasks
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-termination-protection.html)."""
        instance = self.instances.get(where)
        if instance is None or instance.tasks or not instance.registered:
            return False
        if not instance.draining and len(self.instances) <= self.desired_instances:
            return False
        self._remove(instance)
        return True

    def _do_lose(self, where: str) -> bool:
        """The instance is gone at once: hardware, or Spot after its two minutes."""
        instance = self.instances.get(where)
        if instance is None or not instance.registered:
            return False
        for task in list(instance.tasks.values()):
            service, unready = task.owner, not task.healthy and task.state is RUNNING
            self._process_ends(task)
            self._gone(task)
            if service is not None and unready:
                self._breaker(service, task)
        self._remove(instance)
        return True

    def _do_drain(self, where: str) -> bool:
        instance = self.instances.get(where)
        if instance is None or instance.draining or not instance.registered:
            return False
        instance.draining = True
        return True

    def _do_stall(self, where: str) -> bool:
        instance = self.instances.get(where)
        if instance is None or not instance.connected:
            return False
        instance.connected = False
        return True

    def _do_resume(self, where: str) -> bool:
        instance = self.instances.get(where)
        if instance is None or instance.connected:
            return False
        instance.connected = True
        return True

    # -- the rules -----------------------------------------------------------------------------

    def _fresh(self, task: Task, service: Service) -> bool:
        """Of the current deployment, and on an instance that stays."""
        instance = task.instance
        return task.revision == service.revision and not (instance and instance.draining)

    def may_start(self, service: Service) -> bool:
        if service.failed or service.deleting:
            return False
        active = fresh = 0
        for task in service.tasks:
            if task.state is not STOPPING:
                active += 1
                fresh += self._fresh(task, service)
        return fresh < service.desired and active < service.upper

    def may_stop(self, task: Task) -> bool:
        service = task.owner
        if service is None or task.state is STOPPING:
            return False
        if service.deleting:
            return True
        healthy = fresh = stale = 0
        for other in service.tasks:
            if other.state is not STOPPING:
                healthy += other.healthy
                if self._fresh(other, service):
                    fresh += 1
                else:
                    stale += 1
        if self._fresh(task, service) and (fresh <= service.desired or stale):
            return False
        return not task.healthy or healthy > service.lower

    def feasible(self, task: Task, instance: Instance) -> bool:
        """What the scheduler asks: resources in its books, and constraints."""
        spec = task.spec
        if (
            not instance.registered
            or instance.draining
            or instance.cpu < spec.cpu
            or instance.memory < spec.memory
            or not instance.ports.isdisjoint(spec.host_ports)
            or len(instance.ports) + len(spec.host_ports) > PORTS_MAX
            or (spec.instance_type is not None and spec.instance_type != self.pool.instance_type)
        ):
            return False
        service = task.owner
        if service is not None and service.spec.distinct_instance:
            return not any(
                t.owner is service and t.state is not STOPPING for t in instance.tasks.values()
            )
        return True

    def _fewest_instances(self, waiting: list[Task]) -> int:
        """The largest group's lower bound; blind for devices, which ECS does not know."""
        pool = self.pool
        groups: dict[tuple[int, int, frozenset[int], bool], int] = {}
        for task in waiting:
            spec, owner = task.spec, task.owner
            if spec.instance_type not in (None, pool.instance_type):
                continue
            distinct = owner is not None and owner.spec.distinct_instance
            group = (spec.cpu, spec.memory, spec.host_ports, distinct)
            groups[group] = groups.get(group, 0) + 1
        most = 0
        for (cpu, memory, ports, distinct), number in groups.items():
            each = min(pool.cpu // max(cpu, 1), pool.memory // max(memory, 1))
            if distinct or ports:
                each = min(each, 1)
            if each:
                most = max(most, -(-number // each))
        return most

    def _legal(self, spec: TaskSpec) -> None:
        """The planner's promise; a legal set is a row (first device, number)."""
        if not spec.devices or not self.pool.legal_sets:
            return
        first, number = spec.devices[0], len(spec.devices)
        assert spec.devices == tuple(range(first, first + number)), spec.devices
        assert (first, number) in self.pool.legal_sets, spec.devices

    def _itself(self, task: Task, other: Task) -> bool:
        """Whether both tasks are of one service or job that a finding says can meet itself."""
        mine, its = (t.id.rpartition("#")[0] for t in (task, other))
        return mine == its and mine in self.unlocked

    # -- what follows --------------------------------------------------------------------------

    def _deployment(self, service: Service, spec: TaskSpec, *, bad: bool) -> None:
        service.revision = max(service.specs) + 1
        service.specs = {
            r: s for r, s in service.specs.items()
            if r == service.completed or any(t.revision == r for t in service.tasks)
        }  # fmt: skip
        service.specs[service.revision] = spec
        service.bad &= service.specs.keys()
        if bad:
            service.bad.add(service.revision)
        service.failures = 0
        service.failed = False
        self._completed(service)

    def _completed(self, service: Service) -> None:
        if service.completed != service.revision and service.steady:
            service.completed = service.revision

    def _breaker(self, service: Service, task: Task) -> None:
        if service.deleting or task.revision != service.revision:
            return
        if service.completed == service.revision:
            return
        service.failures += 1
        limit = min(BREAKER_MOST, max(BREAKER_LEAST, -(-service.desired // 2)))
        if service.failures < limit:
            return
        if service.completed is None or service.completed not in service.specs:
            service.failed = True
            return
        back = service.specs[service.completed]
        self._deployment(service, back, bad=False)

    def _new_task(self, name: str, owner: Service | None, spec: TaskSpec, revision: int) -> None:
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        task = Task(f"{name}#{number}", owner, spec, revision)
        self.tasks[task.id] = task
        task.place_in_list = len(self.task_list)
        self.task_list.append(task)
        if owner is not None:
            owner.tasks.append(task)

    def _process_ends(self, task: Task) -> None:
        task.process = False
        if task.instance is not None:
            held = task.instance.held
            for device in task.spec.devices:
                if held.get(device) is task:
                    del held[device]

    def _unbook(self, task: Task, instance: Instance) -> None:
        """The scheduler's books. Where no guard holds, two tasks may have booked one port."""
        instance.cpu += task.spec.cpu
        instance.memory += task.spec.memory
        instance.ports -= task.spec.host_ports

    def _gone(self, task: Task) -> None:
        instance = task.instance
        if instance is not None:
            if self.rules.scheduler_holds_stopping or task.state is not STOPPING:
                self._unbook(task, instance)
            if task in instance.queue:
                instance.queue.remove(task)
            if task.started:
                instance.agent_cpu += task.spec.cpu
                instance.agent_memory += task.spec.memory
                instance.agent_ports -= task.spec.host_ports
            del instance.tasks[task.id]
        del self.tasks[task.id]
        last = self.task_list.pop()
        if last is not task:
            self.task_list[task.place_in_list] = last
            last.place_in_list = task.place_in_list
        service = task.owner
        if service is not None:
            service.tasks.remove(task)
            self._completed(service)
            self._forget_if_gone(service)

    def _forget_if_gone(self, service: Service) -> None:
        if service.deleting and not service.tasks and service.spec.key in self.services:
            del self.services[service.spec.key]
            self.service_list.remove(service)

    def _remove(self, instance: Instance) -> None:
        del self.instances[instance.id]
        self.instance_list.remove(instance)
