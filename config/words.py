"""Words of ECS, EC2, Docker, Kubernetes and other tools that are no keys of a stack file.

A text that begins with "write" shows what to write in the same place. A text that begins with "no
field" says what the stack file cannot say, and what there is instead.
"""

import re
from collections.abc import Mapping

from pydantic import BaseModel

from config.alarms import Alarms, Slack
from config.capacity import AutoScalingCapacity, Capacity, ManagedInstancesCapacity
from config.places import ExistingNetworkEntry, OwnNetworkEntry, RegionEntry
from config.replicas import Scaling
from config.settings import Security, Settings, Traffic
from config.shapes import Shape
from config.volumes import EbsVolumeEntry
from config.workloads import Container, JobEntry, ModelEntry, Sidecar, Workload

_KEPT = "no field sets it; ECS's own default stays"
_NETWORKS = "no field here sets it; networks stand under regions: {us-west-2: {network: {...}}}"
_TAGS = "no field here sets them; the tags at the top of the stack file are on everything"
_DEVICES = "write neuron_devices: 1; it counts Neuron devices (chips), not cores"
_SIZE = "write replicas: {min: 1, max: 4}"
_VOLUMES = (
    "write mounts: {cache: /cache}; each name is one of volumes at the top of the stack file, and "
    "writable_paths and shared_paths are empty volumes of the task"
)

