"""What can run a task: laws over all types and Regions; the estimate against real deployments."""

import json
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import catalog
from catalog.tables import DATA_DIRECTORY
from config import parse
from neuron_ecs.fit.answer import answer
from neuron_ecs.fit.instances import (
    Option,
    TaskRequirements,
    fit,
    order,
)
from neuron_ecs.fit.models import ModelFit, ModelSearch, fit_model
from neuron_ecs.fit.stack_lines import fitting_ami, model_name, stack_lines
from neuron_ecs.stackfile.reading import read
from neuron_ecs.stackfile.yaml_values import load as read_yaml
from planning import decide
from planning.price import MANAGEMENT_FEE
from planning.rooms import room_of
from planning.serving.memory import Verdict
from tests.planning.stacks import HOME, PROJECT, codes, decide_on

KNOWN = catalog.load()
MODELS = sorted(KNOWN.serving.models)
PURCHASES = ("on_demand", "spot", "capacity_block")
KINDS = ("auto_scaling", "managed_instances")
EIGHT, SEVENTY = "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"
BIGGEST = "meta-llama/Llama-3.1-405B-Instruct"


def ways() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "regions": st.sampled_from(
                [(), ("us-west-2",), ("us-east-2", "sa-east-1"), ("ap-southeast-4", "us-east-1")]
            ),
            "purchase": st.sampled_from(PURCHASES),
            "kind": st.sampled_from(KINDS),
            "tasks": st.sampled_from([1, 2, 5]),
            "types": st.sampled_from([(), ("inf2.*",), ("trn*",)]),
        }
    )


NEEDS: st.SearchStrategy[dict[str, int]] = st.fixed_dictionaries(
    {
        "devices": st.integers(1, 17),
        "device_memory_gib": st.sampled_from([0, 8, 32, 33, 96, 200]),
        "core_memory_gib": st.sampled_from([0, 2, 3, 16, 17, 24, 25]),
        "memory_mib": st.sampled_from([0, 20_000, 100_000, 500_000]),
        "cpu_units": st.sampled_from([0, 4096, 40_960]),
    }
)


def requirements() -> st.SearchStrategy[TaskRequirements]:
    return st.tuples(NEEDS, ways()).map(lambda both: TaskRequirements(**both[0], **both[1]))


def model_requirements(
    name: str, *, length: int = 4096, sequences: int = 4, **more: Any
) -> ModelSearch:
    model = KNOWN.serving.models[name]
    precompiled = more.pop("precompiled", False)
    return ModelSearch(
        model,
        min(length, model.max_positions),
        sequences,
        precompiled,
        where=TaskRequirements(**more),
    )


def types_in(found: ModelFit) -> list[str]:
    return list(dict.fromkeys(o.option.instance_type for o in found.options))


# -- laws of every answer ----------------------------------------------------------------------


@given(requirements())
def test_every_option_is_legal_and_fits_its_instance(required: TaskRequirements) -> None:
    for option in fit(required, KNOWN).options:
        kind = KNOWN.instances.neuron_types[option.instance_type]
        assert kind.neuron is not None
        legal = KNOWN.neuron.device_sets(option.instance_type)
        assert set(option.sets) <= set(legal), "another set of devices dies in nrt_init"
        taken = [d for first, size in option.sets for d in range(first, first + size)]
        assert len(taken) == len(set(taken)), "one task at a time holds a device"
        assert {size for _, size in option.sets} == {option.devices}
        assert option.devices >= required.devices
        memory = kind.neuron.device_memory_mib
        assert memory >= required.device_memory_gib * 1024, "chips share no memory"
        core = memory / kind.neuron.logical_cores_per_device
        assert core >= required.core_memory_gib * 1024, "cores share no memory"
        room, task = room_of(kind, KNOWN), option.task
        assert option.tasks_per_instance * task.memory_mib <= room.memory_mib
        assert option.tasks_per_instance * task.cpu_units <= room.cpu_units
        assert task.memory_mib >= required.memory_mib
        assert task.cpu_units >= required.cpu_units
        assert option.instances * option.tasks_per_instance >= required.tasks
        assert option.zone_ids, "a type that no zone offers cannot be launched"


@given(requirements())
def test_the_cheapest_comes_first_and_what_has_no_price_last(required: TaskRequirements) -> None:
    options = fit(required, KNOWN).options
    assert list(options) == sorted(options, key=order)
    prices = [o.per_hour for o in options]
    priced = [p for p in prices if p is not None]
    assert priced == sorted(priced)
    assert all(p is None for p in prices[len(priced) :]), "a price is never guessed"
    for option in options:
        said = any(m.startswith("the price") for m in option.missing)
        assert said == (option.price is None), "a missing price is named, never zero"
        assert (MANAGEMENT_FEE in option.missing) == (required.kind == "managed_instances")


