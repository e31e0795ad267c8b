"""Models of `serve`: what cannot be served, and what departs from what would follow."""

from collections.abc import Iterator

from config import EfsVolumeEntry
from config.credentials import shown
from messages.finding import Severity
from messages.phrases import flow, listed
from planning import choices
from planning.amis import ami_driver
from planning.command_line import server_of, written_containers
from planning.entries import RegionalPool
from planning.names import fitted
from planning.rules.rule import Report, Rule, rule
from planning.serving import ahead
from planning.serving.cache import NONE, S3
from planning.serving.servers import SERVERS
from planning.serving.shapes import on_hub
from planning.situation import Situation
from planning.volumes import mounted


def _unserved(code: str, s: Situation) -> Iterator[Report]:
    return (Report(u.path, u.what, u.fix) for u in s.unserved if u.code == code)


@rule(
    "NE901",
    "Model cannot be served on its pool",
    Severity.ERROR,
    "Each image serves the architectures that its code has, on the chips that it was built for.",
    do="Name a pool of another type; `neuron-ecs fit --model` lists those that serve the model.",
    table="serving_images",
)
def cannot_be_served(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/deep-learning-containers and the sources of the table's
    rows."""
    yield from _unserved("NE901", s)


@rule(
    "NE902",
    "Shape of the model is not known",
    Severity.ERROR,
    "Devices, degree and memory follow from the number of layers, heads and parameters.",
    do="Write its shape under shapes, or the id of the model that it was tuned from.",
    table="language_models",
)
def shape_unknown(s: Situation) -> Iterator[Report]:
    """The sources of the table's rows; https://huggingface.co/docs/transformers (config.json)."""
    yield from _unserved("NE902", s)


@rule(
    "NE903",
    "Server does not exist",
    Severity.ERROR,
    "The command follows from the server, whose options are known for those of the table.",
    do="Name a server of the table, or leave serve.server out.",
    table="servers",
)
def no_such_server(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/deep-learning-containers and the sources of the table's
    rows."""
    yield from _unserved("NE903", s)


@rule(
    "NE904",
    "Server of the image is not known",
    Severity.ERROR,
    "The command follows from the server inside the image.",
    do="Write serve.server, or leave the image out.",
    table="container_images",
)
def server_of_image_unknown(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/deep-learning-containers: the images of AWS and their
    servers."""
    yield from _unserved("NE904", s)


@rule(
    "NE905",
    "Model does not fit the memory of its devices",
    Severity.ERROR,
    "NeuronCores share no memory: each stores its part of the weights and of the KV cache, and the "
    "server ends where one of them does not.",
    do="Serve fewer or shorter sequences, or name a pool of a type with more devices.",
    table="neuron_types",
)
def does_not_fit(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/explore/device-memory.html;
    the estimate is that of planning/serving/memory.py."""
    yield from _unserved("NE905", s)


@rule(
    "NE906",
    "No degree of tensor parallelism suits the devices",
    Severity.ERROR,
    "The server splits the model over a number of NeuronCores that the runtime supports.",
    do="Leave neuron_devices out, or write another number.",
    table="tensor_parallel",
)
def no_degree_for_devices(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/aws-neuron-sdk (about-neuron/calculator/neuron-calculator.rst)
    and the sources of the table's rows."""
    yield from _unserved("NE906", s)


@rule(
    "NE907",
    "Value departs from what follows from serve",
    Severity.NOTE,
    "What the stack file writes beside serve is used, and is judged as in any entry.",
    do="Leave the value out where it has no reason of its own.",
)
def departs(s: Situation) -> Iterator[Report]:
    """docs/stack-file.md: what is written wins."""
    for name, out in s.written.items():
        for one in out.departures:
            yield Report(
                f"models.{name}.{one.field}",
                f"is {flow(one.written)}; serve alone gives {flow(one.derived.value)} "
                f"({one.derived.because})",
                "leave it out",
            )


@rule(
    "NE908",
    "AMI follows from the models of the pool",
    Severity.NOTE,
    "The pool names no AMI, and the driver of the newest one refuses the images that serve its "
    "models best.",
    do="Write the version of the AMI, so that another model cannot change it.",
    table="ami_versions",
)
def ami_follows(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/release-notes/components/runtime.html:
    which driver works with which SDK."""
    for name, version in s.amis.items():
        pool = next(p for (_, n), p in s.pools.items() if n == name)
        named = {s.compile_jobs.get(w.name, w.name) for w in s.work_on(pool)}
        served = [m for m in s.written if m in named]
        yield Report(
            f"capacity.{name}.ami",
            f"is {version} with Neuron driver {ami_driver(s, pool)}, for {listed(served)}",
            f"write ami.version: {version}",
        )


@rule(
    "NE909",
    "Revision of a model that is not on the hub",
    Severity.WARNING,
    "A revision is a commit, tag or branch of a repository on the hub; the server ignores it for a "
    "directory.",
    do="Leave serve.revision out.",
)
def revision_of_a_directory(s: Situation) -> Iterator[Report]:
    """https://docs.vllm.ai/en/latest/serving/engine_args/: --revision."""
    for name, out in s.written.items():
        serve = out.entry.serve
        if serve is not None and serve.revision and not on_hub(serve.model):
            yield Report(
                f"models.{name}.serve.revision",
                f"is {shown(serve.revision)}, of the directory {serve.model}",
                "leave it out",
            )


@rule(
    "NE923",
    "Field of serve that the server does not use",
    Severity.WARNING,
    "The server loads a model that was compiled before, with the sizes and names that it has.",
    do="Leave the field out.",
)
def without_effect(s: Situation) -> Iterator[Report]:
    """https://www.tensorflow.org/tfx/serving/serving_config and
    https://docs.pytorch.org/serve/configuration.html: their settings."""
    for name, out in s.written.items():
        serve, server = out.entry.serve, SERVERS[out.choice.image.server]
        said = serve.model_dump(mode="json", exclude_none=True) if serve else {}
        for field in server.ignores:
            if field in said and said[field] != NONE and not str(said[field]).startswith(S3):
                yield Report(
                    f"models.{name}.serve.{field}",
                    f"is {flow(said[field])}; {server.title} does not use it",
                    "leave it out",
                )


@rule(
    "NE940",
    "Server does not keep its cache in S3",
    Severity.WARNING,
    "The server has no variable that takes a prefix of S3, so every start compiles again.",
    do="Name a volume under serve.cache, or leave it out.",
    table="server_caches",
)
def no_cache_in_s3(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/aws-neuron-sdk
    (vllm-neuron/docs/design/compilation/compilation_cache.md): the remote cache is a mounted
    path."""
    for name, out in s.written.items():
        serve, server = out.entry.serve, out.choice.image.server
        rows = [row for row in s.catalog.containers.server_caches if row.server == server]
        if serve is None or not (serve.cache or "").startswith(S3):
            continue
        if not any(row.takes_s3 for row in rows):
            yield Report(
                f"models.{name}.serve.cache",
                f"is {serve.cache}; {SERVERS[server].title} keeps nothing in S3",
                "leave it out",
            )
    yield from _directories_in_s3(s)


def _directories_in_s3(s: Situation) -> Iterator[Report]:
    """Variables that name a directory, with a prefix of S3."""
    for path, spec in s.named_workloads():
        for at, container in written_containers(path, spec):
            server = server_of(container, s.catalog)
            for row in s.catalog.containers.server_caches:
                value = container.environment.get(row.variable, "")
                if server is None or row.server != server.name or row.takes_s3:
                    continue
                if value.startswith(S3):
                    yield Report(
                        f"{at}.environment.{row.variable}",
                        f"is {shown(value)}; {SERVERS[server.name].title} takes a directory there",
                        "leave it out",
                        "The server makes a directory of that name in the container, which goes "
                        "with it.",
                    )


@rule(
    "NE941",
    "Several tasks write one cache",
    Severity.WARNING,
    "Compiled artefacts are written by one server at a time: what happens when several compile "
    "into one directory is not documented.",
    do="Let one job compile, let the cache be on the disk of the instances, or run one task.",
)
def several_writers(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html:
    the server compiles where it finds no artefacts, and writes them there."""
    for name, out in s.written.items():
        shared = ahead.shared(out.entry, s.settings)
        if out.cache is None or ahead.is_ahead(out.entry) or not shared:
            continue
        most = max((w.tasks_max for w in s.work if w.path == f"models.{name}"), default=0)
        if most > 1:
            yield Report(
                f"models.{name}.serve.cache",
                f"is {out.cache.place}, a file system that up to {most} tasks write in a Region",
                f"write models.{name}.serve.compile: ahead; or leave it out",
            )


@rule(
    "NE942",
    "Directory of a file system names a slot",
    Severity.ERROR,
    "Amazon EFS refuses braces in the directory of an access point; on a host volume {slot} is the "
    "number of the service.",
    do="Leave {slot} out, or mount a host volume.",
)
def slot_of_a_file_system(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/efs/latest/ug/API_RootDirectory.html, Path."""
    for path, spec in s.named_workloads():
        for found in mounted(path, spec):
            directory = found.mount.directory or ""
            system = s.settings.volumes.get(found.volume)
            if choices.SLOT in directory and isinstance(system, EfsVolumeEntry):
                rest = directory.removesuffix(f"/{choices.SLOT}")
                yield Report(f"{found.at}.directory", f"is {directory}", f"write {rest}")


@rule(
    "NE943",
    "Model cannot be compiled ahead",
    Severity.ERROR,
    "A job compiles into the cache of the model, and tasks on every instance look for its result: "
    "it has to be in S3, or on a file system that they share.",
    do="Name an EFS volume under serve.cache, or let each task compile at its start.",
    table="servers",
)
def no_place_for_the_compiled(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_data_volumes.html: a
    directory of an instance is seen there alone, an EBS volume by one task. The servers without a
    command to compile load what was compiled before."""
    for name, out in s.written.items():
        serve, server = out.entry.serve, out.choice.image.server
        if serve is None or serve.compile != "ahead" or out.ahead is not None:
            continue
        if {*out.entry.mounts} - {*s.settings.volumes} == {serve.cache}:
            continue  # a volume that does not exist: another rule says so
        path = f"models.{name}.serve.compile"
        if not s.catalog.containers.servers[server].compile_command:
            title = SERVERS[server].title
            yield Report(path, f"is ahead; {title} loads what was compiled before", "leave it out")
            continue
        efs = [n for n, v in sorted(s.settings.volumes.items()) if isinstance(v, EfsVolumeEntry)]
        place = serve.cache or ("the disk of each instance" if out.cache else "none")
        fix = f"write models.{name}.serve.cache: {efs[0] if efs else 'compiled'}"
        if not efs:
            fix += " and volumes.compiled: {kind: efs}"
        taken = "compiled" in s.settings.volumes and not efs  # a volume of another kind
        fix = "leave it out" if taken else f"{fix}; or leave it out"
        yield Report(path, f"is ahead; the cache is {place}", fix)


@rule(
    "NE944",
    "Host memory is too small to compile the model ahead",
    Severity.WARNING,
    "A server that compiles needs about 2.5 checkpoints of host memory, and the task ends where "
    "its memory does.",
    do="Let the job run on a pool of a type with the same chips and more memory.",
    table="language_models",
)
def little_memory_to_compile(s: Situation) -> Iterator[Report]:
    """https://github.com/aws-neuron/aws-neuron-sdk/issues/1222 (8 billion parameters with 32 GiB)
    and https://github.com/aws-samples/sample-genai-on-eks-starter-kit (96 GiB)."""
    for work in s.distinct_work:
        out = s.written.get(s.compile_jobs.get(work.name, "")) if work.is_job else None
        size = s.task_size(work)
        if out is None or out.ahead is None or size is None:
            continue
        have = size.memory_mib - sum(c.memory_mib for c in work.spec.sidecars.values())
        if have < out.ahead.memory_mib:
            kind = work.smallest.name if work.smallest else ""
            yield Report(
                f"models.{s.compile_jobs[work.name]}.serve.compile_on",
                f"is {work.pool.name} of {kind}, where the job has {have} MiB; to compile takes "
                f"about {out.ahead.memory_mib / 1024:.0f} GiB",
                "make a pool of a larger type with the same chips for it",
            )


@rule(
    "NE945",
    "Model is compiled on other chips than it runs on",
    Severity.ERROR,
    "Compiled code runs on the chips that it was compiled for.",
    do="Name a pool of the same family under serve.compile_on, or leave it out.",
    table="neuron_families",
)
def compiled_on_other_chips(s: Situation) -> Iterator[Report]:
    """https://awsdocs-neuron.readthedocs-hosted.com/en/latest/compiler/neuronx-cc/api-reference-guide/neuron-compiler-cli-reference-guide.html:
    --target."""
    for name, out in s.written.items():
        serve = out.entry.serve
        if serve is None or serve.compile_on is None:
            continue
        models = [w.pool for w in s.work if w.path == f"models.{name}"]
        on = serve.compile_on
        path, fix = f"models.{name}.serve.compile_on", "leave it out"
        pools = [p for (r, n), p in s.pools.items() if n == on and r in {m.region for m in models}]
        theirs, ours = ({_family(p) for p in of} for of in (pools, models))
        if theirs - ours:
            chips = f"{listed(sorted(theirs))}, the model on {listed(sorted(ours))}"
            yield Report(path, f"is {on}: it compiles for {chips}", fix)


@rule(
    "NE947",
    "Region has no job that compiles the model",
    Severity.ERROR,
    "Each Region has a file system of its own, so a job in each compiles for the tasks there.",
    do="Name a pool that is in every Region of the model.",
)
def region_without_a_compile_job(s: Situation) -> Iterator[Report]:
    """https://docs.aws.amazon.com/efs/latest/ug/how-it-works.html: a file system is in one
    Region."""
    for job, name in s.compile_jobs.items():
        serve, cache = s.settings.models[name].serve, s.written[name].cache
        if serve is None or cache is None or cache.kind not in ("efs", "s3_files"):
            continue
        if serve.compile_on not in s.settings.capacity:
            continue
        served, compiled = (
            {w.region for w in s.work if w.path == path}
            for path in (f"models.{name}", f"jobs.{job}")
        )
        for region in sorted(served - compiled):
            yield Report(
                f"models.{name}.serve.compile_on",
                f"is {serve.compile_on}, which {region} does not have",
                "leave it out",
            )


def _family(pool: RegionalPool) -> str:
    return " ".join(sorted({k.neuron.family for k in pool.types if k.neuron})) or "no chips"


@rule(
    "NE946",
    "Name of a job is that of a compile job",
    Severity.ERROR,
    "The job that compiles a model is called compile-<model>, and two jobs cannot have one name.",
    do="Rename the job of the stack file.",
)
def name_of_a_compile_job(s: Situation) -> Iterator[Report]:
    """https://www.pulumi.com/docs/iac/concepts/resources/names/: names are unique."""
    for name, out in s.written.items():
        job = s.settings.jobs.get(out.ahead.name) if out.ahead else None
        if out.ahead is not None and job is not None and job is not out.ahead.job:
            yield Report(
                f"jobs.{out.ahead.name}",
                f"runs {shown(job.image, limit=120)} by the name of the job that compiles {name}",
                f"name it {fitted(f'own-{out.ahead.name}', ahead.NAME_MAX)}",
            )


RULES: tuple[Rule, ...] = (
    cannot_be_served,
    shape_unknown,
    no_such_server,
    server_of_image_unknown,
    does_not_fit,
    no_degree_for_devices,
    departs,
    ami_follows,
    revision_of_a_directory,
    without_effect,
    no_cache_in_s3,
    several_writers,
    slot_of_a_file_system,
    no_place_for_the_compiled,
    little_memory_to_compile,
    compiled_on_other_chips,
    name_of_a_compile_job,
    region_without_a_compile_job,
)
