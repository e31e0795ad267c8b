"""`verify` as a command, and against services that keep state."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ConfigParseError,
    LoginRefreshRequired,
    SSOTokenLoadError,
    TokenRetrievalError,
)
from moto import mock_aws

from neuron_ecs.cli import main as command_line
from neuron_ecs.cli import verify as command
from neuron_ecs.operations import aws
from neuron_ecs.operations.observed import Names
from neuron_ecs.operations.stack import Stack
from neuron_ecs.operations.verify import verify
from planning import plan
from tests.neuron_ecs import running
from tests.neuron_ecs.operations.world import (
    MOVING,
    ROOT,
    STACK,
    World,
    client,
    planned,
    stack_file,
)

# ---- a service that keeps state --------------------------------------------------------------


class Ecs:
    """ECS as moto plays it, which lists providers only by name and ties no instance to one."""

    def __init__(self, ecs: Any) -> None:
        self.ecs = ecs

    def __getattr__(self, call: str) -> Any:
        return getattr(self.ecs, call)

    def providers_of(self, cluster: str) -> list[str]:
        told = self.ecs.describe_clusters(clusters=[cluster])["clusters"]
        return told[0]["capacityProviders"]

    def describe_capacity_providers(self, *, cluster: str) -> Any:
        names = self.providers_of(cluster)
        return self.ecs.describe_capacity_providers(capacityProviders=names)

    def describe_container_instances(self, **asked: Any) -> Any:
        answer = self.ecs.describe_container_instances(**asked)
        for one in answer["containerInstances"]:
            one["capacityProviderName"] = self.providers_of(asked["cluster"])[0]
        return answer


def moto_connect(service: str, region_name: str, config: object = None) -> Any:
    made = client(service, region_name)
    return Ecs(made) if service == "ecs" else made


def bring_up(region: plan.RegionPlan, *, suffix: str = "0a1b2c3", image_id: str) -> Any:
    """What the program would have built of a Region with Auto Scaling pools, with its tasks."""
    ecs, ec2 = client("ecs", region.name), client("ec2", region.name)
    scaling = client("autoscaling", region.name)
    assert region.auto_scaling
    cluster = f"{region.auto_scaling.key}-{suffix}"
    providers: list[str] = []
    hosts: list[str] = []
    for pool in region.auto_scaling.pools:
        name = f"{pool.key}-{suffix}"
        zones = [f"{region.name}a"]
        scaling.create_launch_configuration(
            LaunchConfigurationName=name, ImageId=image_id, InstanceType=pool.instance_type
        )
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchConfigurationName=name,
            MinSize=0,
            MaxSize=pool.max_size,
            DesiredCapacity=pool.layout.instances_min,
            AvailabilityZones=zones,
        )
        group = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        arn = group["AutoScalingGroups"][0]["AutoScalingGroupARN"]
        ecs.create_capacity_provider(
            name=name, autoScalingGroupProvider={"autoScalingGroupArn": arn}
        )
        providers.append(name)
        hosts += [i["InstanceId"] for i in group["AutoScalingGroups"][0]["Instances"]]
    ecs.create_cluster(clusterName=cluster, capacityProviders=providers)
    for host in hosts:
        machine = ec2.describe_instances(InstanceIds=[host])["Reservations"][0]["Instances"][0]
        document = {"instanceId": host, "region": region.name, "imageId": machine["ImageId"]}
        ecs.register_container_instance(
            cluster=cluster, instanceIdentityDocument=json.dumps(document)
        )
    for model in region.models:
        for service in model.services:
            task = service.task_definition
            ecs.register_task_definition(
                family=task.family,
                networkMode=task.network_mode,
                containerDefinitions=json.loads(task.container_definitions),
                requiresCompatibilities=[task.compatibility],
            )
            ecs.create_service(
                cluster=cluster,
                serviceName=f"{service.key}-{suffix}",
                taskDefinition=task.family,
                desiredCount=service.desired_count,
                capacityProviderStrategy=[{"capacityProvider": f"{service.pool}-{suffix}"}],
            )
    return ecs


def recommended_image(region: plan.RegionPlan) -> str:
    pool = region.pools[0]
    assert isinstance(pool, plan.AutoScalingPool)
    path = pool.image_id.removeprefix("resolve:ssm:")
    return client("ssm", region.name).get_parameters(Names=[path])["Parameters"][0]["Value"]


@pytest.fixture
def moving(tmp_path: Path) -> plan.Plan:
    return planned(stack_file(tmp_path, MOVING))


@mock_aws
def test_a_stack_is_found_by_its_keys_with_its_capacity_services_and_image(
    moving: plan.Plan,
) -> None:
    here = moving.regions[0]
    bring_up(here, image_id=recommended_image(here))
    checks = verify(Stack(moving, moto_connect))
    by_kind = {c.kind: c for c in checks}
    assert by_kind["cluster"].verdict == by_kind["capacity"].verdict == "ok"
    assert "0 of 1 task running, 1 pending" in by_kind["service"].problems
    assert by_kind["instance"].verdict == "ok", "its type and its image are the planned ones"
    assert not any("containers" in p for c in checks for p in c.problems), "registered as planned"


@mock_aws
def test_an_image_that_is_not_the_parameters_is_seen(moving: plan.Plan) -> None:
    bring_up(moving.regions[0], image_id="ami-03cf127a")
    host = next(c for c in verify(Stack(moving, moto_connect)) if c.kind == "instance")
    assert any("ami-03cf127a" in p and "is recommended now" in p for p in host.problems)


@mock_aws
def test_of_two_stacks_in_one_account_each_finds_its_own_cluster(
    moving: plan.Plan, tmp_path: Path
) -> None:
    blue = tmp_path / "Pulumi.blue.yaml"
    blue.write_text(MOVING, encoding="utf-8")
    other = planned(blue)
    bring_up(moving.regions[0], image_id="ami-03cf127a", suffix="aaaaaaa")
    bring_up(other.regions[0], image_id="ami-03cf127a", suffix="bbbbbbb")
    for whole, suffix in ((moving, "aaaaaaa"), (other, "bbbbbbb")):
        checks = verify(Stack(whole, moto_connect))
        assert [c.name for c in checks if c.kind == "cluster"] == [f"usw2_auto-scaling-{suffix}"]


@mock_aws
def test_clusters_that_cannot_be_told_apart_ask_for_the_outputs(moving: plan.Plan) -> None:
    for suffix in ("aaaaaaa", "bbbbbbb"):
        bring_up(moving.regions[0], image_id="ami-03cf127a", suffix=suffix)
    (problem,) = (p for c in verify(Stack(moving, moto_connect)) for p in c.problems)
    assert "several clusters may be it" in problem
    assert "--outputs" in problem
    names = {"us-west-2": Names({"auto_scaling": "usw2_auto-scaling-bbbbbbb"}, {}, {}, {})}
    checks = verify(Stack(moving, moto_connect, names=lambda: names))
    assert checks[0].name == "usw2_auto-scaling-bbbbbbb"


@mock_aws
def test_a_stack_that_is_not_up_says_so(moving: plan.Plan) -> None:
    (check,) = verify(Stack(moving, moto_connect))
    assert check.verdict == "differs"
    assert "no cluster is called usw2_auto-scaling and a suffix" in check.problems[0]


# ---- the command -----------------------------------------------------------------------------


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without credentials, which asks no network for them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    return stack_file(tmp_path, STACK)


def said(
    world: World, file: Path, *, as_json: bool = False, outputs: Path | None = None
) -> tuple[int, str]:
    more = (["--json"] if as_json else []) + (["--outputs", str(outputs)] if outputs else [])
    argv = ["verify", "--file", str(file), "--width", "100", *more]
    return running.run_with(command.Arguments, command.run, *argv, connect=world.connect)


def test_all_as_planned_is_exit_code_0_and_says_how_it_was_found(
    region: plan.RegionPlan, file: Path
) -> None:
    code, text = said(World(region), file)
    assert code == 0
    first, second, *_ = text.splitlines()
    assert first.endswith("all as planned")
    assert second == "resources found by the plan's keys and their suffix"
    assert max(map(len, text.splitlines())) <= 100


def test_a_difference_is_exit_code_1_and_a_word_below_its_row(
    region: plan.RegionPlan, file: Path
) -> None:
    world = World(region)
    world.service_of("ant")["runningCount"] = 0
    code, text = said(world, file)
    assert code == 1
    assert "1 not as planned" in text.splitlines()[0]
    row = next(i for i, line in enumerate(text.splitlines()) if "DIFFERS" in line)
    assert text.splitlines()[row + 1] == "      - 0 of 1 task running, 0 pending"


def test_what_could_not_be_read_is_exit_code_1(region: plan.RegionPlan, file: Path) -> None:
    world = World(region)
    world.refusing = frozenset({"get_parameters"})
    assert said(world, file)[0] == 1, "not seen to differ, and not seen to be as planned"


def test_json_has_a_version_and_every_check(region: plan.RegionPlan, file: Path) -> None:
    code, text = said(World(region), file, as_json=True)
    told = json.loads(text)
    assert (code, told["version"], told["as_planned"], told["found_by"]) == (0, 1, True, "keys")
    assert {c["kind"] for c in told["checks"]} >= {"cluster", "capacity", "service", "instance"}
    assert set(told["checks"][0]) == {"region", "kind", "name", "verdict", "found", "problems"}


def test_names_come_from_the_outputs_where_they_are_given(
    region: plan.RegionPlan, file: Path, tmp_path: Path
) -> None:
    world = World(region, suffix=lambda key: f"{key}-renamed")
    names = world.names()
    told = {
        "clusters": names.clusters,
        "capacity_providers": names.capacity_providers,
        "services": names.services,
        "task_definitions": names.task_definitions,
    }
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"regions": {region.name: told}, "urls": {}}))
    code, text = said(world, file, outputs=outputs)
    assert (code, "resources found by the stack's outputs" in text) == (0, True)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"regions": []}', '{"regions": {"a": 1}}', "[" * 100_000],
    ids=["nothing", "a list", "no Regions", "a list of Regions", "a number", "lists in lists"],
)
def test_a_file_that_holds_no_outputs_is_wrong_usage(
    file: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(text)
    assert command_line.main(["verify", "--file", str(file), "--outputs", str(outputs)]) == 2
    assert "pulumi stack output --json" in capsys.readouterr().err


NOBODY: dict[str, Exception] = {
    "a login that has ended": LoginRefreshRequired(),
    "a session that has ended": TokenRetrievalError(provider="sso", error_msg="expired"),
    "a session that never was": SSOTokenLoadError(error_msg="no such file"),
    "a profile file that is none": ConfigParseError(path="~/.aws/config"),
}


@pytest.mark.parametrize("error", NOBODY.values(), ids=NOBODY.keys())
@pytest.mark.parametrize("is_early", [True, False], ids=["at once", "at the first call"])
def test_credentials_that_cannot_be_had_have_an_exit_code_in_every_form(
    file: Path, capsys: pytest.CaptureFixture[str], error: Exception, is_early: bool
) -> None:
    class Refusing:
        def __getattr__(self, call: str) -> Any:
            raise error

    def connect(service: str, region_name: str, config: object) -> Any:
        if is_early:
            raise error
        return Refusing()

    argv = ["verify", "--file", str(file)]
    done = running.run_with(command.Arguments, command.run, *argv, connect=connect)
    said = capsys.readouterr().err
    assert (done, said.count("\n")) == ((4, ""), 1)
    assert "log in first" in said


@pytest.mark.usefixtures("nobody")
def test_without_credentials_it_says_so_in_one_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(["verify", "--file", str(file)]) == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "no AWS credentials" in said.err


@pytest.mark.usefixtures("nobody")
def test_without_credentials_json_stays_json(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(["verify", "--file", str(file), "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == 1
    assert "no AWS credentials" in told["error"]


def test_its_help_says_what_its_exit_codes_mean(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command_line.main(["verify", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    assert "0 all as planned, 1 a difference or no answer, 2 wrong usage, 4 no credentials" in said


def test_without_the_sdk_it_says_what_to_install(file: Path) -> None:
    program = (
        "import sys; sys.modules['boto3'] = None; from neuron_ecs.cli.main import main; "
        f"sys.exit(main(['verify', '--file', {str(file)!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    said = f"neuron-ecs verify: needs the AWS SDK: pip install {aws.NEEDED}\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_the_sdk_that_it_names_is_the_one_that_is_pinned() -> None:
    pinned = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").split()
    assert aws.NEEDED in pinned
