"""Regions: networks of ours and existing ones, callers, and Regions of which little is known."""

from dataclasses import dataclass

from tests.wishes import facts
from tests.wishes.drawing import Hand, Names
from tests.wishes.pools import CPU, MANAGED_CPU, MANAGED_NEURON, NEURON, Pool, Want, make_pool
from tests.wishes.tasks import Entry, overrides

LARGEST, SMALLEST = 16, 20  # prefixes of a network of ours
ASIDE = 13  # addresses of a subnet that AWS and a load balancer keep
CALLERS = ("10.0.0.0/8", "192.168.1.0/24", "10.1.2.3/32", "172.16.0.0/12")
GROUPS = ("sg-0a1b2c3d", "sg-1")


@dataclass
class Network:
    """The kind of a Region's network, before anybody knows which zones it needs."""

    region: str
    own: bool
    nat: str = "one"

    @property
    def shut(self) -> bool:
        """Whether nothing leads out of it but endpoints."""
        return self.own and self.nat == "none"


def begun(hand: Hand, want: Want, region: str, *, far: bool) -> Network:
    """A network of one of the kinds wanted."""
    if far or hand.one(want.networks) == "existing":
        return Network(region, own=False)
    ways = [w for w in ("one", "per_zone", "none") if w in want.nat]
    return Network(region, own=True, nat=hand.one(ways))


def finished(hand: Hand, pools: list[Pool], plans: dict[str, Network], serving: set[str]) -> Entry:
    """Every Region's entry, with room for its pools."""
    found: Entry = {}
    for number, (region, plan) in enumerate(sorted(plans.items())):
        here = [p for p in pools if region in p.regions]
        entry: Entry = {}
        if plan.own:
            network = _own(hand, plan, here, number)
        else:
            network = _existing(hand, region, here, number, serves=region in serving)
        if network or hand.chance(10):
            entry["network"] = network
        instances = any(p.sort == "neuron" for p in here)
        if (instances and not facts.documented(region)) or hand.chance(5):
            entry["accept_undocumented_ami"] = True
        found[region] = entry
    return found


def addresses(pool: Pool, region: str) -> int:
    """Addresses that a pool can take in a Region at most."""
    interfaces = 1
    if pool.efa and pool.kind.neuron:
        interfaces = max(1, pool.kind.neuron.efa_interfaces)
    most = sum(w.most for w in pool.works)
    size: int = overrides(pool.entry).get(region, {}).get("max_size") or pool.entry.get(
        "max_size", most
    )
    return size * interfaces + most


def _own(hand: Hand, plan: Network, pools: list[Pool], number: int) -> Entry:
    entry: Entry = {}
    if plan.nat != "one" or hand.chance(10):
        entry["nat"] = plan.nat
    wanted = sum(addresses(p, plan.region) for p in pools)
    fitting = [p for p in range(SMALLEST, LARGEST - 1, -1) if wanted <= 2 ** (29 - p) - ASIDE]
    if hand.chance(40):
        prefix = hand.one(fitting)
        base = hand.one(("10.{n}.0.0", "172.{m}.0.0", "100.{n}.0.0"))
        block = base.format(n=100 + number, m=20 + number)
        entry["cidr"] = f"{block}/{prefix}"
    return entry


def _existing(hand: Hand, region: str, pools: list[Pool], number: int, *, serves: bool) -> Entry:
    wanted: set[str] = set()
    for pool in pools:
        wanted.add(hand.one(pool.zones(region)))
    others = [z for z in facts.zones(region) if z not in wanted]
    least = max(0, (2 if serves else 1) - len(wanted))
    wanted |= set(hand.some(others, least=least))
    private = {z: f"subnet-{number}a{i}" for i, z in enumerate(sorted(wanted))}
    entry: Entry = {"vpc_id": f"vpc-0a{number}", "private_subnets": private}
    if hand.chance(30):
        public = hand.some(facts.zones(region))
        entry["public_subnets"] = {z: f"subnet-{number}b{i}" for i, z in enumerate(sorted(public))}
    return entry


