"""Choices of this program: numbers and names that no AWS fact dictates, each with its reason.

`components` has no number of its own: what it passes to a resource stands in the plan or here.
"""

# ---- instances -----------------------------------------------------------------------------

ROOT_VOLUME_GIB = 200  # Neuron images have 10 GB and more; the AMI's own 30 GiB hold two of them
STORAGE_GIB = 200  # the same on Managed Instances, whose default is 80
METADATA_HOP_LIMIT = 1  # bridge mode: no container reaches the instance's credentials; host: all do
EC2_EFA_DEVICES = "/dev/infiniband/uverbs"
COMPILING = ("NEURON_", "VLLM_", "XLA_")
"""Beginnings of variables that may change what a server compiles: flags of the compiler, the size
of a logical core, buckets of the server. One that changes nothing costs another compilation."""
SLOT = "{slot}"  # in the directory of a mount: the number of the service, on devices of its own
SERVE_CACHE = "serve-cache"  # the host volume of models of `serve` without a cache of their own
SERVE_CACHE_PATH = "/var/cache/neuron-ecs"  # in the container: no image has it
COMPILED_MARKER = "compiled.json"  # what a compile run leaves below the fingerprint
SERVE_CACHE_COPIES = 2  # the present artefacts and those before: a new image can be taken back
HOST_VOLUMES = "/var/lib/neuron-ecs"  # host volumes without a path: no package of the AMI is there
MINIMUM_REQUIREMENT = 1  # vCPU and MiB of Managed Instances: only the allowed types select

# ---- scaling -------------------------------------------------------------------------------

SCALING_STEP = 2  # instances at once: AWS's default of 10000 buys a pool full for one burst
MINIMUM_SCALING_STEP = 1
TARGET_CAPACITY_PERCENT = 100  # no instance is kept idle
INSTANCE_WARMUP_SECONDS = 300
SCALE_OUT_DATAPOINTS = 2  # minutes of load, of the last periods: a burst is met, a blip is not
SCALE_OUT_PERIODS = 3
SCALE_IN_PERIODS = 15  # minutes of less load in a row, at least: a replica is slow to come back
LONGEST_PERIODS = 24 * 60  # minutes that an alarm looks back: one day
COOLDOWN_IN_TIMES = 2  # the cooldown in, of that out
BETWEEN_LOADS = 0.5  # loads are whole numbers: a threshold halfway is never met exactly
CAPACITY_WAIT = "0"  # Neuron capacity may take hours: waiting for it would fail the update
STRATEGY_WEIGHT = 1  # services and schedules name one capacity provider each
STRATEGY_BASE = 0

# ---- waiting -------------------------------------------------------------------------------

ACTIVATION_PAUSE_SECONDS = 10  # between two tries; the engine itself does not pause
ACTIVATION_MINUTES = 10  # Managed Instances providers take seconds
ACTIVATION_TRIES = ACTIVATION_MINUTES * 60 // ACTIVATION_PAUSE_SECONDS  # the engine ends at 100
SIZE_AS_IT_IS = -1  # in a scheduled action; without it the provider sends 0
BLOCK_MARGIN_MINUTES = 10  # between the last task and the end of an instance
BLOCK_LEAVING_MINUTES = 12 * 60  # that tasks get at most to leave a block; it lasts a day or more
BOOT_MINUTES = 10  # instance launched, booted and registered
PULL_MINUTES = 10  # an image of 10 GB and more
MOST_MINUTES = 24 * 60  # of waiting for a service
OTHER_MINUTES = 60  # of an update: network, capacity and load balancers before and after services

# ---- tasks ---------------------------------------------------------------------------------

LOCK_PORT_BASE = 20000  # device d is locked by host port 20000 + d: free on the AMI, not ephemeral
EPHEMERAL_LAST = 65535
STOP_TIMEOUT_SECONDS = 120  # a long answer ends, and the runtime gives its cores back
GRACE_SECONDS = 1800  # a model of 15 GB compiles for about 15 minutes
CONTAINER_START_PERIOD_SECONDS = 300  # the most that ECS takes
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")  # SDKs read the first, boto3 the second
EXEC_LOG_DAYS = 365  # of sessions of ECS Exec: a record of who did what, kept for a year
CONTAINER_INSIGHTS = "enhanced"  # metrics for each task
START_TASKS = 1  # of a job, at each start
START_RETRIES = 5  # a start that AWS refused is repeated, never the work
START_RETRY_SECONDS = 3600

# ---- daemons -------------------------------------------------------------------------------

# CPU units and MiB of each container that watches the chips of an instance. Default sizes leave
# their sum free on every Neuron instance, whether they run or not: switching them on resizes no
# task.
MONITOR_SIZE = (256, 256)  # as AWS's own k8s-neuron-monitor-daemonset.yml
AGENT_SIZE = (128, 256)  # scrapes one source once a minute
DETECTOR_SIZE = (64, 128)  # AWS's DaemonSet gives it a hundredth of a CPU and 80 MiB
RECOVERY_SIZE = (64, 192)  # likewise, and 150 MiB
DAEMON_SIZES = (MONITOR_SIZE, AGENT_SIZE, DETECTOR_SIZE, RECOVERY_SIZE)
PROCESS_TAG = "NEURON_PROCESS_TAG"
MONITOR_PORT = 19800  # of the host, for the CloudWatch agent: its own 8000 is a model's
DETECTOR_HEALTH_PORT = 20256  # of the node problem detector, by its own choice
DETECTOR_PORT = 20257  # likewise, for its metrics, which the recovery reads
MONITOR_MEMORY_LIMIT = "160MiB"  # of Go's collector, below its 256 MiB
DAEMON_LOG_BUFFER = "10m"
DAEMON_MINIMUM_PERCENT = 0  # a task holds ports of the host: the old one stops first
DAEMON_MAXIMUM_PERCENT = 100
DAEMON_LOG_DAYS = 7  # the events become metrics, which stay for 15 months
METRIC_EVENT_BYTES = 700  # of one series in the log group: its labels, and what makes it a metric