WORDS: Mapping[type[BaseModel], Mapping[str, str]] = {
    Container: {
        "env env_vars environment_variables envs": "write environment: {NAME: value}",
        "env_file env_from environment_files": (
            "no field reads a file of variables; write each one in environment or secrets"
        ),
        "args arguments cmd": "write command: [vllm, serve, Qwen/Qwen3-0.6B]",
        "ebs efs host_path mount mount_points persistent_volume persistent_volume_claim "
        "s3_files volume volume_mounts volumes": _VOLUMES,
        "ephemeral_storage fsx tmpfs volumes_from": (
            "no field makes one; mounts, writable_paths and shared_paths are what a container "
            "can have"
        ),
        "limit_memlock nofile ulimit": "write ulimits: {nofile: {soft: 65536, hard: 65536}}",
        "privileged security_context": (
            "no field grants it; a container opens the Neuron devices of its task, and a Linux "
            "capability that it needs goes in linux_capabilities"
        ),
        "cap_add capabilities": "write linux_capabilities: [IPC_LOCK]",
        "linux_parameters": (
            "no field has them all; there are neuron_devices, linux_capabilities and "
            "shared_memory_mib"
        ),
        "credentials_parameter image_pull_secrets registry_auth registry_credentials "
        "repository_credentials": (
            "write registry_login: "
            '"arn:aws:secretsmanager:us-west-2:111122223333:secret:docker-hub"'
        ),
        "read_only readonly_root_filesystem": "write read_only_root: true",
        "work_dir workdir working_dir": "write working_directory: /opt/app",
        "cap_drop": "write drop_capabilities: [ALL]",
        "init_process_enabled use_init": "write init: true",
        "depends_on": "write starts_after: {fetch: success}; it names other containers of the task",
        "firelens firelens_configuration log_configuration log_driver log_group logging": (
            "no field sets it; logs go to CloudWatch Logs, as log_mode, log_buffer_mib and "
            "log_retention_days say"
        ),
        "credential_specs disable_networking dns_search_domains dns_servers docker_labels "
        "docker_security_options extra_hosts hostname interactive ipc_mode links max_swap "
        "pid_mode pseudo_terminal start_timeout swappiness system_controls": _KEPT,
        "accelerators device devices gpu gpus neuron neuron_cores neuroncore neuroncores "
        "neurons num_gpus resource_requirements": _DEVICES,
        "limits requests resources": (
            "no field has them all; there are neuron_devices, cpu_units and memory_mib"
        ),
    },
    Workload: {
        "cpu cpus vcpu vcpus": "write cpu_units: 1024; these are one vCPU",
        "mem memory memory_mb memory_reservation ram": "write memory_mib: 4096",
        "restart_policy": _KEPT,
        "shared_memory shared_memory_size shm shm_size": "write shared_memory_mib: 1024",
        "cache compile_cache model_cache neuron_cache": (
            "no field keeps one; set NEURON_COMPILE_CACHE_URL: s3://bucket/path in environment, "
            "and name the path in s3_read and s3_write"
        ),
        "container_port container_ports host_port port_mappings": (
            "write port: 8080; several go in ports"
        ),
        "execution_role execution_role_arn iam_role policies role role_arn service_account "
        "task_role task_role_arn": (
            "no field names a role; the program makes one for each workload, and task_policies "
            "adds to what it may do"
        ),
        "capacity_provider capacity_provider_strategy launch_type pool requires_compatibilities": (
            "write capacity: inf2; it is the name of a pool"
        ),
        "affinity node_selector placement placement_constraints placement_strategies "
        "placement_strategy tolerations": (
            "no field places tasks; capacity and neuron_devices decide where they run, and "
            "zone_ids of the pool in which zones"
        ),
        "architecture cpu_architecture platform platform_version runtime_platform": (
            "no field sets it; the instance type of the pool decides"
        ),
        "liveness_probe probe readiness_probe startup_probe": "write health_check: {path: /health}",
        "stop_timeout termination_grace_period_seconds": "write stop_timeout_seconds: 120",
        "enable_execute_command execute_command": "write exec: true",
        "assign_public_ip awsvpc_configuration network_configuration security_groups "
        "subnets": _NETWORKS,
        "labels tags": _TAGS,
        "essential": "no field sets it; the container of a model or job is essential",
    },
    Sidecar: {
        "cpu cpus vcpu vcpus": "write cpu_units: 128; 1024 are one vCPU",
        "mem memory memory_mb memory_reservation ram": "write memory_mib: 256",
        "restart_policy": "write restart: true",
        "container_port host_port port_mappings ports": (
            "write port: 9000; path says where it answers"
        ),
    },
    ModelEntry: {
        "count desired_count desired_tasks instances max_replicas min_replicas num_replicas "
        "replica_count": _SIZE,
        "auto_scaling autoscaler autoscaling hpa max_capacity min_capacity scalable_target "
        "scale scaling_policies scaling_policy target_tracking": (
            "write scaling: {requests_per_minute: 120}; it is the load of one replica, and "
            "replicas: {min: 1, max: 4} is the range"
        ),
        "deployment_configuration deployment_maximum_percent "
        "deployment_minimum_healthy_percent max_surge max_unavailable maximum_percent "
        "minimum_healthy_percent rolling_update strategy": (
            "no field sets it; it follows from the room that the pool has for another task"
        ),
        "circuit_breaker deployment_circuit_breaker": (
            "no field sets it; it is on, and a failed deployment is rolled back"
        ),
        "health_check_grace_period health_check_grace_period_seconds": (
            "write health_check: {grace_seconds: 1800}"
        ),
        "host_header ingress listener listener_rule load_balancer path_pattern priority "
        "service_connect service_connect_configuration url": (
            "no field sets it; the load balancer of the Region leads a path to each model with "
            "a port"
        ),
        "cloud_map namespace service_discovery service_registries srv": (
            "write discovery: cloud_map"
        ),
    },
    JobEntry: {
        "cron rate schedule_expression": 'write schedule: {expression: "cron(0 3 * * ? *)"}',
        "array_size completions count instances nodes num_nodes parallelism replicas": (
            "no field sets it; each start of a job is one task"
        ),
        "backoff_limit max_attempts retries retry retry_strategy": "write attempts: 3",
        "active_deadline_seconds attempt_duration_seconds max_runtime timeout timeout_seconds": (
            "write timeout_minutes: 120"
        ),
    },
    AutoScalingCapacity: {
        "launch_template user_data": (
            "no field adds to it; the program writes it, and what tasks need goes in their images"
        ),
        "capacity_reservation capacity_reservation_preference "
        "capacity_reservation_specification reservation_id reservation_preference": (
            "write purchase: capacity_reservation; its id goes in reservation_ids, and "
            "on_demand_fallback: true launches on demand where it has no room"
        ),
        "block_hours capacity_block capacity_blocks scheduled_actions": (
            "write blocks: [{id: cr-0a1b2c3d, start: 2026-12-01T11:30:00Z, end: "
            "2026-12-03T11:30:00Z}]; they go with purchase: capacity_block"
        ),
        "instance_types instances": "write instance_type: inf2.24xlarge; a pool has one",
        "desired desired_capacity desired_size": (
            "no field sets it; ECS moves it between min_size and max_size"
        ),
        "min_capacity min_instances minimum_size": "write min_size: 0",
        "max_capacity max_instances maximum_size": "write max_size: 4",
        "block_device_mappings disk disk_size ebs root_volume_size volume_size volumes": (
            "write root_volume_gib: 200"
        ),
        "ami_id image image_id": (
            "write ami: {family: al2023, version: recommended}; or the name of an image, not its id"
        ),
        "placement_group": "write efa: true; it comes with a placement group",
    },
    ManagedInstancesCapacity: {
        "ami image_id launch_template user_data": (
            "no field sets it; AWS owns these instances and what they start with"
        ),
        "capacity_reservation capacity_reservation_preference capacity_reservations "
        "reservation_group_arn reservation_preference": (
            "write purchase: reserved; their resource group goes in reservation_group_arns, or "
            "on_demand_fallback: true uses open reservations first and on demand beside them"
        ),
        "instance_types instances": "write allowed_instance_types: [inf2.24xlarge]",
        "desired_capacity desired_size max_capacity max_instances min_capacity min_instances": (
            "no field limits it; ECS starts the instances that the tasks need"
        ),
        "block_device_mappings disk disk_size ebs root_volume_size volume_size volumes": (
            "write storage_gib: 200"
        ),
    },
    Capacity: {
        "key_name key_pair ssh_key ssh_key_name": (
            "no field names one; exec of a model or job opens a shell in its container, and "
            "session_manager of a pool of our own on its instances"
        ),
        "instance_refresh update_policy": (
            "no field starts one; instances that start later have what is new: drain and "
            "terminate the old ones one by one"
        ),
        "capacity_option_type market market_options spot spot_instances use_spot": (
            "write purchase: spot"
        ),
        "availability_zone_ids availability_zones azs zone zones": (
            "write zone_ids: [usw2-az1]; ids, since names differ by account"
        ),
        "security_groups subnet_ids subnets vpc vpc_id": _NETWORKS,
        "iam_instance_profile iam_role instance_profile instance_role": (
            "no field names one; the program makes it"
        ),
        "instance_requirements managed_draining managed_scaling "
        "managed_termination_protection max_price mixed_instances_policy "
        "on_demand_base_capacity spot_max_price target_capacity warm_pool": "no field sets it",
        "labels tags": _TAGS,
    },
    Traffic: {
        "expose exposed external internet internet_facing scheme": "write public: true",
        "blue_green canary mirror split weight weighted": (
            "write weights: {llama: {llama: 90, llama-next: 10}}"
        ),
        "certificate certificate_arn https ssl tls": (
            "write certificate_arns: {us-west-2: "
            '"arn:aws:acm:us-west-2:111122223333:certificate/0a"}'
        ),
        "allow allow_list allowed_cidrs cidr_blocks cidrs ingress": (
            "write allow_from: [10.0.0.0/8]"
        ),
        "dns domain_name host hosted_zone route53 zone": (
            "write domain: {name: models.example.com, zone_id: Z0123456789ABC}"
        ),
        "access_logs deletion_protection idle_timeout listeners waf": "no field sets it",
        "api_key api_keys auth key keys password token tokens": (
            "write authentication: {api_key: /keys/models}; it names the secret that holds the key"
        ),
        "client_certificates cognito issuer jwks jwt mtls mutual_tls oidc trust_store": (
            "no field here sets it; authentication has api_key, jwt and mutual_tls"
        ),
    },
    Security: {
        "cmk customer_key encryption key_arn kms kms_key kms_key_arn kms_key_id": (
            'write kms_keys: {us-west-2: "arn:aws:kms:us-west-2:111122223333:key/0a1b"}'
        ),
        "waf web_acl web_acl_arn": (
            "write web_acl_arns: {us-west-2: "
            '"arn:aws:wafv2:us-west-2:111122223333:regional/webacl/models/0a1b"}'
        ),
        "endpoint_policies endpoint_policy vpc_endpoint_policy": (
            "write s3_accounts: []; it names the accounts whose buckets are reached beside our own"
        ),
        "execute_command_logging execute_command_logs": "write exec_logs: true",
    },
    OwnNetworkEntry: {
        "private_subnet_ids subnet_ids subnets vpc": (
            "no field here sets it; a network that exists has vpc_id and private_subnets"
        ),
        "kind type": (
            "no field chooses it; a network with vpc_id and private_subnets is one that exists, "
            "any other is made for the stack"
        ),
        "nat_gateway nat_gateways single_nat_gateway": "write nat: one",
    },
    ExistingNetworkEntry: {
        "vpc": "write vpc_id: vpc-0a1b2c3d",
        "private_subnet_ids subnet_ids subnets": (
            "write private_subnets: {usw2-az1: subnet-0a1b2c3d}"
        ),
    },
    RegionEntry: {
        "subnet_ids subnets vpc": (
            "write network: {vpc_id: vpc-0a1b2c3d, private_subnets: {usw2-az1: subnet-0a1b2c3d}}"
        ),
    },
    Scaling: {
        "cpu cpu_percent cpu_utilization gpu_utilization latency memory metric "
        "neuron_utilization target_cpu": (
            "no field scales by it; queue counts what a vLLM server runs and queues, "
            "requests_per_minute what callers ask, and external: true leaves the desired counts "
            "to a policy of yours"
        ),
        "concurrency concurrent_requests num_requests_waiting queue_length requests_waiting": (
            "write queue: 8"
        ),
        "requests requests_per_target rpm target": "write requests_per_minute: 120",
        "max max_replicas min min_replicas": (
            "no field here sets it; write replicas: {min: 1, max: 4} beside scaling"
        ),
        "cooldown cooldown_seconds scale_out_cooldown": "write cooldown_out_seconds: 600",
        "scale_in_cooldown": "write cooldown_in_seconds: 1200",
        "cron scheduled_actions schedules": (
            'write schedule: [{expression: "cron(0 7 ? * MON-FRI *)", min: 2}]'
        ),
    },
    Shape: {
        "n_layer n_layers num_hidden_layers num_layers": "write layers: 32",
        "d_model dim hidden_size n_embd": "write hidden: 4096",
        "n_head n_heads num_attention_heads num_heads": "write heads: 32",
        "n_kv_heads num_key_value_heads num_kv_heads": "write kv_heads: 8",
        "ffn_dim intermediate_size moe_intermediate_size n_inner": "write mlp: 14336",
        "n_routed_experts num_experts num_local_experts": "write experts: 8",
        "n_vocab padded_vocab_size vocab_size": "write vocabulary: 128256",
        "context_length max_model_len max_position_embeddings max_seq_len n_positions": (
            "write max_positions: 8192"
        ),
        "attention_window sliding_window": "write window: 4096",
        "tie_embeddings tie_word_embeddings": "write tied: true",
        "gated_repo hf_token token": "write needs_token: true",
        "base_model finetuned_from parent same_as": "write like: meta-llama/Llama-3.1-8B-Instruct",
    },
    Settings: {
        "network networks subnets vpc vpc_id": _NETWORKS,
        "ebs efs file_systems host_volumes mounts storage volume": (
            "write volumes: {cache: {kind: host}}"
        ),
        "clusters instances node_groups nodes pools": (
            "write capacity: {inf2: {kind: auto_scaling, instance_type: inf2.24xlarge, "
            "max_size: 4}}"
        ),
        "alb ingress load_balancer load_balancers": (
            "no field makes one; each Region with a model that has a port gets one, and traffic "
            "says who may call it"
        ),
        "alerts monitoring notifications on_call sns": (
            "write alarms: {emails: [on-call@example.com]}"
        ),
        "budget": "no field makes any",
        "dashboard": "write dashboards: true",
        "chip_metrics cloudwatch_agent metrics neuron_monitor prometheus": (
            "write neuron_metrics: {}"
        ),
    },
    EbsVolumeEntry: {
        "size size_in_gb size_in_gib storage_gib": "write size_gib: 100",
        "snapshot snapshot_id snapshots": "write snapshot_ids: {us-west-2: snap-0123456789abcdef0}",
        "throughput": "write throughput_mib: 250",
        "encrypted kms_key kms_key_id": (
            "no field sets it; each is encrypted, with the key of security.kms_keys where there "
            "is one"
        ),
        "type volume_type": (
            "no field sets it; each is gp3, and iops and throughput_mib make it faster"
        ),
    },
    Alarms: {
        "email mail recipients": "write emails: [on-call@example.com]",
        "sns sns_topic_arns sns_topics topic topic_arn topic_arns": (
            'write topics: ["arn:aws:sns:{region}:111122223333:on-call"]'
        ),
        "opsgenie pagerduty webhook webhooks": (
            "no field names one; let it subscribe to a topic under topics"
        ),
    },
    Slack: {
        "channel_id slack_channel_id": "write channel: C0123ABCD",
        "slack_team_id team team_id workspace_id": "write workspace: T0123ABCD",
    },
}

_SETS = tuple(
    (home, frozenset(words.split()), text)
    for home, own in WORDS.items()
    for words, text in own.items()
)


def advice_on(key: str, model: type[BaseModel]) -> str | None:
    """Returns what to write instead of a word of another tool, or why there is nothing to write.

    Case, hyphens and a prefix such as `aws.amazon.com/` are ignored.
    """
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key[:80].rpartition("/")[2])
    word = word.lower().replace("-", "_")
    return next((t for home, words, t in _SETS if word in words and issubclass(model, home)), None)