def traffic(hand: Hand, regions: list[str], serving: set[str], models: list[str]) -> Entry:
    """Callers, certificates of some of the Regions, and what callers must show."""
    entry: Entry = {}
    if hand.chance(70):
        if hand.chance(50):
            choices = CALLERS + (GROUPS if len(serving) < 2 else ())
            entry["allow_from"] = hand.some(choices)
        else:
            entry["allow_from"] = {r: hand.some(CALLERS + GROUPS) for r in hand.some(regions)}
    if hand.chance(70):
        entry["certificate_arns"] = {r: facts.certificate(r) for r in hand.some(regions)}
    if hand.chance(40):
        entry["domain"] = _domain(hand, regions)
    if hand.chance(40):
        entry["connected"] = hand.chance(80)
    if hand.chance(30):
        hosts = ("*.example.com", "models.example.com", "a.b.example.com")
        entry["hosts"] = {r: hand.some(hosts, least=1) for r in hand.some(regions)}
    if hand.chance(30):
        keys = dict.fromkeys(hand.some(models), "/keys/a")
        entry["authentication"] = {"api_key": hand.one((keys, "/keys/b"))}
    elif hand.chance(40):
        entry["authentication"] = _at_the_door(hand, regions)
        entry["certificate_arns"] = {r: facts.certificate(r) for r in regions}
    return entry


def _at_the_door(hand: Hand, regions: list[str]) -> Entry:
    """What load balancers ask for: tokens, certificates or both."""
    values: Entry = {"values": ["models.call"]}
    claims: dict[str, Entry] = {"scope": values}
    for name, spelled in (("role", "single_string"), ("team", "string_array")):
        claims[name] = {**values, "format": spelled}
    claims["scp"] = {**values, "format": "space_separated_values"}
    jwt: Entry = {"issuer": "https://a.example.com", "key_set": "https://a.example.com/keys"}
    if hand.chance(80):
        jwt["claims"] = {name: claims[name] for name in hand.some(tuple(claims), least=1)}
    some = hand.some(regions, least=1)
    stores = {r: facts.arn(r, "elasticloadbalancing", "truststore/a/0a1b") for r in some}
    return hand.one(({"jwt": jwt}, {"mutual_tls": stores}, {"jwt": jwt, "mutual_tls": stores}))


def open_up(hand: Hand, keys: Entry) -> None:
    """Gives load balancers public addresses, in networks that have subnets for them."""
    traffic, regions = keys["traffic"], sorted(keys["regions"])
    some = {"regions": hand.some(regions, least=1), "anyone": False}
    traffic["public"] = hand.one((True, False, {"regions": regions}, some, {"anyone": True}))
    ported = [
        sum("port" in s for s in m.get("sidecars", {}).values()) for m in keys["models"].values()
    ]
    if max(ported, default=0) < 2 and hand.chance(60):  # a service has five target groups
        traffic["both_schemes"] = True
    if traffic["public"] == {"anyone": True}:
        traffic["authentication"] = {"api_key": "/keys/b"}
    face_outside(keys["regions"])


def face_outside(regions: Entry) -> None:
    """Gives each existing network a public subnet in every zone."""
    for number, region in enumerate(sorted(regions)):
        entry: Entry = regions[region] or {}
        network: Entry = entry.get("network", {})
        if "vpc_id" in network:
            private: list[str] = [*network["private_subnets"]]
            zones = sorted({*private, *facts.zones(region)})
            network["public_subnets"] = {z: f"subnet-9{number}c{i}" for i, z in enumerate(zones)}


def _domain(hand: Hand, regions: list[str]) -> Entry:
    entry: Entry = {"name": hand.one(("a.example.com", "example.org")), "zone_id": "Z0AAA"}
    if hand.chance(50):
        entry["private"] = True
        if hand.chance(50):
            entry["associated"] = hand.some(regions)
    if hand.chance(30):
        entry["validation_zone_id"] = "Z0BBB"
    return entry


def far_pools(hand: Hand, names: Names, want: Want) -> list[Pool]:
    """A pool in Regions whose offerings are not known, of one partition."""
    home = want.far or hand.one(("aws", "aws-us-gov", "aws-cn"))
    known = facts.not_captured(home)
    regions = tuple(sorted(hand.some(known, least=1, most=2)))
    sorts = [CPU, NEURON]
    if all(facts.managed_here(r) for r in regions):
        sorts += [MANAGED_CPU, MANAGED_NEURON]
    sort = hand.one([s for s in sorts if s in want.sorts])
    types = {CPU: "m5.large", MANAGED_CPU: "c7g.xlarge"}
    return [make_pool(hand, want, names.new(), sort, (types.get(sort, "inf2.xlarge"),), regions)]