@given(requirements())
def test_every_type_is_an_option_or_told_why_not(required: TaskRequirements) -> None:
    found = fit(required, KNOWN)
    told = {o.instance_type for o in found.options} | {r.instance_type for r in found.refusals}
    wanted = {n for p in required.types for n in KNOWN.instances.matching(p)} or set(
        KNOWN.instances.neuron_types
    )
    assert told == wanted & set(KNOWN.instances.neuron_types)
    assert all(r.why for r in found.refusals)
    if required.regions:
        for name in wanted & set(KNOWN.instances.neuron_types):
            where = {o.region for o in found.options if o.instance_type == name}
            for refusal in (r for r in found.refusals if r.instance_type == name):
                where |= set(refusal.regions) or set(required.regions)
            assert where == set(required.regions)


@given(requirements(), NEEDS)
def test_more_wanted_is_never_cheaper(required: TaskRequirements, more: dict[str, int]) -> None:
    larger = replace(required, **{key: max(getattr(required, key), more[key]) for key in more})

    def cheapest(w: TaskRequirements) -> tuple[Decimal, Decimal] | None:
        options = [o for o in fit(w, KNOWN).options if o.per_hour is not None]
        if not options:
            return None
        hours, tasks = [o.per_hour for o in options], [o.per_task for o in options]
        return min(h for h in hours if h is not None), min(t for t in tasks if t is not None)

    little, much = cheapest(required), cheapest(larger)
    assume(much is not None)
    assert little is not None, "what can run more can run less"
    assert much is not None
    assert little[0] <= much[0]
    assert little[1] <= much[1]


@given(requirements())
def test_the_order_of_requirements_means_nothing(required: TaskRequirements) -> None:
    turned = replace(required, regions=required.regions[::-1], types=required.types[::-1])
    assert fit(turned, KNOWN) == fit(required, KNOWN)


@settings(max_examples=40)
@given(st.sampled_from(MODELS), st.sampled_from([512, 2048, 16384]), st.integers(1, 32), ways())
def test_a_model_is_served_by_legal_degrees_on_cores_that_it_fits(
    name: str, length: int, sequences: int, where: dict[str, Any]
) -> None:
    required = model_requirements(name, length=length, sequences=sequences, **where)
    verdicts: list[Verdict] = []
    for proposed in fit_model(required, KNOWN).options:
        option, serving = proposed.option, proposed.serving
        kind = KNOWN.instances.neuron_types[option.instance_type]
        assert kind.neuron is not None
        assert serving.degree in KNOWN.neuron.tensor_parallel_degrees(option.instance_type)
        cores = option.devices * kind.neuron.logical_cores_per_device
        assert serving.degree <= cores, "a degree is a number of cores that the task has"
        assert serving.estimate.share <= 1
        assert serving.estimate.verdict is not Verdict.NO
        assert kind.neuron.family in serving.image.families
        verdicts.append(serving.estimate.verdict)
    assert verdicts == sorted(verdicts), "what surely fits stands before what is tight"


# -- the stack file ----------------------------------------------------------------------------


