"""The strict engine refuses what AWS would never see, and records the rest as the engine would."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest

from neuron_ecs.recording import placeholders
from neuron_ecs.recording.engine import RecordingError, record
from neuron_ecs.recording.graph import SECRET, UNKNOWN, Recording, stack_urn, to_json
from neuron_ecs.recording.sdk_types import resource_type
from tests.recorder import named, of_type, only, output_names, record_program

PROGRAM = """
import pulumi
import pulumi_aws as aws

provider = aws.Provider("home", region="us-west-2", default_tags={"tags": {"team": "ml"}})


class Site(pulumi.ComponentResource):
    def __init__(self, name, *, opts=None):
        super().__init__("neuron-ecs:site:Site", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.cluster = aws.ecs.Cluster(f"{name}-cluster", region="us-east-2", opts=child)
        self.template = aws.ec2.LaunchTemplate(
            f"{name}-template",
            region="us-east-2",
            instance_type="inf2.24xlarge",
            block_device_mappings=[
                {"device_name": "/dev/xvda", "ebs": {"encrypted": "true", "volume_size": 100}}
            ],
            tags={"any key": "is free here"},
            opts=child,
        )
        self.managed = aws.ecs.CapacityProvider(
            f"{name}-managed",
            region="us-east-2",
            cluster=self.cluster.name,
            managed_instances_provider={
                "infrastructure_role_arn": "arn:aws:iam::123456789012:role/infrastructure",
                "instance_launch_template": {
                    "ec2_instance_profile_arn": "arn:aws:iam::123456789012:instance-profile/i",
                    "network_configuration": {"subnets": ["subnet-1"]},
                    "instance_requirements": {
                        "vcpu_count": {"min": 8},
                        "memory_mib": {"min": 1024},
                        "allowed_instance_types": ["trn1.2xlarge"],
                    },
                },
            },
            opts=child,
        )
        self.balancer = aws.lb.LoadBalancer(f"{name}-lb", region="us-east-2", opts=child)
        self.service = aws.ecs.Service(
            f"{name}-service",
            region="us-east-2",
            cluster=self.cluster.arn,
            desired_count=2,
            network_configuration={"subnets": ["subnet-1"], "assign_public_ip": False},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[self.balancer],
                ignore_changes=["desired_count"],
                custom_timeouts=pulumi.CustomTimeouts(create="40m"),
                delete_before_replace=False,
                aliases=[pulumi.Alias(name="older")],
            ),
        )
        self.url = self.balancer.dns_name.apply(lambda host: f"http://{host}")
        self.register_outputs({"url": self.url})


