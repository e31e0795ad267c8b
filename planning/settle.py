"""The situation of a stack file whose models may say `serve`: each as if written out.

The pools decide what can serve a model: their instance types, their AMI, their EFA. Where a pool
names no AMI, the newest is used that suits the images of its models.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from math import ceil
from typing import Any, cast

from catalog import Catalog, InstanceType, LanguageModel, ServingImage, image_day
from config import (
    Ami,
    AutoScalingCapacity,
    HostVolumeEntry,
    ModelEntry,
    OwnNetworkEntry,
    Serve,
    Settings,
    Sidecar,
)
from config.credentials import shown
from messages.phrases import flow, listed, nearest
from planning import choices, images
from planning.amis import ami_driver, common_amis, fitting_amis
from planning.authentication import with_keys
from planning.command_line import published
from planning.queue import with_agents
from planning.rooms import device_count
from planning.serving.memory import Verdict, checkpoint_gib, parameters
from planning.serving.options import (
    ModelRequirements,
    ServingOption,
    all_options,
    does_not_fit,
    fewer,
    known_to_fail,
    preference,
    serving_options,
)
from planning.serving.records import OWN_IMAGE, Choice, Departure, Unserved, WrittenOut
from planning.serving.servers import LANGUAGE_MODEL_SERVERS, SERVERS
from planning.serving.shapes import how_to_fit, near, on_hub, shape_of
from planning.serving.written import Where, Writing, required_of, sidecar_said
from planning.situation import Situation


def texts_of(config: Mapping[str, str], project: str) -> dict[str, str]:
    """The texts of the project's own keys in a stack's configuration, without its name."""
    prefix = f"{project}:"
    return {k.removeprefix(prefix): v for k, v in config.items() if k.startswith(prefix)}


def settle(
    settings: Settings, catalog: Catalog, *, project: str, stack: str, home_region: str
) -> Situation:
    """The situation with every model of `serve` written out, and the AMIs that follow from them.

    A model that cannot be served is left out; `Situation.unserved` says why.
    """
    situation = partial(
        Situation,
        catalog=catalog,
        project=project,
        stack=stack,
        home_region=home_region,
        source=settings,
    )
    settings = with_agents(settings, catalog)
    plain = situation(settings)
    asked = [_Asked(n, m, m.serve, plain) for n, m in sorted(settings.models.items()) if m.serve]
    if not asked:
        keyed = with_keys(settings, catalog)
        return plain if keyed is settings else situation(keyed)
    amis = _amis(plain, asked)
    capacity = {
        name: spec.model_copy(update={"ami": Ami(version=amis[name])}) if name in amis else spec
        for name, spec in settings.capacity.items()
    }
    models = dict(settings.models)
    written: dict[str, WrittenOut] = {}
    unserved: list[Unserved] = []
    pinned = situation(settings.model_copy(update={"capacity": capacity}))
    for one in asked:
        ways = one.choices
        if isinstance(ways, Unserved):
            unserved.append(replace(ways, stand_in=one.stand_in))
            del models[one.name]
        elif ways is None:  # its pool or Region is not known: another rule says so
            first = catalog.serving.images[0].image
            models[one.name] = one.entry.model_copy(update={"image": one.entry.image or first})
        else:
            out = one.written_out(pinned, ways)
            out = replace(out, departures=tuple(one.departures(pinned)))
            written[one.name] = out
            models[one.name] = out.entry
    ahead = [out.ahead for out in written.values() if out.ahead is not None]
    jobs = {**{one.name: one.job for one in ahead}, **settings.jobs}
    new = settings.model_copy(update={"capacity": capacity, "models": models, "jobs": jobs})
    cached = [one for one in asked if one.name in written and _cached(written[one.name])]
    if cached and choices.SERVE_CACHE not in settings.volumes:
        size = _cache_gib(pinned, [(one, written[one.name].choice) for one in cached])
        entry = HostVolumeEntry(kind="host", size_gib=size)
        volumes = {**settings.volumes, choices.SERVE_CACHE: entry}
        new = new.model_copy(update={"volumes": volumes})
    new = with_keys(new, catalog)
    return situation(new, written=written, unserved=tuple(unserved), amis=amis)


def _cached(out: WrittenOut) -> bool:
    """Whether the artefacts stay on the disk of each instance, in a volume of no entry."""
    return choices.SERVE_CACHE in out.entry.mounts


def _cache_gib(s: Situation, models: Sequence[tuple["_Asked", Choice]]) -> int:
    """The disk of an instance for the artefacts of each slot, now and before, and for weights.

    That compiled and sharded artefacts are as large as the checkpoint is a rule of thumb.
    """
    sizes: dict[tuple[str, str], int] = {}
    for one, choice in models:
        if one.model is None:
            continue
        required = required_of(one.serve, one.model)
        checkpoint = ceil(checkpoint_gib(one.model, required.weight_bytes))
        for where in one.pools:
            total = max((k.neuron.devices for k in s.pools[where].types if k.neuron), default=1)
            devices = choice.devices if isinstance(choice.devices, int) else total
            slots = min(one.entry.replicas.most or 1, max(1, total // max(1, devices)))
            size = choices.SERVE_CACHE_COPIES * slots * checkpoint
            size += checkpoint if one.serve.revision else 0
            sizes[where] = sizes.get(where, 0) + size
    return max(1, min(max(sizes.values(), default=1), _LARGEST_GIB))


def _own_image(entry: ModelEntry, catalog: Catalog) -> ServingImage | None:
    """The image that the entry writes, as a row; None without one, or without a known server."""
    if not entry.image:
        return None
    row = next((i for i in catalog.serving.images if i.image == entry.image), None)
    if row is not None:
        return row
    known = published(entry.image, catalog)
    server = (entry.serve and entry.serve.server) or (known.server if known else "")
    if server not in SERVERS:
        return None
    because = "the entry names the image"
    return ServingImage(OWN_IMAGE, server, 0, because, entry.image, (), (), (), (), "")


_ADDED = ("mounts", "s3_read", "s3_write", "shared_paths")
"""Fields to which the planner adds: what is written there stays beside it."""
_LARGEST_GIB = 16_384  # as a volume of the stack file
_SMALLEST = 3  # models that are tried in place of one that cannot be served


@dataclass(frozen=True)
class _Asked:
    """A model of `serve`, and what is known of it."""

    name: str
    entry: ModelEntry
    serve: Serve
    situation: Situation

    @property
    def path(self) -> str:
        return f"models.{self.name}"

    @property
    def catalog(self) -> Catalog:
        return self.situation.catalog

    @cached_property
    def model(self) -> LanguageModel | None:
        return shape_of(self.serve.model, self.situation.settings, self.catalog)

    @cached_property
    def pools(self) -> tuple[tuple[str, str], ...]:
        """Region and name of its pools, those that are known."""
        regions = self.situation.work_regions(self.entry)
        named = ((r, override.capacity or self.entry.capacity) for r, override in regions.items())
        return tuple(where for where in named if where in self.situation.pools)

    @cached_property
    def compiling(self) -> tuple[tuple[str, str], ...]:
        """Region and name of the pools of `compile_on`."""
        there = {(region, self.serve.compile_on) for region, _ in self.pools}
        return tuple(where for where in self.situation.pools if where in there)

    @cached_property
    def where(self) -> Where:
        pools = [self.situation.pools[where] for where in self.pools]
        kinds = {t.name: t for pool in pools for t in pool.types}
        efa = all(isinstance(p.spec, AutoScalingCapacity) and p.spec.efa for p in pools)
        ordered = sorted(kinds.values(), key=lambda t: (t.memory_mib, t.vcpus, t.name))
        compiling = {t.name: t for w in self.compiling for t in self.situation.pools[w].types}
        return Where(
            tuple(ordered),
            efa,
            any(pool.managed for pool in pools),
            tuple(compiling.values()) or tuple(ordered),
        )

    @cached_property
    def choices(self) -> tuple[Choice, ...] | Unserved | None:
        """Every way to serve the model on its pools whose memory suffices, the best first."""
        kinds = self.where.kinds
        if not kinds:
            return None
        without = [k.name for k in kinds if k.neuron is None]
        if without:
            what = f"names a pool of {listed(without)}, without Neuron devices"
            fix = "name a pool of instances with Neuron devices"
            return self._unserved("NE901", "capacity", what, fix)
        rows = self._rows(kinds)
        if isinstance(rows, Unserved):
            told = rows.code == "NE902" and self.serve.model in self.situation.settings.shapes
            return replace(rows, code="") if told else rows  # what its shape lacks is told there
        if all(row.server in LANGUAGE_MODEL_SERVERS for row in rows):
            found = self._shaped(rows, kinds)
        else:
            wanted = self.entry.neuron_devices
            devices = 1 if wanted is None else wanted
            found = tuple(Choice(row, devices) for row in rows)
        if isinstance(found, Unserved):
            return found
        if self._shut:
            public = partial(images.public_registry, catalog=self.catalog)
            found = [replace(c, unreachable=bool(public(c.image.image))) for c in found]
        return tuple(sorted(found, key=self.preference))

    @property
    def _shut(self) -> bool:
        """Whether a network of its Regions has no way out."""
        networks = (self.situation.regions[region].network for region, _ in self.pools)
        return any(isinstance(n, OwnNetworkEntry) and n.nat == "none" for n in networks)

    def stand_in(self) -> ModelEntry | None:
        """Returns the entry with the smallest language model that its pools serve, if any does."""
        found = [m for m in self.catalog.serving.models.values() if m.kind == "decoder"]
        for model in sorted(found, key=parameters)[:_SMALLEST]:
            serve = Serve(model=model.id)
            new = {"serve": serve, "image": "", "neuron_devices": None}
            entry = self.entry.model_copy(update=new)
            if _fits(replace(self, entry=entry, serve=serve).choices):
                return entry
        return None

    def written_out(self, s: Situation, choices: Sequence[Choice]) -> WrittenOut:
        """The entry with the best of the choices whose image the AMIs of its pools suit."""
        suiting = (c for c in choices if all(_suits(s, w, c.image, None) for w in self.pools))
        choice = next(suiting, choices[0])
        return Writing(
            self.name,
            self.entry,
            self.serve,
            choice,
            self.where,
            self.model,
            self.catalog,
            s.settings,
            s.stack,
        ).written_out()

    def departures(self, s: Situation) -> Iterator[Departure]:
        """What the entry writes otherwise than `serve` alone would have it."""
        entry, fields = self.entry, {"serve", "capacity", "regions"}
        if entry.model_fields_set <= fields:
            return
        bare = ModelEntry(**{f: getattr(entry, f) for f in fields & entry.model_fields_set})
        alone = replace(self, entry=bare)
        choices = alone.choices
        if not isinstance(choices, tuple):
            return
        for one in alone.written_out(s, choices).derived:
            field, _, part = one.field.partition(".")
            holder = getattr(entry, field) if part else entry
            if holder is None or (part or field) not in _said(holder):
                continue
            written: Any = _said(holder)[part or field]
            if field == "environment":
                written = {k: written[k] for k, v in one.value.items() if written.get(k, v) != v}
            if isinstance(written, Sidecar):
                written = {k: v for k, v in sidecar_said(written).items() if one.value.get(k) != v}
            if field == "neuron_devices" and self._counts(written) == self._counts(one.value):
                continue
            if written not in (one.value, {}) and field not in _ADDED:
                yield Departure(one.field, written, one)

    def _counts(self, devices: int | tuple[int, ...] | str) -> frozenset[int]:
        """The numbers of devices that a task takes on the types."""
        return frozenset(device_count(devices, kind) for kind in self.where.kinds)

    def preference(self, choice: Choice) -> tuple[float, ...]:
        """Sorts the choices: what can be pulled first."""
        devices = max(self._counts(choice.devices))
        fits = (Verdict.FITS, 0, choice.image.order)
        rest = preference(choice.option, devices) if choice.option else fits
        return choice.unreachable, *rest

    def _unserved(self, code: str, field: str, what: str, fix: str) -> Unserved:
        pools = frozenset(name for _, name in self.pools)
        return Unserved(code, f"{self.path}.{field}", what, fix, self.entry, pools)

    def _rows(self, kinds: Sequence[InstanceType]) -> tuple[ServingImage, ...] | Unserved:
        """The images that come into question: the written one, or those for the chips."""
        server, families = self.serve.server, {k.neuron.family for k in kinds if k.neuron}
        if server is not None and server not in SERVERS:
            what = f"is {shown(server)}, no server of the table"
            here = [r for r in self.catalog.serving.images if families <= set(r.families)]
            serving = {r.server for r in here if bool(r.model_types) == (self.model is not None)}
            fix = nearest(server, sorted(serving)) if serving else self._elsewhere()
            return self._unserved("NE903", "serve.server", what, fix)
        own = _own_image(self.entry, self.catalog)
        if self.entry.image and own is None:
            what = f"serves with {shown(self.entry.image, limit=120)}, whose server is not known"
            alone = replace(self, entry=self.entry.model_copy(update={"image": ""})).choices
            best = alone[0].image if isinstance(alone, tuple) else self.catalog.serving.images[0]
            fix = f"write serve.server: {best.server}"
            return self._unserved("NE904", "image", what, fix)
        rows = [r for r in self.catalog.serving.images if families <= set(r.families)]
        rows = [r for r in ([own] if own else rows) if server in (None, r.server)]
        shaped = [r for r in rows if r.server in LANGUAGE_MODEL_SERVERS]
        others = [r for r in rows if r.server not in LANGUAGE_MODEL_SERVERS]
        if self.model is not None and shaped:
            return tuple(shaped)
        if others and (server is not None or not (shaped or on_hub(self.serve.model))):
            if not on_hub(self.serve.model):
                return tuple(others)
            titles = listed(sorted({SERVERS[row.server].title for row in others}))
            what = f"is {shown(self.serve.model, limit=120)}, an id on the hub; {titles} loads a "
            what += "directory or a prefix of S3"
            return self._unserved("NE901", "serve.model", what, self._elsewhere())
        if self.model is None and shaped:
            what = f"is {shown(self.serve.model, limit=120)}, whose shape is not known"
            fix = (
                "name a model of the table language_models, such as "
                f"{near(self.serve.model, self.catalog.serving.models)[0]}, or write "
                f'shapes: {{"{self.serve.model}": {{like: <model>}}}}'
            )
            return self._unserved("NE902", "serve.model", what, fix)
        where = f"the chips of {listed(self._types)}"
        what = f"is {shown(self.serve.model, limit=120)}; no image of the tables serves it on " + (
            f"{where} with {server}" if server else where
        )
        return self._unserved("NE901", "serve.model", what, self._elsewhere())

    def _elsewhere(self) -> str:
        """What to leave out so that the model is served here, another one, or where it is."""
        fixes = list(self._without_one())
        if self.model is None or self._anywhere:
            command = how_to_fit(self.serve.model, self.situation.settings, self.catalog)
            fixes.append(f"run `{command}`, which lists the types that serve it")
        elif self.model.kind != "decoder":
            fixes += [f"write {self.path}.serve.model: {name}" for name in self._embedders]
        return "; or ".join(fixes) or "take another model"

    def _without_one(self) -> Iterator[str]:
        """The values beside the model without which it is served."""
        for field, default in (
            *(("serve.server", None), ("serve.tensor_parallel", None)),
            *(("neuron_devices", None), ("image", "")),
        ):
            part, _, name = field.rpartition(".")
            holder = self.serve if part else self.entry
            if getattr(holder, name) == default:
                continue
            new = holder.model_copy(update={name: default})
            kept = replace(self, serve=new) if isinstance(new, Serve) else replace(self, entry=new)
            if _fits(kept.choices):
                yield f"leave {self.path}.{field} out"

    @property
    def _anywhere(self) -> bool:
        """Whether an instance type serves the model, if with the lengths of the defaults."""
        assert self.model is not None
        asked = required_of(self.serve, self.model)
        usual = required_of(Serve(model=self.serve.model), self.model)
        return any(
            not isinstance(serving_options(kind, required, self.catalog), str)
            for kind in self.catalog.instances.neuron_types.values()
            for required in (asked, usual)
        )

    @property
    def _embedders(self) -> list[str]:
        """The smallest model of the table that embeds texts on the types of the pools."""
        found = [m for m in self.catalog.serving.models.values() if m.kind == "embedding"]
        return [m.id for m in sorted(found, key=parameters) if self._takes(m)][:1]

    def _takes(self, model: LanguageModel) -> bool:
        asked = required_of(Serve(model=model.id), model)
        served = (serving_options(k, asked, self.catalog) for k in self.where.kinds)
        return all(
            not isinstance(found, str) and found[-1].estimate.verdict is Verdict.FITS
            for found in served
        )

    def _shaped(
        self, rows: Sequence[ServingImage], kinds: Sequence[InstanceType]
    ) -> tuple[Choice, ...] | Unserved:
        """The ways to serve a model of known shape."""
        assert self.model is not None
        required, degree = required_of(self.serve, self.model), self.serve.tensor_parallel
        options: list[dict[tuple[str, int], ServingOption]] = []
        for kind in kinds:
            found = self._on(kind, rows, required)
            if degree is not None and not isinstance(found, str):
                found = self._on(kind, rows, required, degree)
                if isinstance(found, str):
                    return self._no_degree()
            if isinstance(found, str):
                what = f"is {self.model.id}, which {kind.name} does not serve: {found}"
                return self._unserved("NE901", "serve.model", what, self._elsewhere())
            options.append({(o.image.name, o.degree): o for o in found})
        choices = list(self._common(options, kinds))
        fitting = [c for c in choices if c.estimate and c.estimate.verdict is not Verdict.NO]
        if fitting:
            return tuple(fitting)
        if not choices and self.entry.neuron_devices is None:
            what = f"names a pool of {listed(self._types)}, on which no number of "
            what += f"devices serves {self.model.id} alike"
            return self._unserved("NE901", "capacity", what, "name a pool of one type")
        if not choices:
            return self._no_degree()
        return self._too_large(required, options, choices)

    def _on(
        self,
        kind: InstanceType,
        rows: Sequence[ServingImage],
        required: ModelRequirements,
        degree: int | None = None,
    ) -> list[ServingOption] | str:
        """The options with one of the images on a type, or why there is none."""
        given = rows if rows[0].name == OWN_IMAGE else None
        found = all_options(kind, required, self.catalog, degree=degree, images=given)
        if isinstance(found, str):
            return found
        names = {row.name for row in rows}
        family = kind.neuron.family if kind.neuron else ""
        failing = known_to_fail(family, required, self.catalog)
        says = {failing[name] for name in names & failing.keys()}
        titles = {SERVERS[row.server].title for row in rows}
        why = f"{listed(sorted(titles))} {listed(sorted(says)) or 'does not serve it there'}"
        return [o for o in found if o.image.name in names] or why

    @property
    def _types(self) -> list[str]:
        return [kind.name for kind in self.where.kinds]

    def _no_degree(self) -> Unserved:
        degree, where = self.serve.tensor_parallel, f"on {listed(self._types)}"
        wanted = self.entry.neuron_devices
        if degree is not None:
            what = f"is {degree}, for which a task has no NeuronCores {where}"
            what += "" if wanted is None else f" with neuron_devices: {flow(wanted)}"
            fix = "; or ".join(self._without_one()) or "leave it out"
            return self._unserved("NE906", "serve.tensor_parallel", what, fix)
        what = f"is {wanted}, which no degree of tensor parallelism of the table suits {where}"
        return self._unserved("NE906", "neuron_devices", what, "leave it out")

    def _too_large(
        self,
        required: ModelRequirements,
        options: Sequence[Mapping[tuple[str, int], ServingOption]],
        choices: Sequence[Choice],
    ) -> Unserved:
        keys = {(c.image.name, c.degree) for c in choices}
        least = min(
            (max((by[key] for by in options), key=lambda o: o.estimate.share) for key in keys),
            key=lambda o: o.estimate.share,
        )
        what = f"is {required.model.id}; {required.sequences} x {required.length} tokens do not "
        what += f"fit {listed(self._types)}: "
        what += does_not_fit(required, [least]).partition(";")[0]
        smaller, fix = fewer(required, least.estimate_for), self._elsewhere()
        if smaller is not None:
            fields = [f"serve.max_model_len: {smaller.length}"]
            if smaller.sequences < required.sequences:
                fields.append(f"serve.max_num_seqs: {smaller.sequences}")
            fix = f"write {' and '.join(f'{self.path}.{field}' for field in fields)}; or {fix}"
        return self._unserved("NE905", "serve.model", what, fix)

    def _common(
        self,
        options: Sequence[Mapping[tuple[str, int], ServingOption]],
        kinds: Sequence[InstanceType],
    ) -> Iterator[Choice]:
        """The options that every type has, with one number of devices, or all of each."""
        totals = [k.neuron.devices if k.neuron else 0 for k in kinds]
        pools = [self.situation.pools[where] for where in self.pools]
        whole = any(p.managed and len(p.types) > 1 for p in pools)
        wanted = self.entry.neuron_devices
        for key in options[0]:
            found = [by[key] for by in options if key in by]
            if len(found) < len(options):
                continue
            needed = [o.devices for o in found]
            if wanted is not None:
                have = [device_count(wanted, kind) for kind in kinds]
                if any(n > h for n, h in zip(needed, have, strict=True)):
                    continue
                devices = wanted
            elif whole or (needed == totals and len(set(needed)) > 1):
                devices = "all"
            elif len(set(needed)) > 1:
                continue
            else:
                devices = "all" if needed == totals else needed[0]
            worst = max(found, key=lambda o: o.estimate.share)
            troubles = tuple(dict.fromkeys(t for o in found for t in o.troubles))
            caveats = tuple(dict.fromkeys(c for o in found for c in o.caveats))
            option = replace(worst, troubles=troubles, caveats=caveats)
            yield Choice(option.image, devices, option)


def _fits(choices: tuple[Choice, ...] | Unserved | None) -> bool:
    """Whether a model is served, with memory to spare and nothing that is known to fail."""
    option = choices[0].option if isinstance(choices, tuple) else None
    fits = option is None or (option.estimate.verdict is Verdict.FITS and not option.troubles)
    return isinstance(choices, tuple) and fits


def _said(holder: Any) -> dict[str, Any]:
    """What the stack file says of a field, by the names of its parts."""
    if isinstance(holder, dict):
        return cast("dict[str, Any]", holder)
    return {name: getattr(holder, name) for name in holder.model_fields_set}


# -- machine images ------------------------------------------------------------------------------


def _suits(s: Situation, where: tuple[str, str], image: ServingImage, ami: str | None) -> bool:
    """Whether the image works with the driver of an AMI, or of the pool's own, if it is known."""
    pool, sdk = s.pools[where], images.neuron_sdk(image.image)
    if sdk is None:
        return True
    if ami is not None:
        return ami in fitting_amis(s, pool, sdk)
    driver = ami_driver(s, pool)
    return driver is None or images.bad_pair(s.catalog, driver, sdk) is None


