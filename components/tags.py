"""Tags as the resources take them.

They are passed to each resource, not left to the provider's default tags: those never reach Auto
Scaling groups, launch template specifications or tasks.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
"""

from planning.plan import Tags


def named(tags: Tags, name: str) -> dict[str, str]:
    """The plan's tags and the `Name` that consoles show."""
    return {**dict(tags), "Name": name}
