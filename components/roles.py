"""IAM: every role of the stack, once, for all Regions."""

from collections.abc import Iterable, Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.tags import named
from planning import plan, policies


class Roles(pulumi.ComponentResource):
    """The stack's roles with their policies and instance profiles.

    A role's ARN does not depend on its policies. Resources that use a role therefore also depend on
    its `attachments`: the policies are created before them and deleted after them.
    Pulumi chooses the names: IAM is global, and a fixed name would collide with other stacks.
    """

    def __init__(
        self,
        name: str,
        roles: Iterable[plan.Role],
        *,
        tags: plan.Tags,
        account: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("neuron-ecs:components:Roles", name, None, opts)
        self._account = account
        described = tuple(roles)
        self._roles = {role.key: self._role(role, tags) for role in described}
        self._profiles = {
            role.key: self._profile(role, tags) for role in described if role.instance_profile
        }
        self._attachments = {role.key: self._policies(role) for role in described}
        self.arns: Mapping[str, pulumi.Output[str]] = {
            key: role.arn for key, role in self._roles.items()
        }
        """Role ARNs by role key."""
        self.register_outputs({"arns": self.arns})

    def policy(
        self,
        name: str,
        role: str,
        policy: plan.InlinePolicy,
        *,
        parent: pulumi.Resource,
        cluster_arn: pulumi.Input[str] = "",
        file_arns: tuple[pulumi.Input[str], pulumi.Input[str]] = ("", ""),
    ) -> aws.iam.RolePolicy:
        """Builds an inline policy of the role; a Region's clusters have policies of their own."""
        keys = policies.roles_named(policy.statements)
        document = pulumi.Output.all(
            self._account, cluster_arn, *file_arns, *(self._roles[key].arn for key in keys)
        ).apply(
            lambda known: policies.document(
                policy.statements,
                known[0],
                dict(zip(keys, known[4:], strict=True)),
                known[1],
                (known[2], known[3]),
            )
        )
        return aws.iam.RolePolicy(
            name,
            role=self._roles[role].name,
            policy=document,
            opts=pulumi.ResourceOptions(parent=parent),
        )

    def document(self, statements: Iterable[Mapping[str, plan.PolicyValue]]) -> pulumi.Output[str]:
        """Returns a policy document about the account that belongs to no role."""
        return self._account.apply(lambda known: policies.document(statements, known))

    def instance_profile_arn(self, key: str) -> pulumi.Output[str]:
        """ARN of the role's instance profile. Raises KeyError if the plan has none."""
        return self._profiles[key].arn

    def attachments(self, *keys: str) -> list[pulumi.Resource]:
        """The policies and instance profiles of the roles, to which no ARN refers."""
        return [resource for key in keys for resource in self._attachments[key]]

    def _role(self, role: plan.Role, tags: plan.Tags) -> aws.iam.Role:
        return aws.iam.Role(
            role.key,
            assume_role_policy=self._account.apply(lambda known: policies.trust(role, known)),
            description=role.purpose,
            tags=named(tags, role.key),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _profile(self, role: plan.Role, tags: plan.Tags) -> aws.iam.InstanceProfile:
        return aws.iam.InstanceProfile(
            role.key,
            role=self._roles[role.key].name,
            tags=named(tags, role.key),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _policies(self, role: plan.Role) -> Sequence[pulumi.Resource]:
        attached: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(
                f"{role.key}_{arn.rpartition('/')[2]}",
                role=self._roles[role.key].name,
                policy_arn=arn,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for arn in role.managed_policies
        ]
        attached += [
            self.policy(f"{role.key}_{policy.name}", role.key, policy, parent=self)
            for policy in role.inline_policies
        ]
        if role.key in self._profiles:
            attached.append(self._profiles[role.key])
        return attached