site = Site("one", opts=pulumi.ResourceOptions(providers=[provider]))
pulumi.export("urls", {"one": site.url})
pulumi.export("token", pulumi.Output.secret("hunter2"))
"""

MUTATIONS = [
    pytest.param(
        'aws.ecs.Cluster(f"{name}-cluster", region="us-east-2", opts=child)',
        'pulumi.CustomResource("aws:ecs/cluster:Clutser", name, {}, child)',
        "no such resource type: aws:ecs/cluster:Clutser; the nearest is aws:ecs/cluster:Cluster",
        id="a resource type",
    ),
    pytest.param(
        'pulumi.export("urls"',
        'aws.ec2.get_vpc_output(id="vpc-1")\npulumi.export("urls"',
        "aws:ec2/getVpc:getVpc: look-up",
        id="an invoke",
    ),
    pytest.param(
        'pulumi.export("urls"',
        'aws.ec2.Vpc.get("theirs", "vpc-1")\npulumi.export("urls"',
        "aws:ec2/vpc:Vpc: look-up of 'theirs' (vpc-1)",
        id="a read",
    ),
    pytest.param(
        '"assign_public_ip"',
        '"assign_public_ipp"',
        "networkConfiguration.assign_public_ipp: no such input in ServiceNetworkConfigurationArgs"
        "; the nearest is assignPublicIp (assign_public_ip in Python)",
        id="a key at depth 1",
    ),
    pytest.param(
        '"volume_size"',
        '"volumeSizee"',
        "blockDeviceMappings[0].ebs.volumeSizee: no such input in "
        "LaunchTemplateBlockDeviceMappingEbsArgs"
        "; the nearest is volumeSize (volume_size in Python)",
        id="a key at depth 2, in a list",
    ),
    pytest.param(
        '"vcpu_count": {"min": 8}',
        '"vcpu_count": {"min": 8, "maxx": 9}',
        "managedInstancesProvider.instanceLaunchTemplate.instanceRequirements.vcpuCount.maxx: "
        "no such input",
        id="a key at depth 4",
    ),
    pytest.param(
        '"vcpu_count": {"min": 8}',
        '"vcpu_count": {"max": 8}',
        "instanceRequirements.vcpuCount: required but missing: min",
        id="a missing nested key",
    ),
    pytest.param(
        '"encrypted": "true"',
        '"encrypted": True',
        "blockDeviceMappings[0].ebs.encrypted: expected a string, got a boolean (true)",
        id="a boolean for a string",
    ),
    pytest.param(
        '"volume_size": 100',
        '"volume_size": "100"',
        "ebs.volumeSize: expected an integer, got a string",
        id="a string for an integer",
    ),
    pytest.param(
        '"volume_size": 100',
        '"volume_size": 100.5',
        "ebs.volumeSize: expected an integer, got a number (100.5)",
        id="a fraction for an integer",
    ),
    pytest.param(
        '"allowed_instance_types": ["trn1.2xlarge"]',
        '"allowed_instance_types": "trn1.2xlarge"',
        "allowedInstanceTypes: expected a list, got a string",
        id="a string for a list",
    ),
    pytest.param(
        'tags={"any key": "is free here"}',
        'tags={"any key": 1}',
        "tags.any key: expected a string, got a number (1)",
        id="a number for a tag",
    ),
    pytest.param(
        'default_tags={"tags"',
        'default_tags={"tagz"',
        "defaultTags.tagz: no such input in ProviderDefaultTagsArgs; the nearest is tags",
        id="a key of the provider",
    ),
    pytest.param(
        'f"{name}-lb"',
        'f"{name}-lb", region="us-west-2", opts=child), aws.lb.LoadBalancer(f"{name}-lb"',
        "aws:lb/loadBalancer:LoadBalancer::one-lb: registered twice",
        id="a duplicate URN",
    ),
    pytest.param(
        '"neuron-ecs:site:Site"',
        '"site"',
        "'site' is no component type",
        id="a component type",
    ),
]


def test_the_program_without_a_mistake_passes() -> None:
    assert len(record_program(PROGRAM).resources) == 7


@pytest.mark.parametrize(("right", "wrong", "message"), MUTATIONS)
def test_each_mistake_fails_with_its_own_message(right: str, wrong: str, message: str) -> None:
    assert PROGRAM.count(right) == 1, "the mutation must touch one place"
    with pytest.raises(RecordingError) as caught:
        record_program(PROGRAM.replace(right, wrong))
    assert message in str(caught.value)
    assert len(caught.value.problems) == 1, "what fails only for another mistake is left out"


def test_independent_mistakes_are_told_together() -> None:
    wrong = PROGRAM.replace('"volume_size"', '"volume_sise"').replace('"ec2_inst', '"ec3_inst')
    with pytest.raises(RecordingError) as caught:
        record_program(wrong)
    assert len(caught.value.problems) == 2


def test_a_mistake_that_the_program_swallows_still_fails() -> None:
    with pytest.raises(RecordingError, match="no such resource type"):
        record_program("""
            import pulumi
            lost = pulumi.CustomResource("aws:ecs/none:None", "one", {})
            pulumi.export("id", lost.id.recover(lambda _: "none"))
        """)


def test_allowed_lookups_answer_with_nothing() -> None:
    source = """
        import pulumi_aws as aws
        aws.ec2.get_vpc_output(id="vpc-1")
    """
    assert record_program(source, lookups=["aws:ec2/getVpc:getVpc"]).resources == ()


def test_two_runs_give_equal_recordings() -> None:
    first, second = record_program(PROGRAM), record_program(PROGRAM)
    assert first == second
    assert to_json(first) == to_json(second)


def test_the_order_of_registration_does_not_depend_on_the_process(tmp_path: Path) -> None:
    program = tmp_path / "__main__.py"
    program.write_text(PROGRAM)
    script = (
        "import sys, pathlib; from neuron_ecs.recording.engine import record\n"
        "r = record(pathlib.Path(sys.argv[1]), project='p', stack='s', config={})\n"
        "print([x.urn for x in r.resources])"
    )
    orders = {
        subprocess.run(
            [sys.executable, "-c", script, str(program)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[3],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(orders) == 1


def test_a_failed_run_leaves_nothing_for_the_next() -> None:
    with pytest.raises(RecordingError):
        record_program(PROGRAM.replace('"min": 8', '"mini": 8'))
    threads = threading.active_count()
    assert len(record_program(PROGRAM).resources) == 7
    assert threading.active_count() == threads
    assert pulumi.runtime.settings.get_root_resource() is None


def test_preview_and_update_register_the_same_resources() -> None:
    update, preview = record_program(PROGRAM), record_program(PROGRAM, preview=True)
    assert [r.urn for r in preview.resources] == [r.urn for r in update.resources]
    assert [r.dependencies for r in preview.resources] == [r.dependencies for r in update.resources]


def test_preview_knows_only_what_an_engine_knows_before_it_creates() -> None:
    recording = record_program(PROGRAM, preview=True)
    assert only(recording, "ecs.Service").inputs["cluster"] == UNKNOWN
    name = only(recording, "ecs.CapacityProvider").inputs["cluster"]
    assert re.fullmatch("one-cluster-[0-9a-f]{7}", name), "the engine names before it creates"
    assert recording.outputs["urls"] == {"one": UNKNOWN}


def test_a_resource_is_recorded_as_the_program_gave_it() -> None:
    recording = record_program(PROGRAM)
    service = only(recording, "ecs.Service")
    cluster = only(recording, "ecs.Cluster")
    balancer = only(recording, "lb.LoadBalancer")
    arn = service.inputs["cluster"]
    assert service.inputs == {
        "cluster": arn,
        "desiredCount": 2,
        "networkConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": False},
        "region": "us-east-2",
    }
    assert re.fullmatch("arn:aws:ecs:us-east-2:123456789012:cluster/one-cluster-[0-9a-f]{7}", arn)
    assert service.dependencies == tuple(sorted([cluster.urn, balancer.urn]))
    assert service.property_dependencies == {"cluster": (cluster.urn,)}
    assert service.options == {
        "aliases": [{"name": "older"}],
        "custom_timeouts": {"create": "40m"},
        "delete_before_replace": False,
        "ignore_changes": ["desiredCount"],
    }
    assert service.parent == named(recording, "one").urn
    assert service.provider == named(recording, "home").urn
    assert named(recording, "one").parent == recording.stack_urn


def test_outputs_of_components_and_of_the_stack_are_recorded() -> None:
    recording = record_program(PROGRAM)
    url = recording.outputs["urls"]["one"]
    assert url.startswith("http://<one-lb-"), "a name that AWS has yet to choose is told as such"
    assert url.endswith(".us-east-2.elb.amazonaws.com")
    assert named(recording, "one").outputs == {"url": url}


def test_secrets_are_checked_and_never_recorded() -> None:
    source = """
        import pulumi
        import pulumi_aws as aws
        secret = pulumi.Output.secret(VALUE)
        aws.ssm.Parameter("one", type="SecureString", value=secret, tags={"a": "b"})
    """
    recording = record_program(source.replace("VALUE", '"hunter2"'))
    assert only(recording, "ssm.Parameter").inputs["value"] == SECRET
    assert "hunter2" not in to_json(recording)
    with pytest.raises(RecordingError, match="value: expected a string, got a number"):
        record_program(source.replace("VALUE", "7"))
    assert record_program(PROGRAM).outputs["token"] == SECRET


def test_assets_pass_where_the_type_takes_one() -> None:
    recording = record_program("""
        import pulumi
        import pulumi_aws as aws
        aws.s3.BucketObjectv2("one", bucket="b", source=pulumi.StringAsset("text"))
    """)
    assert only(recording, "s3.BucketObjectv2").inputs["source"] == {"asset": {"text": "text"}}


def test_a_policy_may_be_text_or_an_object() -> None:
    source = """
        import pulumi_aws as aws
        aws.iam.Role("one", assume_role_policy=POLICY)
    """
    record_program(source.replace("POLICY", '"{}"'))
    record_program(source.replace("POLICY", '{"Version": "2012-10-17", "Statement": []}'))
    with pytest.raises(RecordingError, match="assumeRolePolicy"):
        record_program(source.replace("POLICY", '{"Version": "2012-10-17", "Statemint": []}'))


def test_a_failure_in_an_apply_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        record_program("""
            import pulumi_aws as aws
            aws.ecs.Cluster("one").arn.apply(lambda arn: 1 / 0)
        """)


class RefusalError(Exception):
    """Stands for an exception of the program's own."""


