"""Route 53 and Certificate Manager: records, health checks, and certificates valid at once.

Every hosted zone exists. Nothing moves a health check, and no certificate ends.
"""

from datetime import timedelta
from typing import Any

from tests.account.others import Service
from tests.account.wire import Json, Refusal

_PAGE = 2  # health checks: so few that a stack has several pages


class Route53(Service):
    """Records and health checks, the same in every Region."""

    def change_resource_record_sets(self, HostedZoneId: str, ChangeBatch: Json, **_: Any) -> Json:
        """ChangeResourceRecordSets, which only makes records."""
        zone = self.account.state.records.setdefault(HostedZoneId, [])
        for change in ChangeBatch["Changes"]:
            record = change["ResourceRecordSet"]
            made = {**record, "Name": f"{record['Name'].rstrip('.')}."}
            if _order(made) in map(_order, zone):
                raise Refusal("InvalidChangeBatch", f"{record['Name']} already exists")
            zone.append(made)
        told = {"Id": "/change/C0", "Status": "INSYNC", "SubmittedAt": self.account.now()}
        return {"ChangeInfo": told}

    def list_resource_record_sets(
        self,
        HostedZoneId: str,
        StartRecordName: str = "",
        StartRecordType: str = "",
        StartRecordIdentifier: str = "",
        MaxItems: str = "300",
        **_: Any,
    ) -> Json:
        """ListResourceRecordSets, from a record on."""
        first = (_labels(StartRecordName), StartRecordType, StartRecordIdentifier)
        zone = sorted(self.account.state.records.get(HostedZoneId, ()), key=_order)
        found = [one for one in zone if _order(one) >= first]
        most = int(MaxItems)
        return {
            "ResourceRecordSets": found[:most],
            "IsTruncated": len(found) > most,
            "MaxItems": MaxItems,
        }

    def create_health_check(self, CallerReference: str, HealthCheckConfig: Json, **_: Any) -> Json:
        """CreateHealthCheck."""
        made: Json = {
            "Id": self.account.hex(32),
            "CallerReference": CallerReference,
            "HealthCheckConfig": {"Disabled": False, "Inverted": False, **HealthCheckConfig},
            "HealthCheckVersion": 1,
        }
        self.account.state.health_checks[made["Id"]] = made
        return {"HealthCheck": made, "Location": f"https://route53.amazonaws.com/{made['Id']}"}

    def list_health_checks(self, Marker: str = "", **_: Any) -> Json:
        """ListHealthChecks, in pages."""
        found = list(self.account.state.health_checks.values())
        start = int(Marker or 0)
        page = {"Marker": Marker, "MaxItems": str(_PAGE)}
        more = start + _PAGE < len(found)
        if more:
            page["NextMarker"] = str(start + _PAGE)
        return {"HealthChecks": found[start : start + _PAGE], "IsTruncated": more, **page}

    def update_health_check(self, HealthCheckId: str, **given: Any) -> Json:
        """UpdateHealthCheck."""
        found = self.account.state.health_checks[HealthCheckId]
        found["HealthCheckConfig"] |= given
        found["HealthCheckVersion"] += 1
        return {"HealthCheck": found}

    def change_tags_for_resource(self, **_: Any) -> Json:
        """ChangeTagsForResource; nothing reads them."""
        return {}


def _labels(name: str) -> tuple[str, ...]:
    """Names are in order of their labels, from the last one on."""
    return tuple(reversed(name.rstrip(".").split(".")))


def _order(record: Json) -> tuple[tuple[str, ...], str, str]:
    return _labels(record["Name"]), record["Type"], record.get("SetIdentifier", "")


class Acm(Service):
    """Certificates that moto makes."""

    def describe_certificate(self, CertificateArn: str, **_: Any) -> Json:
        """DescribeCertificate: it is issued, and ends in a year."""
        ends = self.account.now() + timedelta(days=365)
        found = {"CertificateArn": CertificateArn, "Status": "ISSUED", "NotAfter": ends}
        return {"Certificate": found}
