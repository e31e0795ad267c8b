"""User data of an Auto Scaling pool's instances: joins the cluster, nothing else."""

from planning.plan import Tags


def render(cluster_name: str, agent_config: Tags) -> str:
    """The script, before base64. The ECS agent reads /etc/ecs/ecs.config once cloud-init is done.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html
    """
    lines = [f"ECS_CLUSTER={cluster_name}", *(f"{name}={value}" for name, value in agent_config)]
    body = "\n".join(lines)
    return f"#!/bin/bash\nset -eu\ncat >> /etc/ecs/ecs.config <<'EOF'\n{body}\nEOF\n"