def test_an_exception_of_the_program_comes_out_as_itself() -> None:
    def program() -> None:
        raise RefusalError

    with pytest.raises(RefusalError):
        record_program(program)
    with pytest.raises(pulumi.RunError, match="wrong"):
        record_program("import pulumi; raise pulumi.RunError('wrong')")


def test_resources_made_in_an_apply_are_drained() -> None:
    recording = record_program("""
        import pulumi_aws as aws
        def more(arn):
            return aws.ecs.Cluster("two").arn.apply(lambda _: aws.ecs.Cluster("three").id)
        aws.ecs.Cluster("one").arn.apply(more)
    """)
    assert [r.name for r in recording.resources] == ["one", "two", "three"]


def test_a_program_that_waits_for_ever_is_refused() -> None:
    def program() -> None:
        pulumi.export("never", pulumi.Output.from_input(asyncio.Future[str]()))

    with pytest.raises(RecordingError, match="waits for a value that never comes"):
        record_program(program)


HOOKS = """
import pulumi
import pulumi_aws as aws

async def wait(args):
    return True

retry = pulumi.ErrorHook("retry", wait)
drain = pulumi.ResourceHook("drain", lambda args: None)
hooks = pulumi.ResourceHookBinding(on_error=[retry], before_delete=[drain])
aws.ecs.Cluster("one", opts=pulumi.ResourceOptions(hooks=hooks))
"""


