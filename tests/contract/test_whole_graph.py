"""Laws over the whole graph of every stack file: one law, one test.

They hold what no component can see alone: Regions, tags, names, who waits for whom, and what the
stack says about itself.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, cast

from neuron_ecs.recording.graph import UNKNOWN, Resource, short_type
from tests.contract import aws_model
from tests.contract.graphs import ROOT, graph, texts
from tests.contract.whole_graph import (
    COMPONENT,
    every_file,
    graph_of,
    is_managed,
    is_of_all_regions,
    is_service,
    run_task_of,
    settings_of,
    urns_of,
)
from tests.recorder import of_type, output_names, record_program

# ---- where things are ----------------------------------------------------------------------


@every_file
def test_every_regional_resource_states_the_region_of_its_component(file: str) -> None:
    built = graph_of(file)
    wrong = [
        f"{short_type(r.type)} {r.name}: {r.inputs.get('region')}, in {built.region(r)}"
        for r in built.aws
        if r.inputs.get("region") != (built.region(r) if "region" in output_names(r.type) else None)
        and not is_of_all_regions(r)
    ]
    assert wrong == [], "a Region is not inherited: what states none lands in the provider's own"


@every_file
def test_what_stands_in_no_region_is_global(file: str) -> None:
    built = graph_of(file)
    alone = (r for r in built.aws if built.region(r) is None and not is_of_all_regions(r))
    assert {r.type.split(":")[1].split("/")[0] for r in alone} == {"iam"}, (
        "IAM is global and is built once; everything else is in a Region"
    )


@every_file
def test_only_the_top_components_have_the_stack_as_parent(file: str) -> None:
    built = graph_of(file)
    at_top = {r.type for r in built.recording.resources if r.parent == built.recording.stack_urn}
    at_top -= {f"{COMPONENT}SharedCertificate", f"{COMPONENT}SlackChannel"}
    assert at_top == {f"{COMPONENT}Roles", f"{COMPONENT}Region"}


@every_file
def test_there_is_a_component_for_each_region_of_the_stack_file(file: str) -> None:
    found = {r.name for r in graph_of(file).recording.resources if r.type == f"{COMPONENT}Region"}
    assert found == set(settings_of(file, "regions"))


@every_file
def test_everything_is_under_the_one_default_provider(file: str) -> None:
    built = graph_of(file)
    assert [r.name for r in built.recording.resources if r.type.startswith("pulumi:")] == []
    assert {r.provider for r in built.aws} == {None}, (
        "a provider process costs hundreds of MB; region= on the resource costs nothing"
    )


@every_file
def test_regions_stand_alone(file: str) -> None:
    built = graph_of(file)
    crossing = [
        f"{r.name} in {built.region(r)} waits for {needed.name} in {built.region(needed)}"
        for r in built.aws
        for needed in (built.by_urn[u] for u in built.needs(r))
        if built.region(needed) not in {None, built.region(r)} and not is_of_all_regions(r)
    ]
    assert crossing == [], "a Region that is out of order would hold up another one"


@every_file
def test_roles_wait_for_no_region(file: str) -> None:
    built = graph_of(file)
    inside = [
        r.name
        for r in built.aws
        if built.region(r) is None
        and not is_of_all_regions(r)
        and any(built.region(built.by_urn[u]) for u in built.needs(r))
    ]
    assert inside == []


# ---- names and tags ------------------------------------------------------------------------


@every_file
def test_no_two_resources_have_one_name_in_its_scope(file: str) -> None:
    built = graph_of(file)
    seen: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for resource in built.aws:
        name = resource.inputs.get("family", resource.inputs.get("name", resource.name))
        scope = resource.inputs.get("region")
        within = [r.urn for r in built.refers(resource, "cluster")] if is_service(resource) else []
        seen[resource.type, scope, *within, name].append(resource.urn)
    assert [urns for urns in seen.values() if len(urns) > 1] == []


@every_file
def test_only_what_people_or_policies_know_by_name_has_a_name_of_ours(file: str) -> None:
    named = {
        short_type(r.type) for r in graph_of(file).aws if {"name", "namePrefix"} & r.inputs.keys()
    }
    assert named <= {
        "cloudwatch.LogGroup",
        "cloudwatch.MetricAlarm",
        "route53.Record",
        "servicediscovery.PrivateDnsNamespace",
        "servicediscovery.Service",
        "sns.Topic",
    }, "with a fixed name a replacement deletes first, while others still use the old one"


@every_file
def test_fixed_names_carry_the_project_and_the_stack(file: str) -> None:
    built = graph_of(file)
    given = texts(file)
    names = [r.inputs["name"] for r in built.of("cloudwatch.LogGroup")]
    starts = (f"{given.project}-{given.stack} ", f"{given.project}_{given.stack}_")
    seen = [r.inputs["name"] for k in ("cloudwatch.MetricAlarm", "sns.Topic") for r in built.of(k)]
    assert [n for n in seen if not n.startswith(starts)] == []
    families = [r.inputs["family"] for r in built.of("ecs.TaskDefinition")]
    assert [n for n in names if not n.startswith(f"/{given.project}/{given.stack}/")] == []
    assert [f for f in families if not f.startswith(f"{given.project}_{given.stack}_")] == [], (
        "two stacks in one account would write to one family"
    )


@every_file
def test_everything_that_takes_tags_has_those_of_the_stack(file: str) -> None:
    tags: dict[str, str] = settings_of(file, "tags")
    untagged: list[str] = []
    for resource in graph_of(file).aws:
        if "tags" not in output_names(resource.type):
            continue
        listed: Any = resource.inputs.get("tags", {})
        given: dict[str, str] = (
            {t["key"]: t["value"] for t in cast("list[Any]", listed)}
            if isinstance(listed, list)
            else listed
        )
        if not {*tags.items(), ("Name", given.get("Name"))} <= set(given.items()):
            untagged.append(f"{short_type(resource.type)} {resource.name}: {given}")
    assert untagged == [], "default tags of the provider do not reach all of these"


@every_file
def test_tags_reach_instances_volumes_and_tasks(file: str) -> None:
    built = graph_of(file)
    tags: dict[str, str] = settings_of(file, "tags")
    for template in built.of("ec2.LaunchTemplate"):
        specified = {s["resourceType"]: s["tags"] for s in template.inputs["tagSpecifications"]}
        assert set(specified) == {"instance", "volume", "network-interface"}
        assert all(tags.items() <= s.items() for s in specified.values())
    for group in built.of("autoscaling.Group"):
        assert all(t["propagateAtLaunch"] is True for t in group.inputs["tags"])
    for service in built.of("ecs.Service"):
        assert (service.inputs["propagateTags"], service.inputs["enableEcsManagedTags"]) == (
            "SERVICE",
            True,
        )
    for schedule in built.of("scheduler.Schedule"):
        started = schedule.inputs["target"]["ecsParameters"]
        assert (started["propagateTags"], started["enableEcsManagedTags"]) == (
            "TASK_DEFINITION",
            True,
        )
    for provider in built.of("ecs.CapacityProvider"):
        if is_managed(provider):
            managed = provider.inputs["managedInstancesProvider"]
            assert managed["propagateTags"] == "CAPACITY_PROVIDER"


@every_file
def test_groups_declare_the_tag_that_ecs_adds(file: str) -> None:
    for group in graph_of(file).of("autoscaling.Group"):
        assert {"key": "AmazonECSManaged", "value": "", "propagateAtLaunch": True} in group.inputs[
            "tags"
        ], "left undeclared, the next update would remove it, and managed scaling stops"


# ---- capacity ------------------------------------------------------------------------------


@every_file
def test_attachments_list_the_auto_scaling_providers_of_their_cluster_and_no_others(
    file: str,
) -> None:
    built = graph_of(file)
    expected: dict[str, set[str]] = defaultdict(set)
    for provider in built.of("ecs.CapacityProvider"):
        if not is_managed(provider):
            expected[built.cluster(provider).urn].add(provider.urn)
    found: dict[str, set[str]] = {}
    for attachment in built.of("ecs.ClusterCapacityProviders"):
        (cluster,) = built.refers(attachment, "clusterName")
        assert cluster.urn not in found, "the second attachment would detach what the first lists"
        found[cluster.urn] = urns_of(built.refers(attachment, "capacityProviders"))
        assert len(attachment.inputs["capacityProviders"]) == len(found[cluster.urn])
    assert found == dict(expected), (
        "what the call leaves out is detached; Managed Instances providers attach themselves"
    )


@every_file
def test_a_cluster_has_one_kind_of_capacity(file: str) -> None:
    built = graph_of(file)
    kinds: dict[str, set[bool]] = defaultdict(set)
    for provider in built.of("ecs.CapacityProvider"):
        kinds[built.cluster(provider).urn].add(is_managed(provider))
    assert all(len(k) == 1 for k in kinds.values())
    assert set(kinds) == urns_of(built.of("ecs.Cluster")), "a cluster without capacity runs nothing"


@every_file
def test_attachments_alone_are_deleted_before_they_are_replaced(file: str) -> None:
    built = graph_of(file)
    first = {short_type(r.type) for r in built.aws if r.options.get("delete_before_replace")}
    assert first <= {
        "autoscaling.Schedule",  # no two actions of a group have one time
        "ecs.ClusterCapacityProviders",
        "servicediscovery.Service",  # one of another record type has the same name
        "wafv2.WebAclAssociation",
    }
    for association in built.of("wafv2.WebAclAssociation"):
        assert association.options.get("delete_before_replace") is True, (
            "its deletion takes whatever web ACL the load balancer has by then"
        )
    for attachment in built.of("ecs.ClusterCapacityProviders"):
        assert attachment.options.get("delete_before_replace") is True, (
            "its deletion empties the cluster's list, whoever wrote it last"
        )
        assert not attachment.inputs.get("defaultCapacityProviderStrategies"), (
            "a service without a strategy of its own would inherit it, and refresh fails on that"
        )


@every_file
def test_a_group_has_one_provider_and_protects_what_that_one_protects(file: str) -> None:
    built = graph_of(file)
    groups: list[str] = []
    for provider in built.of("ecs.CapacityProvider"):
        if is_managed(provider):
            continue
        (group,) = built.refers(provider, "autoScalingGroupProvider")
        groups.append(group.urn)
        scaled = provider.inputs["autoScalingGroupProvider"]
        protects = scaled["managedTerminationProtection"] == "ENABLED"
        assert protects == group.inputs["protectFromScaleIn"], (
            "managed termination protection needs protection from scale-in, and its absence none"
        )
        assert not protects or scaled["managedScaling"]["status"] == "ENABLED"
        assert provider.name == group.name, "the key of a pool is one: what moves, moves whole"
    assert sorted(groups) == sorted(urns_of(built.of("autoscaling.Group"))), (
        "AWS refuses a second provider for one group"
    )


@every_file
def test_groups_wait_for_no_capacity_and_state_no_desired_one(file: str) -> None:
    for group in graph_of(file).of("autoscaling.Group"):
        assert group.inputs["waitForCapacityTimeout"] == "0", (
            "Neuron capacity may take hours to come; the update would fail meanwhile"
        )
        assert "desiredCapacity" not in group.inputs, "ECS moves it; each update would move it back"


# ---- preview -------------------------------------------------------------------------------


@every_file
def test_preview_and_update_register_the_same_resources_with_the_same_inputs(file: str) -> None:
    update = {r.urn: _keys(r.inputs) for r in graph(file).resources}
    preview = {r.urn: _keys(r.inputs) for r in graph(file, preview=True).resources}
    assert preview == update, "a resource or an input made inside apply is missing from previews"


def _keys(value: Any, path: str = "") -> frozenset[str]:
    """Paths of all keys; what is unknown has none, and neither has what stands for it."""
    if isinstance(value, Mapping) and value != UNKNOWN:
        given = cast("Mapping[str, Any]", value)
        return frozenset({path}).union(*(_keys(v, f"{path}.{k}") for k, v in given.items()))
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return frozenset({path}).union(*(_keys(v, f"{path}[]") for v in items))
    return frozenset({path})


@every_file
def test_previews_know_what_the_provider_checks_and_people_read(file: str) -> None:
    known = {
        "ecs.TaskDefinition": ["containerDefinitions", "family", "requiresCompatibilities"],
        "ecs.CapacityProvider": ["cluster"],
        "ecs.ClusterCapacityProviders": ["clusterName", "capacityProviders"],
        "ec2.LaunchTemplate": ["userData", "imageId", "instanceType"],
        "iam.Role": ["assumeRolePolicy"],
        "cloudwatch.LogGroup": ["name"],
    }
    unknown = [
        f"{type_} {r.name} {path}"
        for type_, paths in known.items()
        for r in of_type(graph(file, preview=True), type_)
        for path in paths
        if json.dumps(dict(UNKNOWN)) in json.dumps(r.inputs.get(path))
    ]
    assert unknown == [], (
        "an unknown block fails the provider's checks at preview, or hides what would change"
    )


def test_two_runs_register_the_same_graph() -> None:
    file = "Pulumi.prod.yaml"
    given = texts(file)
    again = record_program(ROOT, config=given.config, project=given.project, stack=given.stack)
    assert again.as_json() == graph(file).as_json()


# ---- what the stack says about itself ------------------------------------------------------


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        given = cast("Mapping[str, Any]", value)
        return [leaf for item in given.values() for leaf in _leaves(item)]
    return [value]


def _of_several(record: Resource) -> bool:
    return "setIdentifier" in record.inputs


def _named_like(logical: Iterable[str], physical: Iterable[str]) -> bool:
    return {p.rpartition("-")[0] for p in physical} == set(logical)


@every_file
def test_the_outputs_name_everything_that_people_ask_for(file: str) -> None:
    built = graph_of(file)
    outputs = built.recording.outputs
    named = {f"https://{r.inputs['name']}" for r in built.of("route53.Record") if _of_several(r)}
    assert set(outputs.get("global_urls", {}).values()) == named
    assert set(outputs) - {"global_urls"} == {"regions", "urls", "run_commands", "chips"}
    assert set(outputs["regions"]) == set(settings_of(file, "regions"))
    for region, names in outputs["regions"].items():

        def here(type_: str, region: str = region) -> list[str]:
            return [r.name for r in built.of(type_) if r.inputs["region"] == region]

        assert set(names["clusters"]) <= {"auto_scaling", "managed_instances"}
        assert _named_like(here("ecs.Cluster"), names["clusters"].values())
        assert sorted(names["services"]) == sorted(here("ecs.Service"))
        assert _named_like(names["services"], names["services"].values())
        assert sorted(names["capacity_providers"]) == sorted(here("ecs.CapacityProvider"))
        assert _named_like(names["capacity_providers"], names["capacity_providers"].values())
        assert sorted(names["task_definitions"]) == sorted(here("ecs.TaskDefinition"))
        families = {
            d.inputs["family"]
            for d in built.of("ecs.TaskDefinition")
            if d.inputs["region"] == region
        }
        assert {a.split("/")[1].split(":")[0] for a in names["task_definitions"].values()} == (
            families
        )


@every_file
def test_rules_that_check_a_token_stand_behind_the_open_one_of_the_health_check(file: str) -> None:
    built = graph_of(file)
    jwt = settings_of(file, "traffic").get("authentication", {}).get("jwt")
    for rule in built.of("lb.ListenerRule"):
        *checks, last = rule.inputs["actions"]
        assert last["type"] == "forward"
        opened = rule.name.endswith("_health")
        assert [check["type"] for check in checks] == ["jwt-validation"] * bool(jwt and not opened)
        if checks:
            (listener,) = built.refers(rule, "listenerArn")
            assert listener.inputs["protocol"] == "HTTPS"
            first = [r for r in built.of("lb.ListenerRule") if f"{r.name}".endswith("_health")]
            own = [r for r in first if rule.name.startswith(r.name.removesuffix("health"))]
            assert built.missing(rule, own) == [], "AWS numbers rules as they are made"


@every_file
def test_every_model_behind_a_load_balancer_has_a_url_with_its_path(file: str) -> None:
    built = graph_of(file)
    urls: Mapping[str, Mapping[str, str]] = built.recording.outputs["urls"]
    models = settings_of(file, "models")
    sidecars = {model: entry.get("sidecars", {}) for model, entry in models.items()}
    own = {f"{model}/{s}": c for model, found in sidecars.items() for s, c in found.items()}
    assert (
        set(urls)
        <= models.keys() | own.keys() | settings_of(file, "traffic").get("weights", {}).keys()
    )
    serving = [r for r in built.of("lb.ListenerRule") if not r.name.endswith("_health")]
    assert len(_leaves(urls)) == len(serving)
    for model, by_region in urls.items():
        for region, url in by_region.items():
            (listener,) = [x for x in built.of("lb.Listener") if x.inputs["region"] == region]
            assert url.startswith(listener.inputs["protocol"].lower() + "://")
            host, slash, rest = url.split("://")[1].partition("/")
            path = slash + rest
            rules = [
                {key: config["values"] for c in r.inputs["conditions"] for key, config in c.items()}
                for r in serving
                if r.inputs["region"] == region
            ]
            (rule,) = [
                rule
                for rule in rules
                if any(found.startswith(f"{path}/") for found in rule["pathPattern"])
                and host in rule.get("hostHeader", [host])
            ]
            called = model.replace("/", "-")
            if "hostHeader" in rule:
                assert (host.partition(".")[0], path) == (called, "")
            else:
                assert path == own.get(model, {}).get("path", f"/{called}")


@every_file
def test_every_job_has_a_command_that_ecs_takes(file: str) -> None:
    built = graph_of(file)
    commands: Mapping[str, Mapping[str, str]] = built.recording.outputs["run_commands"]
    assert set(commands) == set(settings_of(file, "jobs"))
    shape = aws_model.input_shape("ecs", "RunTask")
    for by_region in commands.values():
        for region, command in by_region.items():
            request, options = run_task_of(command)
            assert options["region"] == region
            assert list(aws_model.problems(request, shape)) == []
            (definition,) = [
                d
                for d in built.of("ecs.TaskDefinition")
                if d.inputs["region"] == region
                and f"/{d.inputs['family']}:" in request["taskDefinition"]
            ]
            awsvpc = definition.inputs["networkMode"] == "awsvpc"
            assert awsvpc == ("networkConfiguration" in request), (
                "RunTask takes a network configuration for awsvpc, and refuses it otherwise"
            )


@every_file
def test_chips_add_up_for_every_pool(file: str) -> None:
    chips: Mapping[str, Mapping[str, Any]] = graph_of(file).recording.outputs["chips"]
    assert set(chips) == set(settings_of(file, "regions"))
    assert {name for pools in chips.values() for name in pools} == set(
        settings_of(file, "capacity")
    )
    for pools in chips.values():
        for pool in pools.values():
            assert pool["used"] + len(pool["free"]) <= pool["devices_per_instance"]
            taken = [d for slot in pool["slots"] for d in slot["devices"]]
            assert len(taken) == len(set(taken)) <= pool["devices_per_instance"]
            assert pool["instances_min"] <= pool["instances_max"]


@every_file
def test_every_component_says_what_it_made(file: str) -> None:
    silent = [
        r.name for r in graph_of(file).recording.resources if not r.custom and r.outputs is None
    ]
    assert silent == [], "without register_outputs the engine shows the component as unfinished"
