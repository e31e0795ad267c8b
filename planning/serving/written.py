"""What a model of `serve` is as if written out: each value that the planner derives, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from catalog import Catalog, InstanceType, LanguageModel, ModelLoader, Server
from config import HealthCheck, ModelEntry, Serve, Settings, Sidecar
from planning import choices
from planning.rooms import beyond_share, device_count, share_of
from planning.serving import ahead
from planning.serving.cache import NONE, Cache, fingerprint
from planning.serving.options import (
    DEFAULT_LENGTH,
    DEFAULT_SEQUENCES,
    ModelRequirements,
    default_length,
)
from planning.serving.records import OWN_IMAGE, Choice, Derived, WrittenOut
from planning.serving.served import Served
from planning.serving.servers import SERVERS, LanguageModelServer, Strategy
from planning.serving.shapes import on_hub

LOADER = "load"
"""The sidecar that copies a model from S3."""
MODELS = "/models"
"""The directory that it and the server share."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where a model runs: the instance types of its pools, small ones first.

    ``efa``: each pool has EFA. ``managed``: one of them is of Managed Instances, which have no size
    for /dev/shm. ``compiling`` are the types on which the job of `compile: ahead` runs.
    """

    kinds: tuple[InstanceType, ...]
    efa: bool
    managed: bool
    compiling: tuple[InstanceType, ...]


def required_of(
    serve: Serve, model: LanguageModel, *, precompiled: bool = False
) -> ModelRequirements:
    """What a model must do, with the defaults of what is not written."""
    length = serve.max_model_len or default_length(model)
    sequences = serve.max_num_seqs or DEFAULT_SEQUENCES
    weight_bytes = 4 if serve.data_type == "float32" else 2
    return ModelRequirements(model, length, sequences, precompiled, weight_bytes)


@dataclass(frozen=True)
class Writing:
    """A model of `serve`, and the choice that was made for it."""

    name: str
    entry: ModelEntry
    serve: Serve
    choice: Choice
    where: Where
    model: LanguageModel | None
    catalog: Catalog
    settings: Settings
    stack: str

    def written_out(self) -> WrittenOut:
        """The entry with every value that is not written. What is written stays."""
        derived = tuple(self.derived())
        values = {one.field: one.value for one in derived}
        entry, said = self.entry, self.entry.model_fields_set
        update: dict[str, Any] = {
            field: value
            for field, value in values.items()
            if field not in said and field in ModelEntry.model_fields
        }
        if {"port", "ports"} & said:
            update.pop("port", None)
            update.pop("ports", None)
        update["environment"] = {**values.get("environment", {}), **entry.environment}
        for field in ("s3_read", "s3_write", "shared_paths"):
            update[field] = tuple(dict.fromkeys((*getattr(entry, field), *values.get(field, ()))))
        update["mounts"] = {**values.get("mounts", {}), **entry.mounts}
        before = self._before_start
        update["sidecars"] = {**entry.sidecars, **before}
        update["starts_after"] = {**dict.fromkeys(before, "success"), **entry.starts_after}
        check = entry.health_check or HealthCheck()
        parts = {f.partition(".")[2]: v for f, v in values.items() if f.startswith("health_check.")}
        missing = {part: v for part, v in parts.items() if part not in check.model_fields_set}
        update["health_check"] = check.model_copy(update=missing)
        new = entry.model_copy(update=update)
        values = tuple(_values(entry, new, derived))
        return WrittenOut(
            new,
            self.choice,
            derived,
            values,
            cache=self.cache,
            ahead=self._ahead(new),
        )

    @cached_property
    def _before_start(self) -> dict[str, Sidecar]:
        """The containers that the planner adds, each of which ends before the server starts.

        What the entry writes of one wins.
        """
        plain = {
            **({LOADER: self._plain_loader} if self.loads else {}),
            **({ahead.GATE: self._gate} if self._gate else {}),
        }
        found: dict[str, Sidecar] = {}
        for name, sidecar in plain.items():
            own = self.entry.sidecars.get(name)
            said = own.model_fields_set if own else ()
            found[name] = sidecar.model_copy(update={f: getattr(own, f) for f in said})
        return found

    @cached_property
    def _gate(self) -> Sidecar | None:
        """The container that looks for what a job compiled."""
        if self._filled is None:
            return None
        image = self.entry.image or self.choice.image.image
        return ahead.gate(
            self.name, self.stack, self._filled, image, self._loading, stops=self._stops
        )

    @property
    def _filled(self) -> Cache | None:
        """The cache that a job can fill for the tasks that share it; `None` without such a job."""
        if not ahead.is_ahead(self.entry) or not self._server.compile_command:
            return None
        return self.cache if self.cache and self.cache.is_shared else None

    @property
    def _stops(self) -> bool:
        """Whether a task stops where such a job has left nothing."""
        return self._filled is not None and ahead.required(self.entry, self.settings)

    def _ahead(self, new: ModelEntry) -> ahead.Ahead | None:
        cache, kind = self._filled, next(iter(self.where.compiling), None)
        if cache is None:
            return None
        needed, first = self._host_memory(compiles=True), ahead.before_start(new)
        whole = needed + sum(sidecar.memory_mib for sidecar in first.values())
        memory = beyond_share(whole, new.neuron_devices, kind, self.catalog) if kind else None
        return ahead.Ahead(
            ahead.job_name(self.name),
            ahead.job_of(new, cache, self._server, sidecars=first, memory_mib=memory),
            cache.fingerprint,
            cache.marker,
            self._stops,
            needed,
        )

    def _host_memory(self, *, compiles: bool) -> int:
        """The MiB of the host that the server takes to start; 0 where nobody knows."""
        if self.model is None or not isinstance(self._strategy, LanguageModelServer):
            return 0
        asked = required_of(self.serve, self.model, precompiled=not compiles)
        return asked.host_memory_mib(self._strategy)

    def derived(self) -> Iterator[Derived]:
        """The planner's values, whether or not the entry writes others."""
        row, served = f"servers, row {self._server.name}", self._served
        yield Derived("image", self.choice.image.image, self._of_image())
        for field, words in (
            ("entry_point", self._strategy.entry_point(served)),
            ("command", self._strategy.command(served)),
        ):
            if words:
                yield Derived(field, (*words, *self.serve.arguments), self._of_command())
        yield Derived("neuron_devices", self.choice.devices, self._of_devices())
        ports, own = self._strategy.ports, self._server
        said = f"{row}, which is told it by --{own.port_option}"
        why = row if ports[0] == own.port else said
        yield Derived("port", ports[0], why) if len(ports) == 1 else Derived("ports", ports, why)
        yield Derived("health_check.path", self._server.health_path_of(served.called), row)
        grace = self._server.cold_start_seconds
        yield Derived("health_check.grace_seconds", grace, f"{row}: {self._server.starting}")
        yield from self._of_environment(row)
        if self._server.capabilities:
            yield Derived("linux_capabilities", self._server.capabilities, row)
        own = (self.serve.model,) if self._in_s3 else ()
        cached = self.cache.prefixes if self.cache else ()
        if own or cached:
            why = "the prefix of serve.model" if own else "the prefix of serve.cache"
            yield Derived("s3_read", own + cached, why)
        if cached:
            yield Derived("s3_write", cached, "the prefix of serve.cache")
        yield from self._of_loader()
        yield from self._of_sizes()

    @property
    def _in_s3(self) -> bool:
        return self.serve.model.startswith("s3://")

    @property
    def loads(self) -> bool:
        """Whether another container copies the model from S3 before the server starts."""
        return self._in_s3 and not self._strategy.reads_s3

    def _of_loader(self) -> Iterator[Derived]:
        if self.loads:
            row = f"model_loaders, row {self._loading.name}"
            because = f"{row}: {self._strategy.title} does not read S3"
            yield Derived(f"sidecars.{LOADER}", sidecar_said(self._plain_loader), because)
            yield Derived(f"starts_after.{LOADER}", "success", "the model is complete by then")
            why = f"{LOADER} writes the model there, and the server reads it"
            yield Derived("shared_paths", (MODELS,), why)
        if self._gate:
            because = "compile: ahead: it looks for what the job has compiled"
            yield Derived(f"sidecars.{ahead.GATE}", sidecar_said(self._gate), because)
            yield Derived(f"starts_after.{ahead.GATE}", "success", "the server starts after it")

    @cached_property
    def _loading(self) -> ModelLoader:
        loaders = (self.catalog.serving.loader(kind.name) for kind in self.where.kinds)
        return max(loaders, key=lambda loader: loader.memory_mib)

    @property
    def _plain_loader(self) -> Sidecar:
        """The container that copies the model, as the planner has it."""
        command = ("s3", "sync", self.serve.model, self._source, "--no-progress")
        loader = self._loading
        return Sidecar(image=loader.image, command=command, memory_mib=loader.memory_mib)

    @property
    def _source(self) -> str:
        """What the server is told to load."""
        return f"{MODELS}/{self.name}" if self.loads else self.serve.model

    @cached_property
    def _strategy(self) -> Strategy:
        return SERVERS[self.choice.image.server]

    @cached_property
    def _server(self) -> Server:
        return self.catalog.containers.servers[self.choice.image.server]

    @cached_property
    def _served(self) -> Served:
        serve, hub = self.serve, on_hub(self.serve.model)
        names = (serve.served_name,) if serve.served_name else (self.name, *((serve.model,) * hub))
        asked = required_of(serve, self.model) if self.model is not None else None
        return Served(
            name=self.name,
            source=self._source,
            degree=self.choice.degree,
            sequences=asked.sequences if asked else DEFAULT_SEQUENCES,
            length=asked.length if asked else DEFAULT_LENGTH,
            model=self.model,
            names=names,
            ports=self.entry.served_ports,
            revision=serve.revision if hub else None,
            data_type=serve.data_type,
        )

    @cached_property
    def cache(self) -> Cache | None:
        """Where compiled artefacts stay; None where they do not."""
        caches = self.catalog.containers.server_caches
        rows = tuple(row for row in caches if row.server == self._server.name)
        local = not self.where.managed and self.entry.user is None
        place = self.serve.cache or (choices.SERVE_CACHE if local else NONE)
        if place == NONE or not rows:
            return None
        families = {k.neuron.family for k in self.where.kinds if k.neuron}
        serve, image = self.serve, self.choice.image.image
        names = {row.variable for row in rows}
        variables = sorted(
            f"{variable}={value}"
            for variable, value in self.entry.environment.items()
            if variable.startswith(choices.COMPILING) and variable not in names
        )
        more = (*serve.arguments, *variables)
        name = fingerprint(serve.model, self._served, image, families, more)
        weights = self.serve.revision is not None and on_hub(self.serve.model)
        return Cache(self.name, rows, name, place, self.settings.volumes, weights)

    def _of_environment(self, row: str) -> Iterator[Derived]:
        environment = {} if self.where.efa else dict(self._strategy.environment)
        why = [f"{row}, without EFA"] if environment else []
        if self.cache is not None:
            environment |= self.cache.environment
            why.append(f"server_caches, rows of {self._server.name}")
        if environment:
            yield Derived("environment", environment, "; ".join(why))
        if self.cache is not None and self.cache.mounts:
            says = f"fingerprint {self.cache.fingerprint} of what changes the artefacts"
            yield Derived("mounts", self.cache.mounts, says)

    def _of_image(self) -> str:
        image = self.choice.image
        if image.name == OWN_IMAGE:
            return "as written"
        return f"serving_images, row {image.name}: {image.because}"

    def _of_command(self) -> str:
        found = self.choice.estimate
        if found is None:
            return "the server's own arguments"
        own = "as written" if self.serve.tensor_parallel else "table tensor_parallel"
        return (
            f"tensor parallelism of {self.choice.degree}: {own}; a core of {found.core_gib:.0f} "
            f"GiB needs {found.need_gib:.1f} ({found.share:.0%})"
        )

    def _of_devices(self) -> str:
        if self.choice.estimate is None:
            return "one device for each task"
        return f"the NeuronCores of tensor parallelism {self.choice.degree}"

    def _of_sizes(self) -> Iterator[Derived]:
        """The memory to compile and load where the devices' share is less, and that of /dev/shm."""
        kind = self.where.kinds[0]
        needed = self._host_memory(compiles=not self._stops)
        sidecars = {**self.entry.sidecars, **self._before_start}
        others = sum(sidecar.memory_mib for sidecar in sidecars.values())
        more = beyond_share(needed + others, self.choice.devices, kind, self.catalog)
        if more is not None and needed:
            verb = "load" if self._stops else "compile and load"
            why = f"to {verb} the model: about {needed / 1024:.0f} GiB of the host"
            yield Derived("memory_mib", more, f"{why}, beside its sidecars" if others else why)
        part = share_of(kind, device_count(self.choice.devices, kind), self.catalog).memory_mib
        memory = (self.entry.memory_mib or more or part) - others
        if self._server.shared_memory_mib and self.choice.degree > 1 and not self.where.managed:
            size = min(self._server.shared_memory_mib, memory // 2)
            if size > 0:
                yield Derived("shared_memory_mib", size, f"servers, row {self._server.name}")


def _values(entry: ModelEntry, new: ModelEntry, derived: tuple[Derived, ...]) -> Iterator[Derived]:
    """What holds for the entry, field by field, and from what it follows."""
    before: dict[str, Any] = entry.model_dump(mode="json")
    after: dict[str, Any] = new.model_dump(mode="json")
    after["sidecars"] = {name: sidecar_said(sidecar) for name, sidecar in new.sidecars.items()}
    said: dict[str, Any] = entry.model_dump(mode="json", exclude_unset=True)
    for field in ("serve", *(f for f in ModelEntry.model_fields if f != "serve")):
        parts: set[str] = set()
        for one in (d for d in derived if d.field.partition(".")[0] == field):
            part = one.field.partition(".")[2]
            parts.add(part)
            old, value = before[field], after[field]
            if part:
                old, value = _parts(old).get(part), _parts(value)[part]
            if value:
                ours = value != old or field not in said
                yield Derived(one.field, value, one.because if ours else "")
        if field in said and "" not in parts:
            rest = said[field]
            if parts:
                rest = {k: v for k, v in _parts(rest).items() if k not in parts}
            if rest or not parts:
                yield Derived(field, rest, "")


def sidecar_said(sidecar: Sidecar) -> dict[str, Any]:
    """A sidecar as a stack file writes it."""
    return sidecar.model_dump(mode="json", exclude_unset=True)


def _parts(value: Any) -> dict[str, Any]:
    return value or {}
