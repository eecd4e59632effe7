"""What `kubectl get` shows of services, their endpoints, ingresses and network policies.

Owns: the columns of these kinds. Must not know: how traffic flows.
Source: Kubernetes 1.32, pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from canarium.kube.objects import Obj
from canarium.kube.server.table.age import UNKNOWN
from canarium.kube.server.table.columns import (
    AGE,
    NAME,
    NONE,
    SELECTOR,
    Cells,
    Printer,
    age_of,
    labels_text,
    name_of,
    selector_text,
    shortened,
    spec_of,
    status_of,
    text,
)


def _service_cells(obj: Obj, now: datetime) -> Cells:
    spec = spec_of(obj)
    kind = spec.get("type") or "ClusterIP"
    ips = spec.get("clusterIPs") or [spec.get("clusterIP")]
    ports = ",".join(_port(port) for port in spec.get("ports") or ())
    selector = labels_text(spec.get("selector"))
    external = _external_ip(kind, spec, status_of(obj))
    return [name_of(obj), kind, ips[0] or NONE, external, ports or NONE, age_of(obj, now), selector]


def _port(port: Mapping[str, Any]) -> str:
    protocol = port.get("protocol") or "TCP"
    if port.get("nodePort"):
        return f"{port.get('port')}:{port['nodePort']}/{protocol}"
    return f"{port.get('port')}/{protocol}"


def _external_ip(kind: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    wished = list(spec.get("externalIPs") or ())
    match kind:
        case "ClusterIP" | "NodePort":
            return ",".join(wished) or NONE
        case "LoadBalancer":
            return ",".join([*_balancer_addresses(status), *wished]) or "<pending>"
        case "ExternalName":
            return str(spec.get("externalName", ""))
        case _:
            return UNKNOWN


def _balancer_addresses(status: Mapping[str, Any]) -> list[str]:
    ingress = (status.get("loadBalancer") or {}).get("ingress") or ()
    return sorted({address for one in ingress if (address := one.get("ip") or one.get("hostname"))})


def _endpoints_cells(obj: Obj, now: datetime) -> Cells:
    found: list[str] = []
    for subset in obj.get("subsets") or ():
        ips = [address.get("ip", "") for address in subset.get("addresses") or ()]
        ports = subset.get("ports") or ()
        found += [_host_port(ip, port.get("port", 0)) for port in ports for ip in ips] if ports else ips
    when_empty = "" if obj.get("subsets") else NONE
    return [name_of(obj), shortened(found, when_empty=when_empty), age_of(obj, now)]


def _host_port(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _endpoint_slice_cells(obj: Obj, now: datetime) -> Cells:
    ports = [_slice_port(port) for port in obj.get("ports") or ()]
    addresses = [address for one in obj.get("endpoints") or () for address in one.get("addresses") or ()]
    return [name_of(obj), obj.get("addressType", ""), shortened(ports), shortened(addresses), age_of(obj, now)]


def _slice_port(port: Mapping[str, Any]) -> str:
    if port.get("port") is not None:
        return str(port["port"])
    name = port.get("name")
    return "*" if name is None else str(name)


def _ingress_cells(obj: Obj, now: datetime) -> Cells:
    spec = spec_of(obj)
    address = ",".join(_balancer_addresses(status_of(obj)))
    ports = "80, 443" if spec.get("tls") else "80"
    hosts = _hosts(spec.get("rules") or ())
    return [name_of(obj), spec.get("ingressClassName") or NONE, hosts, address, ports, age_of(obj, now)]


def _hosts(rules: Sequence[Mapping[str, Any]], limit: int = 3) -> str:
    """The first hosts. Upstream counts every rule after the third host, named or not, as one more."""
    hosts: list[str] = []
    for rule in rules:
        if len(hosts) == limit:
            return f"{','.join(hosts)} + {len(rules) - limit} more..."
        if rule.get("host"):
            hosts.append(rule["host"])
    return ",".join(hosts) or "*"


def _ingress_class_cells(obj: Obj, now: datetime) -> Cells:
    parameters = spec_of(obj).get("parameters")
    described = NONE
    if parameters:
        group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") is not None else ""
        described = f"{parameters.get('kind', '')}{group}/{parameters.get('name', '')}"
    return [name_of(obj), spec_of(obj).get("controller", ""), described, age_of(obj, now)]


def _network_policy_cells(obj: Obj, now: datetime) -> Cells:
    return [name_of(obj), selector_text(spec_of(obj).get("podSelector")) or NONE, age_of(obj, now)]


PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "Service"): Printer(
        (NAME, text("Type"), text("Cluster-IP"), text("External-IP"), text("Port(s)"), AGE, SELECTOR), _service_cells
    ),
    ("", "Endpoints"): Printer((NAME, text("Endpoints"), AGE), _endpoints_cells),
    ("discovery.k8s.io", "EndpointSlice"): Printer(
        (NAME, text("AddressType"), text("Ports"), text("Endpoints"), AGE), _endpoint_slice_cells
    ),
    ("networking.k8s.io", "Ingress"): Printer(
        (NAME, text("Class"), text("Hosts"), text("Address"), text("Ports"), AGE), _ingress_cells
    ),
    ("networking.k8s.io", "IngressClass"): Printer(
        (NAME, text("Controller"), text("Parameters"), AGE), _ingress_class_cells
    ),
    ("networking.k8s.io", "NetworkPolicy"): Printer((NAME, text("Pod-Selector"), AGE), _network_policy_cells),
}