def checked(lines: tuple[str, ...], directory: Path) -> Any:
    """The plan of the lines, read as the command line reads a stack file. Raises `Refused`."""
    (directory / "Pulumi.yaml").write_text("name: neuron-ecs\nruntime: python\n")
    (directory / "Pulumi.fit.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    file = read(stack="fit", file=None, directory=directory)
    assert parse({k.partition(":")[2]: v for k, v in file.config.items() if k[:3] != "aws"})
    return decide(file.config, KNOWN, project="neuron-ecs", stack="fit")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fit")


def first_of_each_type(options: list[Option]) -> list[Option]:
    return list({o.instance_type: o for o in reversed(options)}.values())


@settings(max_examples=25)
@given(required=requirements())
def test_the_lines_for_devices_make_a_plan(required: TaskRequirements, directory: Path) -> None:
    for option in first_of_each_type(list(fit(required, KNOWN).options)):
        plan = checked(stack_lines(option, required, KNOWN, project="neuron-ecs"), directory)
        pools = [pool for region in plan.regions for pool in region.pools]
        assert len(pools) == 1, "one pool runs it"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("purchase", PURCHASES)
def test_the_lines_for_every_model_make_a_plan(purchase: Any, kind: Any, directory: Path) -> None:
    for number, name in enumerate(MODELS):
        required = model_requirements(name, purchase=purchase, kind=kind, tasks=1 + number % 2)
        options = {o.option.instance_type: o for o in reversed(fit_model(required, KNOWN).options)}
        for proposed in list(options.values())[number % 2 :: 2]:
            checked(
                stack_lines(
                    proposed.option,
                    required.where,
                    KNOWN,
                    project="neuron-ecs",
                    model=required,
                    serving=proposed.serving,
                ),
                directory,
            )


def test_the_ami_of_the_lines_has_a_driver_that_suits_the_image() -> None:
    for image in (i for i in KNOWN.serving.images if i.model_types):
        ami = fitting_ami(image.image, "us-west-2", KNOWN)
        old = "sdk2.28" in image.image or "sdk2.26" in image.image
        assert (ami is not None) == old, "AMIs from July 2026 on refuse images older than SDK 2.31"
        if ami is not None:
            assert "20260701" in ami, "the newest AMI with driver 2.28"


def test_names_of_models_are_names_of_the_stack_file() -> None:
    names = [model_name(model) for model in MODELS]
    assert len(set(names)) == len(names)
    assert model_name("01-ai/01-Yi") == "m-01-yi"


# -- what is sold where ------------------------------------------------------------------------


def test_a_capacity_block_pair_without_a_price_is_not_sold_on_demand() -> None:
    required = TaskRequirements(types=("trn2.48xlarge",), regions=("us-east-2",))
    found = fit(required, KNOWN)
    assert found.options == ()
    assert "sold in Capacity Blocks" in found.refusals[0].why
    assert set(answer(required, None, KNOWN).other_purchases) == {"spot", "capacity_block"}
    block = fit(replace(required, purchase="capacity_block"), KNOWN).options
    assert [o.price for o in block] == [None], "EC2 quotes a block when it is bought"


def test_a_region_that_the_prices_do_not_cover_is_an_option_without_a_price() -> None:
    found = fit(TaskRequirements(types=("inf2.xlarge",), regions=("sa-east-1", "us-east-1")), KNOWN)
    assert [o.region for o in found.options] == ["us-east-1", "sa-east-1"]
    assert "does not cover sa-east-1" in found.options[1].missing[0]


def test_tasks_are_paid_by_the_instance() -> None:
    required = TaskRequirements(types=("inf2.24xlarge",), regions=("us-east-1",), tasks=7)
    option = fit(required, KNOWN).options[0]
    assert (option.tasks_per_instance, option.instances) == (6, 2)
    assert option.per_hour == 2 * Decimal("6.49063")
    assert option.per_task == Decimal("6.49063") / 6


def test_a_type_without_a_price_and_without_capacity_blocks_may_not_be_sold(
    tmp_path: Path,
) -> None:
    shutil.copytree(DATA_DIRECTORY, tmp_path / "data")
    prices = tmp_path / "data" / "prices.csv"
    lines = prices.read_text(encoding="utf-8").splitlines(keepends=True)
    gone = "inf2.xlarge,us-west-2,on_demand,"
    prices.write_text("".join(x for x in lines if not x.startswith(gone)), encoding="utf-8")
    required = TaskRequirements(types=("inf2.xlarge",), regions=("us-west-2",))
    option = fit(required, catalog.load(tmp_path / "data")).options[0]
    assert option.per_hour is None
    assert "it may not be sold" in option.missing[0]


def test_a_task_that_needs_more_than_its_share_says_so_in_the_lines(directory: Path) -> None:
    required = model_requirements(EIGHT, types=("trn1.32xlarge",), regions=("us-west-2",))
    proposed = fit_model(required, KNOWN).options[0]
    option = proposed.option
    assert option.task.memory_mib > option.share.memory_mib, "31 GiB go with a device; 37 needed"
    assert option.tasks_per_instance == 13, "so 13 tasks fit, on 16 devices"
    lines = stack_lines(
        option,
        required.where,
        KNOWN,
        project="neuron-ecs",
        model=required,
        serving=proposed.serving,
    )
    (region,) = checked(lines, directory).regions
    (service,) = region.models[0].services
    (container,) = json.loads(service.task_definition.container_definitions)
    assert container["memory"] == option.task.memory_mib


def test_an_illegal_number_of_devices_takes_the_next_legal_one() -> None:
    kind = KNOWN.instances.neuron_types["trn1.32xlarge"]
    assert [KNOWN.neuron.legal_count(kind.name, at_least=n) for n in (1, 2, 5, 9, 17)] == [
        1,
        4,
        8,
        16,
        None,
    ]
    option = fit(TaskRequirements(devices=2, types=("trn1.32xlarge",)), KNOWN).options[0]
    assert (option.devices, option.tasks_per_instance) == (4, 4)
    assert option.notes == ("AWS documents no tasks with 2 of its devices, but with 4",)


def test_managed_instances_do_not_take_inf1() -> None:
    found = fit(TaskRequirements(types=("inf1.*",), kind="managed_instances"), KNOWN)
    assert not found.options
    assert {r.why for r in found.refusals} == {"ECS Managed Instances do not support its family"}


# -- models ------------------------------------------------------------------------------------


def test_eight_billion_parameters_do_not_compile_in_sixteen_gib_of_host_memory() -> None:
    found = fit_model(model_requirements(EIGHT), KNOWN)
    assert types_in(found)[0] == "inf2.8xlarge"
    why = {r.instance_type: r.why for r in found.refusals}
    assert "--precompiled" in why["inf2.xlarge"]
    precompiled = fit_model(model_requirements(EIGHT, precompiled=True), KNOWN)
    assert types_in(precompiled)[0] == "inf2.xlarge"


def test_a_model_that_one_image_fails_on_takes_the_next() -> None:
    found = fit_model(model_requirements("Qwen/Qwen3-8B", types=("inf2.8xlarge",)), KNOWN)
    assert {o.serving.image.server for o in found.options} == {"optimum"}, (
        "it does not compile with SDK 2.28 (aws-neuron-sdk#1303)"
    )


def test_a_mixture_of_experts_on_trainium_2_wants_sixteen_sequences() -> None:
    name = "Qwen/Qwen3-30B-A3B-Instruct-2507"
    where: dict[str, Any] = {"types": ("trn2.*",), "purchase": "spot"}
    few = fit_model(model_requirements(name, sequences=4, **where), KNOWN)
    assert not few.options
    assert all("16 sequences" in r.why for r in few.refusals)
    assert fit_model(model_requirements(name, sequences=16, **where), KNOWN).options


def test_the_largest_model_runs_on_trainium_2_alone() -> None:
    assert not fit_model(model_requirements(BIGGEST), KNOWN).options
    found = fit_model(model_requirements(BIGGEST, purchase="capacity_block"), KNOWN)
    assert set(types_in(found)) <= {"trn2.48xlarge", "trn2u.48xlarge"}
    assert {o.serving.degree for o in found.options} == {64}


def test_what_does_not_fit_is_told_with_what_would() -> None:
    found = fit_model(
        model_requirements(EIGHT, length=65536, sequences=8, types=("inf2.8xlarge",)), KNOWN
    )
    assert not found.options
    assert "8 x 8192 tokens would fit" in found.refusals[0].why
    best = model_requirements(EIGHT, length=8192, sequences=8, types=("inf2.8xlarge",))
    assert fit_model(best, KNOWN).options, "the advice is true"


def test_a_documented_degree_goes_before_one_that_was_only_seen() -> None:
    first, second = fit_model(model_requirements(SEVENTY, types=("inf2.48xlarge",)), KNOWN).options[
        :2
    ]
    assert first.option.per_hour == second.option.per_hour
    assert (first.serving.degree, first.option.devices) == (24, 12)
    assert not first.serving.caveats


def test_a_way_that_was_seen_to_fail_is_not_proposed_in_silence() -> None:
    required = model_requirements(EIGHT, length=16384, sequences=8, types=("inf2.24xlarge",))
    for option in fit_model(required, KNOWN).options:
        serving = option.serving
        failed = (serving.degree, serving.image.server) == (8, "nxdi")
        assert any("issues/96" in n for n in serving.notes) == failed
    assert not any(o.serving.troubles for o in fit_model(required, KNOWN).options), (
        "other degrees have not failed so"
    )


def test_the_file_of_a_precompiled_model_has_the_job_and_the_pool_that_compile_it() -> None:
    required = model_requirements(EIGHT, precompiled=True, regions=(HOME,))
    found = fit_model(required, KNOWN).options[0]
    lines = stack_lines(
        found.option, required.where, KNOWN, project=PROJECT, model=required, serving=found.serving
    )
    config: Any = read_yaml("\n".join(lines)).value["config"]
    texts = {key: v if key == "aws:region" else json.dumps(v) for key, v in config.items()}
    assert found.option.instance_type == "inf2.xlarge"
    assert not codes(texts) & {"NE912", "NE944"}, "each has the memory that it needs"
    (job,) = decide_on(texts).regions[0].jobs
    assert job.compiles