def _amis(s: Situation, asked: Sequence[_Asked]) -> dict[str, str]:
    """The AMI of each pool that names none and whose newest does not suit its models best."""
    chosen: dict[str, str] = {}
    for name, spec in s.settings.capacity.items():
        here = [where for where in s.pools if where[1] == name]
        if not isinstance(spec, AutoScalingCapacity) or "ami" in spec.model_fields_set or not here:
            continue
        models = [
            (one, where, one.choices)
            for one in asked
            for where in (*one.pools, *one.compiling)
            if where in here and isinstance(one.choices, tuple)
        ]
        if not models:
            continue
        common = set(common_amis(s, s.pools[here[0]]))
        common.intersection_update(*(common_amis(s, s.pools[w]) for w in here))
        newest_first = sorted(common, key=lambda n: (image_day(n) or date.min, n), reverse=True)

        options: list[str | None] = [None, *newest_first]
        found = min(options, key=lambda ami: _rank(s, models, ami))
        if found is not None:
            chosen[name] = found
    return chosen


def _rank(
    s: Situation,
    models: Sequence[tuple[_Asked, tuple[str, str], tuple[Choice, ...]]],
    ami: str | None,
) -> tuple[float, ...]:
    """Sorts AMIs: models without an image, images that cannot be pulled, models that fit tightly or
    are reported to fail, the order of the images."""
    best = [
        next((one.preference(c) for c in choices if _suits(s, where, c.image, ami)), None)
        for one, where, choices in models
    ]
    served = [b for b in best if b is not None]
    return len(best) - len(served), *(sum(b[n] for b in served) for n in range(4))