def test_hooks_are_recorded_by_name_and_open_no_port() -> None:
    cluster = only(record_program(HOOKS), "ecs.Cluster")
    assert cluster.options["hooks"] == {"before_delete": ["drain"], "on_error": ["retry"]}


def test_a_hook_name_is_unique_in_a_stack() -> None:
    with pytest.raises(RecordingError, match="hook 'retry': registered twice"):
        record_program(HOOKS.replace('"drain"', '"retry"'))


def test_transforms_are_refused_because_they_would_change_the_graph_unseen() -> None:
    with pytest.raises(RecordingError, match="transforms are not run offline"):
        record_program("""
            import pulumi
            import pulumi_aws as aws
            options = pulumi.ResourceOptions(transforms=[lambda args: None])
            aws.ecs.Cluster("one", opts=options)
        """)


def test_the_program_reads_its_own_config_and_no_other() -> None:
    def program() -> None:
        config = pulumi.Config("neuron-ecs")
        pulumi.export("regions", config.require_object("regions"))
        pulumi.export("absent", config.get("tags") or "none")
        pulumi.export("stack", f"{pulumi.get_organization()}/{pulumi.get_stack()}")

    recording = record_program(program, config={"neuron-ecs:regions": '{"us-west-2": {}}'})
    assert recording.outputs == {
        "regions": {"us-west-2": {}},
        "absent": "none",
        "stack": "organization/test",
    }
    with pytest.raises(pulumi.ConfigMissingError):
        record_program(program)


