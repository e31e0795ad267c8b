"""The house's own choices: numbers that no AWS fact dictates, each with its reason."""

LOCK_PORT_BASE = 20000  # device d is locked by host port 20000 + d: free on the AMI, not ephemeral
ROOT_VOLUME_GIB = 200  # Neuron images have 10 GB and more; the AMI's own 30 GiB hold two of them
STORAGE_GIB = 200  # the same on Managed Instances, whose default is 80
STOP_TIMEOUT_SECONDS = 120  # a long answer ends, and the runtime gives its cores back
DEREGISTRATION_DELAY_SECONDS = 120  # the longest answer; every pinned restart waits for it in full
IDLE_TIMEOUT_SECONDS = 900  # queueing and prefill send no byte for minutes
GRACE_SECONDS = 1800  # a model of 15 GB compiles for about 15 minutes
HEALTHY_THRESHOLD = 2  # checks that a target must pass
UNHEALTHY_THRESHOLD = 3
CONTAINER_START_PERIOD_SECONDS = 300  # the most that ECS takes
SCALING_STEP = 2  # instances at once: AWS's default of 10000 buys a pool full for one burst
METADATA_HOP_LIMIT = 1  # a container behind the bridge does not reach the instance's credentials
BOOT_MINUTES = 10  # instance launched, booted and registered
PULL_MINUTES = 10  # an image of 10 GB and more
MOST_MINUTES = 24 * 60  # of waiting for a service
CONTAINER_INSIGHTS = "enhanced"
EXECUTION_ROLE = "execution"
INSTANCE_ROLE = "instance"
INFRASTRUCTURE_ROLE = "managed-instances-infrastructure"
MANAGED_INSTANCE_ROLE = "ecsInstanceRole_managed-instances"  # AWS's policy passes no other prefix
EC2_EFA_DEVICES = "/dev/infiniband/uverbs"
EPHEMERAL_LAST = 65535
EXEC_ACTIONS = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
