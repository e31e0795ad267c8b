"""File systems of a Region: EFS, with access points, and mount targets where it is the stack's."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.network import NetworkOutputs
from components.roles import Roles
from components.security import SecurityGroups
from components.tags import named
from planning import choices, plan, policies


@dataclass(frozen=True, slots=True)
class Directory:
    """What a task needs to mount a directory. `ready` must be there before, and no id refers to it:
    mount targets, what lets tasks reach them, and the rights of the task's role."""

    file_system_id: pulumi.Input[str]
    access_point_id: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...]


class Files(pulumi.ComponentResource):
    """A file system with an access point for each workload and directory. One of the stack's own is
    encrypted, and reached by the tasks' or the instances' security groups alone.
    """

    def __init__(
        self,
        name: str,
        system: plan.FileSystem,
        *,
        region: str,
        tags: plan.Tags,
        roles: Roles,
        network: NetworkOutputs,
        security_groups: SecurityGroups,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:Files", name, None, opts)
        self._region = region
        self._tags = tags
        self._id: pulumi.Input[str] = system.given_id
        self._arn: pulumi.Input[str] = ""  # the plan's policies name that of a given one
        ready: list[pulumi.Resource] = []
        if not system.given_id:
            ready = self._own(system, network=network, security_groups=security_groups)
        self.directories: Mapping[str, Directory] = {
            point.key: self._directory(point, roles, ready) for point in system.access_points
        }
        """By key of the access point."""
        self.register_outputs({"file_system_id": self._id})

    def _own(
        self, system: plan.FileSystem, *, network: NetworkOutputs, security_groups: SecurityGroups
    ) -> list[pulumi.Resource]:
        """Builds the file system, and returns what must be there before a task mounts it."""
        name, region, tags = system.key, self._region, self._tags
        files = aws.efs.FileSystem(
            name,
            encrypted=True,
            kms_key_id=system.kms_key or None,
            throughput_mode=choices.THROUGHPUT_MODE,
            lifecycle_policies=[
                {"transition_to_ia": choices.ARCHIVE_AFTER},
                {"transition_to_primary_storage_class": choices.RETURN_AFTER},
            ],
            tags=named(tags, name),
            region=region,
            opts=pulumi.ResourceOptions(parent=self, protect=system.protected or None),
        )
        self._id, self._arn = files.id, files.arn
        statements = system.policy.statements
        policy = aws.efs.FileSystemPolicy(
            name,
            file_system_id=files.id,
            policy=files.arn.apply(
                lambda arn: policies.document(statements, "", file_arns=(arn, ""))
            ),
            region=region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        ready: list[pulumi.Resource] = [policy, *security_groups.rules]
        for zone_id in system.zone_ids:
            (subnet,) = network.subnets([zone_id])
            ready.append(
                aws.efs.MountTarget(
                    f"{name}_{zone_id}",
                    file_system_id=files.id,
                    subnet_id=subnet,
                    security_groups=[security_groups.files[system.key]],
                    region=region,
                    opts=pulumi.ResourceOptions(parent=self),
                )
            )
        return ready

    def _directory(
        self, point: plan.AccessPoint, roles: Roles, ready: list[pulumi.Resource]
    ) -> Directory:
        owner = choices.FILES_USER
        built = aws.efs.AccessPoint(
            point.key,
            file_system_id=self._id,
            posix_user={"uid": owner, "gid": owner},
            root_directory={
                "path": point.directory,
                "creation_info": {
                    "owner_uid": owner,
                    "owner_gid": owner,
                    "permissions": choices.FILES_PERMISSIONS,
                },
            },
            tags=named(self._tags, point.key),
            region=self._region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        allowed = roles.policy(
            f"{point.key}_{point.access.name}",
            point.role,
            point.access,
            file_arns=(self._arn, built.arn),
            parent=self,
        )
        return Directory(self._id, built.id, (*ready, allowed))