# ---- traffic -------------------------------------------------------------------------------

HTTP_PORT = 80  # of the listener without a certificate
HTTPS_PORT = 443  # of the listener with a certificate, and of interface endpoints
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"  # TLS 1.2 and 1.3, as ELB.17 asks
VALIDATION_TTL_SECONDS = 300  # of the record that ACM looks for
PRIVATE_DOMAIN = "internal"  # of names in the network; ICANN reserves it for private use
REGISTRY_TTL_SECONDS = 10  # of names in the network: how long callers know a task that stopped
REGISTRY_FAILURES = 1  # the only number that Cloud Map takes
VALIDATION_MINUTES = 30  # of a certificate; mostly a few
LEFT_OUT_MINUTES = 3  # without a healthy replica, until a Region is left out of the answers
DNS_SECONDS = 120  # Route 53 changes its answer, and callers keep one of an alias for a minute
ANYWHERE = "0.0.0.0/0"
ALL_PROTOCOLS = "-1"
UNKNOWN_PATH_STATUS = "404"  # for a path that no model lets through
EVERY_PATH = "/*"  # of a container whose server no table knows
IDLE_TIMEOUT_SECONDS = 900  # of a server that no table knows, as of vLLM
DEREGISTRATION_DELAY_SECONDS = 120  # likewise; every pinned restart waits for it in full
HEALTH_PATH = "/health"
HEALTHY_STATUS = "200"
HEALTH_INTERVAL_SECONDS = 15
HEALTH_TIMEOUT_SECONDS = 5
HEALTHY_THRESHOLD = 2  # checks before a target gets requests: the fewest that AWS takes
UNHEALTHY_THRESHOLD = 3

# ---- alarms --------------------------------------------------------------------------------

RUNBOOK = "docs/runbook.md"  # what to do, incident by incident
QUEUE_AGENT = "queue-metrics"  # name of the sidecar that measures the queue of a model
QUEUE_PROPOSED = 8  # requests of one replica, in findings
METRIC_NAMESPACE = "neuron-ecs"
METRICS_PATH = "/metrics"
SCRAPE_SECONDS = 10
METRIC_SECONDS = 60  # how often load balancers and Container Insights measure
SILENT_MINUTES = 5  # without a healthy replica: a rollout of one replica is that long as well
FEWER_MINUTES = 30  # with fewer healthy ones than the minimum: an instance boots, pulls and loads
WATCHED_BLOCKS = 16  # Capacity Blocks of a pool in an alarm: an expression has 2,048 characters
WANTED_SECONDS = 300
WANTED_PERIODS = 6  # half an hour: longer waiting is no boot, but no capacity
LIMIT_MINUTES = 15  # above the load of all replicas: a burst passes
ERROR_SECONDS = 300
ERROR_PERIODS = 2  # ten minutes: one bad batch of requests wakes no one
BAKE_MINUTES = 2 * ERROR_PERIODS * ERROR_SECONDS // 60  # ECS watches on; it does not say how long
ERROR_PERCENT = 5  # of answers
ERROR_REQUESTS = 20  # in ERROR_SECONDS: of fewer a single error would be more than that
BALANCER_ERRORS = 20  # in ERROR_SECONDS
GROUP_METRICS = ("GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize")  # shown
GRAPH_COLUMNS = 8  # three graphs in a row of a dashboard
HEADING_ROWS = 2
SLACK_REGION = "us-east-2"  # keeps the channel's settings: of the Regions with its API
SLACK_ROLE = "alarms-in-slack"

# ---- file systems --------------------------------------------------------------------------

NFS_PORT = 2049
FILES_DIRECTORY = "/files"  # below which access points show directories: none shows the root
FILES_USER = 1000  # owns all files: containers of any user share them
FILES_PERMISSIONS = "0755"
THROUGHPUT_MODE = "elastic"  # bursting gives a file system of some GiB 1 MiB/s once it has burst
ARCHIVE_AFTER = "AFTER_30_DAYS"  # what no task reads costs a tenth in infrequent access
RETURN_AFTER = "AFTER_1_ACCESS"  # what is read again is fast from the second time on

VOLUME_TYPE = "gp3"

# ---- roles ---------------------------------------------------------------------------------

ACCOUNT = "<account>"  # stands in policies for the number of the account that builds the stack
EXECUTION_ROLE = "execution"
INSTANCE_ROLE = "instance"
SESSION_MANAGER_ROLE = "instance_session-manager"
INFRASTRUCTURE_ROLE = "managed-instances-infrastructure"
VOLUMES_ROLE = "task-volumes"
MANAGED_INSTANCE_ROLE = "ecsInstanceRole_managed-instances"  # AWS's policy passes no other prefix
EXEC_ACTIONS = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
