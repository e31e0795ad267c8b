"""What a plan costs."""

NOT_IN_ANY_PRICE = (
    "storage, load balancers, NAT gateways and VPC endpoints, data transfer, logs and taxes"
)


MANAGEMENT_FEE = "the management fee of ECS Managed Instances"