def test_what_the_program_logs_is_kept_in_order() -> None:
    def program() -> None:
        pulumi.log.warn("first")
        pulumi.log.info("second")
        pulumi.log.debug("not for people")

    messages = record_program(program).messages
    assert [(m.severity, m.text) for m in messages] == [("warning", "first"), ("info", "second")]


def test_partitions_and_global_services_have_their_own_arns() -> None:
    recording = record_program("""
        import pulumi
        import pulumi_aws as aws
        pulumi.export("china", aws.sns.Topic("one", region="cn-north-1", name="t").arn)
        pulumi.export("role", aws.iam.Role("two", name="r", assume_role_policy="{}").arn)
        pulumi.export("other", aws.sqs.Queue("three", region="us-gov-west-1", name="q").arn)
    """)
    assert recording.outputs == {
        "china": "arn:aws-cn:sns:cn-north-1:123456789012:t",
        "role": "arn:aws:iam::123456789012:role/r",
        "other": "arn:aws-us-gov:sqs:us-gov-west-1:123456789012:queue/q",
    }


def test_made_up_outputs_are_outputs_that_the_sdk_has() -> None:
    for token, values in placeholders.OUTPUTS.items():
        assert set(values) <= output_names(token), token


def test_known_types_are_those_of_the_sdk() -> None:
    assert resource_type("aws:ecs/cluster:Cluster")
    assert resource_type("pulumi:providers:aws")
    assert not resource_type("aws:ecs/cluster:Clusters")
    assert not resource_type("gcp:compute/instance:Instance")


NESTED = """
import pulumi

class Toy(pulumi.ComponentResource):
    def __init__(self, type_, name, parent=None):
        super().__init__(type_, name, None, pulumi.ResourceOptions(parent=parent))
        self.register_outputs({})

outer = Toy("a:b:Outer", "outer")
middle = Toy("a:b:Middle", "middle", outer)
Toy("a:index:Inner", "inner", middle)
Toy("a::Bare", "colons::in the name", middle)
"""


def test_a_urn_carries_the_types_of_all_parents_but_the_stack() -> None:
    assert [r.urn for r in record_program(NESTED).resources] == [
        "urn:pulumi:test::neuron-ecs::a:b:Outer::outer",
        "urn:pulumi:test::neuron-ecs::a:b:Outer$a:b:Middle::middle",
        "urn:pulumi:test::neuron-ecs::a:b:Outer$a:b:Middle$a:index:Inner::inner",
        "urn:pulumi:test::neuron-ecs::a:b:Outer$a:b:Middle$a::Bare::colons::in the name",
    ]


@pytest.mark.engine
@pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH")
def test_urns_are_those_of_the_real_engine(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(NESTED)
    (tmp_path / "Pulumi.yaml").write_text("name: neuron-ecs\nruntime: python\n")
    (tmp_path / "state").mkdir()
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }

    def pulumi_cli(*arguments: str) -> str:
        return subprocess.run(
            ["pulumi", "--non-interactive", *arguments],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    pulumi_cli("stack", "init", "test")
    pulumi_cli("up", "--yes", "--skip-preview")
    state = json.loads(pulumi_cli("stack", "export"))["deployment"]["resources"]
    recording = record(tmp_path, project="neuron-ecs", stack="test", config={})
    recorded = {
        stack_urn("neuron-ecs", "test"): "",
        **{r.urn: r.parent for r in recording.resources},
    }
    assert {r["urn"]: r.get("parent", "") for r in state} == recorded


@pytest.mark.parametrize("find", [only, named])
def test_the_shared_recorder_says_what_there_was(
    find: Callable[[Recording, str], object],
) -> None:
    recording = record_program(PROGRAM)
    assert len(of_type(recording, "aws:ecs/service:Service")) == 1
    with pytest.raises(AssertionError, match=r"ecs\.Service one-service"):
        find(recording, "absent")
