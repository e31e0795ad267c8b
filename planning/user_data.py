"""User data of an Auto Scaling pool's instances: it only joins them to the cluster."""

from planning.plan import Tags


def render(cluster_name: str, agent_config: Tags) -> str:
    """Returns the script, not yet in base64.

    The ECS agent reads /etc/ecs/ecs.config after cloud-init.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html
    """
    lines = [f"ECS_CLUSTER={cluster_name}", *(f"{name}={value}" for name, value in agent_config)]
    body = "\n".join(lines)
    return f"#!/bin/bash\nset -eu\ncat >> /etc/ecs/ecs.config <<'EOF'\n{body}\nEOF\n"
