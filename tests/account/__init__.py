"""An account on loopback: AWS's answers about a stack that runs, from one state in this process.

moto answers for what stands still (networks, roles, load balancers, listeners). What lives is
answered here first, from one `State`: all of ECS, instances, Auto Scaling groups and what they
launched, target health, log lines. The resources of a plan are created by the requests that
`tests.contract` makes of its graph; a scheduler then starts, replaces and stops tasks. Each answer
of ours is held to the output shape of botocore's model of the service, and an operation of ECS that
is not written here is refused, never guessed.

The stand-in of `tests/engine/provider` is another thing: it speaks Pulumi's protocol and knows no
tasks, no time and no reading call.

Where it differs from a real account:

* Time: all that a change causes happens within the request. No task is ever PENDING for long, no
  instance boots, no target is `initial`, no connection drains. Incidents write the times that
  AWS would have needed.
* Rights: every credential is accepted and may do everything. A refusal is one that a test asks for.
  Policies are attached without being looked up.
* What a stack file names as existing (a network, a certificate, a security group) does not exist
  here, so such a stack cannot be created.
* Limits: no token bucket, and quotas that are high enough; a test can let a call be throttled, an
  incident can set a quota to 0. A wish for a higher one stays PENDING.
* Placement looks at instance type, host ports, Neuron devices, CPU and memory. It knows no zones,
  no network interfaces and no placement strategy.
* Managed scaling launches what is missing at once, one instance at a time from 0 as well (AWS
  launches two), and never scales in. Managed Instances launch the first allowed type.
* A service whose tasks fail tries three times without a circuit breaker, and then waits.
* Containers run nothing. What a server would log stands in the incidents.
* Load balancers pass no request on. A target is healthy if its task runs and no incident spoils it.
* Exec opens no session: the stream's address leads nowhere.
* The only metric with data is that of healthy targets, as of now. Records, health checks, alarms,
  rules of EventBridge and topics exist, and nothing moves them. Every hosted zone exists, and a
  certificate is valid at once.
"""
