"""What models and jobs have in common: task definitions, Region and security group."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.files import Directory
from components.roles import Roles
from components.tags import named
from planning import plan


@dataclass(frozen=True, slots=True)
class RegionContext:
    """What every workload of a Region needs: Region, tags, roles and security group."""

    region: str
    tags: plan.Tags
    roles: Roles
    tasks_security_group: pulumi.Output[str] | None  # where any task is awsvpc
    directories: Mapping[str, Directory]  # of file systems, by key of the access point

    @property
    def security_groups(self) -> list[pulumi.Input[str]]:
        """Security groups of an awsvpc task."""
        return [] if self.tasks_security_group is None else [self.tasks_security_group]


def task_definition(
    definition: plan.TaskDefinition,
    *,
    logs: aws.cloudwatch.LogGroup,
    within: RegionContext,
    parent: pulumi.Resource,
) -> aws.ecs.TaskDefinition:
    """Builds the task definition. Old revisions stay active, so that a rollback can use them."""
    return aws.ecs.TaskDefinition(
        definition.key,
        family=definition.family,
        requires_compatibilities=[definition.compatibility],
        network_mode=definition.network_mode,
        cpu=None if definition.cpu is None else str(definition.cpu),
        memory=None if definition.memory is None else str(definition.memory),
        placement_constraints=[
            {"type": "memberOf", "expression": expression} for expression in definition.member_of
        ]
        or None,
        volumes=[_volume(volume, within) for volume in definition.volumes] or None,
        container_definitions=definition.container_definitions,
        task_role_arn=within.roles.arns[definition.task_role],
        execution_role_arn=within.roles.arns[definition.execution_role],
        skip_destroy=True,
        track_latest=False,
        tags=named(within.tags, definition.key),
        region=within.region,
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[
                logs,
                *within.roles.attachments(definition.task_role, definition.execution_role),
                *(r for d in _directories(definition, within) for r in d.ready),
            ],
        ),
    )


def _directories(definition: plan.TaskDefinition, within: RegionContext) -> list[Directory]:
    """The directories of file systems that the task mounts."""
    return [
        within.directories[volume.access_point]
        for volume in definition.volumes
        if isinstance(volume, plan.EfsVolume)
    ]


def _volume(volume: plan.TaskVolume, within: RegionContext) -> aws.ecs.TaskDefinitionVolumeArgsDict:
    match volume:
        case plan.EmptyVolume(name):
            return {"name": name}
        case plan.HostVolume(name, path):
            return {"name": name, "host_path": path}
        case plan.EbsVolume(name):
            return {"name": name, "configure_at_launch": True}
        case plan.S3FilesVolume(name, file_system, access_point, directory):
            # ECS encrypts the transit by itself and takes no directory beside an access point.
            # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_S3FilesVolumeConfiguration.html
            mounted: aws.ecs.TaskDefinitionVolumeS3filesVolumeConfigurationArgsDict = {
                "file_system_arn": file_system
            }
            if access_point:
                mounted["access_point_arn"] = access_point
            if directory:
                mounted["root_directory"] = directory
            return {"name": name, "s3files_volume_configuration": mounted}
        case plan.EfsVolume(name, _, access_point):
            directory = within.directories[access_point]
            # With an access point AWS takes no root directory, and only with transit encryption.
            # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EFSAuthorizationConfig.html
            return {
                "name": name,
                "efs_volume_configuration": {
                    "file_system_id": directory.file_system_id,
                    "transit_encryption": "ENABLED",
                    "authorization_config": {
                        "access_point_id": directory.access_point_id,
                        "iam": "ENABLED",
                    },
                },
            }
