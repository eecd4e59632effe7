"""Which endpoints kube-proxy would send a connection to."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.nodes.backends import Backend, backends, service_port, slices_of


def endpoint(address: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], **({"conditions": conditions} if conditions else {})}


def endpoint_slice(*endpoints: dict[str, Any], service: str = "web", **ports: int) -> dict[str, Any]:
    return {
        "metadata": {"name": f"{service}-x", "labels": {"kubernetes.io/service-name": service}},
        "ports": [{**({"name": name} if name != "unnamed" else {}), "port": port} for name, port in ports.items()],
        "endpoints": list(endpoints),
    }


READY = {"ready": True, "serving": True, "terminating": False}
NOT_READY = {"ready": False, "serving": False, "terminating": False}
DRAINING = {"ready": False, "serving": True, "terminating": True}
ENDING = {"ready": False, "serving": False, "terminating": True}


@pytest.mark.parametrize(
    ("endpoints", "chosen"),
    [
        pytest.param([], [], id="nobody"),
        pytest.param([endpoint("10.244.1.2")], ["10.244.1.2"], id="no conditions: ready"),
        pytest.param([endpoint("10.244.1.3", **READY), endpoint("10.244.1.2", **READY)], [".2", ".3"], id="in order"),
        pytest.param([endpoint("10.244.1.2", **NOT_READY)], [], id="not ready"),
        pytest.param([endpoint("10.244.1.2", **READY), endpoint("10.244.1.3", **DRAINING)], [".2"], id="ready wins"),
        pytest.param([endpoint("10.244.1.2", **NOT_READY), endpoint("10.244.1.3", **DRAINING)], [".3"], id="draining"),
        pytest.param([endpoint("10.244.1.2", **ENDING)], [], id="ending and deaf"),
    ],
)
def test_ready_endpoints_are_chosen_and_draining_ones_only_when_none_is(
    endpoints: list[dict[str, Any]], chosen: list[str]
) -> None:
    expected = [(f"10.244.1.{each.rpartition('.')[2]}", 9898) for each in chosen]
    assert backends("http", [endpoint_slice(*endpoints, http=9898)]) == expected


@pytest.mark.parametrize(
    ("port_name", "chosen"),
    [
        pytest.param("http", [("10.244.1.2", 80), ("10.244.1.3", 8080)], id="each slice has its own number"),
        pytest.param("metrics", [("10.244.1.2", 9797)], id="a port that only one slice has"),
        pytest.param("", [("10.244.1.3", 7)], id="the port without a name"),
        pytest.param("grpc", [], id="no such port"),
    ],
)
def test_ports_are_found_by_name_in_every_slice(port_name: str, chosen: list[Backend]) -> None:
    slices = [
        endpoint_slice(endpoint("10.244.1.3"), http=8080, unnamed=7),
        endpoint_slice(endpoint("10.244.1.2"), http=80, metrics=9797),
    ]
    assert backends(port_name, slices) == chosen


def test_draining_endpoints_of_one_slice_do_not_count_while_another_has_ready_ones() -> None:
    slices = [
        endpoint_slice(endpoint("10.244.1.2", **DRAINING), http=1),
        endpoint_slice(endpoint("10.244.1.3"), http=1),
    ]

    assert backends("http", slices) == [("10.244.1.3", 1)]


def test_slices_and_ports_belong_to_services_by_label_and_number() -> None:
    web, other = endpoint_slice(service="web"), endpoint_slice(service="other")
    service = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80, "name": "http"}, {"port": 443}]}}

    assert slices_of(service, [other, web, {"metadata": {"name": "web"}}]) == [web]
    assert service_port(service, 443) == {"port": 443}
    assert service_port(service, 81) is None
    assert service_port({"metadata": {"name": "no-ports"}, "spec": {}}, 80) is None
