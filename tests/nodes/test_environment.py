"""What a container finds in its environment, as the kubelet makes it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from canarium.nodes.environment import Addresses, container_environment, expand, may_be_set
from canarium.nodes.runtime import StartRefused

POD: dict[str, Any] = {
    "metadata": {
        "name": "web-1",
        "namespace": "shop",
        "uid": "u-1",
        "labels": {"app": "web", "example.com/tier": "front"},
        "annotations": {"note": "hello"},
    },
    "spec": {
        "nodeName": "node-1",
        "serviceAccountName": "default",
        "containers": [{"name": "c"}, {"name": "side", "resources": {"limits": {"cpu": "1500m", "memory": "1Gi"}}}],
    },
}
CONFIG_MAPS = {"settings": {"data": {"LOG_LEVEL": "debug", "2x": "two", "LD_PRELOAD": "evil.so"}}}
SECRET_TEXT = "hunter2"
SECRETS = {
    "keys": {"data": {"password": base64.b64encode(SECRET_TEXT.encode()).decode()}},
    "odd": {
        "data": {
            "nul": base64.b64encode(SECRET_TEXT.encode() + b"\0").decode(),
            "bytes": base64.b64encode(SECRET_TEXT.encode() + b"\xff").decode(),
        }
    },
}


def service(name: str, ip: str, *ports: dict[str, Any], namespace: str = "shop") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": ip, "ports": list(ports)}}


KUBERNETES = service("kubernetes", "10.96.0.1", {"name": "https", "port": 443}, namespace="default")


def place(ip: str, port: int) -> tuple[str, int]:
    return ip.replace("10.", "127.", 1), port if port >= 1024 else port + 40000


def environment(
    *env: dict[str, Any], pod: dict[str, Any] = POD, services: tuple[dict[str, Any], ...] = (), **container: Any
) -> tuple[dict[str, str], tuple[str, ...]]:
    return container_environment(
        pod,
        {"name": "c", "env": list(env), **container},
        config_map=CONFIG_MAPS.get,
        secret=SECRETS.get,
        services=services,
        addresses=Addresses(pod_ip="127.244.1.3", host_ip="127.0.0.1", place=place),
        allocatable={"cpu": "4", "memory": "8Gi"},
    )


def from_(**source: Any) -> dict[str, Any]:
    return {"name": "X", "valueFrom": source}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("$(A)", "1"),
        ("a$(A)b$(A)", "a1b1"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$$$$(A)", "$$(A)"),
        ("$(A", "$(A"),
        ("$A ${A} $", "$A ${A} $"),
        ("$()", "$()"),
        ("$(B)", "$(A)"),
    ],
)
def test_references_are_expanded_once_and_unknown_ones_stay(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1", "B": "$(A)"}) == expanded


def test_variables_refer_to_earlier_ones_only() -> None:
    env, _ = environment(
        {"name": "URL", "value": "http://$(HOST)/"},
        {"name": "HOST", "value": "web"},
        {"name": "LATER", "value": "http://$(HOST)/$(LOG_LEVEL)"},
        {"name": "EMPTY"},
        envFrom=[{"configMapRef": {"name": "settings"}}],
    )

    assert env["URL"] == "http://$(HOST)/"
    assert env["LATER"] == "http://web/debug"
    assert env["EMPTY"] == ""


def test_a_service_gives_the_real_host_and_ports_under_the_declared_names() -> None:
    web = service(
        "my-web", "10.96.3.4", {"name": "http-api", "port": 80}, {"name": "dns", "port": 9053, "protocol": "UDP"}
    )

    env, _ = environment({"name": "URL", "value": "$(MY_WEB_SERVICE_HOST):$(MY_WEB_SERVICE_PORT)"}, services=(web,))

    assert env == {
        "URL": "127.96.3.4:40080",
        "MY_WEB_SERVICE_HOST": "127.96.3.4",
        "MY_WEB_SERVICE_PORT": "40080",
        "MY_WEB_SERVICE_PORT_HTTP_API": "40080",
        "MY_WEB_SERVICE_PORT_DNS": "9053",
        "MY_WEB_PORT": "tcp://127.96.3.4:40080",
        "MY_WEB_PORT_80_TCP": "tcp://127.96.3.4:40080",
        "MY_WEB_PORT_80_TCP_PROTO": "tcp",
        "MY_WEB_PORT_80_TCP_PORT": "40080",
        "MY_WEB_PORT_80_TCP_ADDR": "127.96.3.4",
        "MY_WEB_PORT_9053_UDP": "udp://127.96.3.4:9053",
        "MY_WEB_PORT_9053_UDP_PROTO": "udp",
        "MY_WEB_PORT_9053_UDP_PORT": "9053",
        "MY_WEB_PORT_9053_UDP_ADDR": "127.96.3.4",
    }


def hosts(env: dict[str, str]) -> set[str]:
    return {name for name in env if name.endswith("_SERVICE_HOST")}


@pytest.mark.parametrize(
    ("has_links", "seen"),
    [(True, {"KUBERNETES_SERVICE_HOST", "WEB_SERVICE_HOST"}), (False, {"KUBERNETES_SERVICE_HOST"})],
)
def test_services_of_the_namespace_and_the_api_server_are_seen(has_links: bool, seen: set[str]) -> None:
    services = (
        KUBERNETES,
        service("web", "10.96.3.4", {"port": 80}),
        service("headless", "None", {"port": 80}),
        service("external", "", {"port": 80}),
        service("foreign", "10.96.3.5", {"port": 80}, namespace="other"),
    )

    env, _ = environment(pod={**POD, "spec": {**POD["spec"], "enableServiceLinks": has_links}}, services=services)

    assert hosts(env) == seen


def test_a_namespace_that_has_a_service_kubernetes_sees_its_own() -> None:
    own = service("kubernetes", "10.96.9.9", {"port": 8443})

    env, _ = environment(services=(own, KUBERNETES))

    assert env["KUBERNETES_SERVICE_HOST"] == "127.96.9.9"


def test_a_service_whose_name_begins_like_a_dropped_one_is_still_seen() -> None:
    env, notes = environment(services=(service("python-api", "10.96.3.4", {"port": 8080}),))

    assert env["PYTHON_API_SERVICE_HOST"] == "127.96.3.4"
    assert notes == ()


def test_env_wins_over_env_from_and_both_over_services() -> None:
    env, _ = environment(
        {"name": "LOG_LEVEL", "value": "info"},
        {"name": "WEB_PORT", "value": "1"},
        envFrom=[{"configMapRef": {"name": "settings"}}],
        services=(service("web", "10.96.3.4", {"port": 80}),),
    )

    assert env["LOG_LEVEL"] == "info"
    assert env["WEB_PORT"] == "1"


def test_env_from_takes_a_prefix_and_secrets() -> None:
    env, notes = environment(
        envFrom=[
            {"prefix": "S_", "secretRef": {"name": "keys"}},
            {"prefix": "P_", "configMapRef": {"name": "settings"}},
        ]
    )

    assert env == {"S_password": SECRET_TEXT, "P_2x": "two", "P_LD_PRELOAD": "evil.so", "P_LOG_LEVEL": "debug"}
    assert notes == ()


def test_keys_that_are_no_names_are_skipped_and_said() -> None:
    env, notes = environment(envFrom=[{"prefix": "a=", "secretRef": {"name": "keys"}}])

    assert env == {}
    assert notes == (
        "Keys [a=password] from the EnvFrom secret shop/keys were skipped since they are considered invalid "
        "environment variable names.",
    )


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"fieldRef": {"fieldPath": "metadata.name"}}, "web-1"),
        ({"fieldRef": {"fieldPath": "metadata.namespace"}}, "shop"),
        ({"fieldRef": {"fieldPath": "metadata.uid"}}, "u-1"),
        ({"fieldRef": {"fieldPath": "metadata.labels['example.com/tier']"}}, "front"),
        ({"fieldRef": {"fieldPath": "metadata.labels['absent']"}}, ""),
        ({"fieldRef": {"fieldPath": "metadata.annotations['note']"}}, "hello"),
        ({"fieldRef": {"fieldPath": "spec.nodeName"}}, "node-1"),
        ({"fieldRef": {"fieldPath": "spec.serviceAccountName"}}, "default"),
        ({"fieldRef": {"fieldPath": "status.podIP"}}, "127.244.1.3"),
        ({"fieldRef": {"fieldPath": "status.podIPs"}}, "127.244.1.3"),
        ({"fieldRef": {"fieldPath": "status.hostIP"}}, "127.0.0.1"),
        ({"configMapKeyRef": {"name": "settings", "key": "LOG_LEVEL"}}, "debug"),
        ({"secretKeyRef": {"name": "keys", "key": "password"}}, SECRET_TEXT),
        ({"resourceFieldRef": {"containerName": "side", "resource": "limits.cpu"}}, "2"),
        ({"resourceFieldRef": {"containerName": "side", "resource": "limits.cpu", "divisor": "1m"}}, "1500"),
        ({"resourceFieldRef": {"containerName": "side", "resource": "limits.memory"}}, "1073741824"),
        ({"resourceFieldRef": {"containerName": "side", "resource": "limits.memory", "divisor": "1Mi"}}, "1024"),
        ({"resourceFieldRef": {"containerName": "side", "resource": "limits.memory", "divisor": "1G"}}, "2"),
        ({"resourceFieldRef": {"containerName": "side", "resource": "limits.cpu", "divisor": "0"}}, "2"),
        ({"resourceFieldRef": {"resource": "limits.cpu"}}, "4"),
        ({"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Gi"}}, "8"),
        ({"resourceFieldRef": {"resource": "requests.cpu"}}, "0"),
    ],
    ids=str,
)
def test_a_reference_has_the_value_of_what_it_names(source: dict[str, Any], value: str) -> None:
    env, notes = environment(from_(**source))

    assert env == {"X": value}
    assert notes == ()


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"envFrom": [{"configMapRef": {"name": "x"}}]}, 'configmap "x" not found'),
        ({"envFrom": [{"secretRef": {"name": "x"}}]}, 'secret "x" not found'),
        ({"env": [from_(configMapKeyRef={"name": "x", "key": "k"})]}, 'configmap "x" not found'),
        (
            {"env": [from_(configMapKeyRef={"name": "settings", "key": "k"})]},
            "couldn't find key k in ConfigMap shop/settings",
        ),
        ({"env": [from_(secretKeyRef={"name": "x", "key": "k"})]}, 'secret "x" not found'),
        ({"env": [from_(secretKeyRef={"name": "keys", "key": "k"})]}, "couldn't find key k in Secret shop/keys"),
        ({"env": [from_(resourceFieldRef={"containerName": "x", "resource": "limits.cpu"})]}, "container x not found"),
        ({"env": [from_(fieldRef={"fieldPath": "spec.x"})]}, "field label not supported: spec.x"),
    ],
)
def test_what_is_missing_refuses_the_start_in_the_kubelets_words(container: dict[str, Any], words: str) -> None:
    with pytest.raises(StartRefused) as refused:
        environment(**{"env": [], **container})

    assert (refused.value.reason, str(refused.value), refused.value.is_started) == (
        "CreateContainerConfigError",
        words,
        False,
    )


@pytest.mark.parametrize(
    "container",
    [
        {"envFrom": [{"configMapRef": {"name": "x", "optional": True}}]},
        {"envFrom": [{"secretRef": {"name": "x", "optional": True}}]},
        {"env": [from_(configMapKeyRef={"name": "x", "key": "k", "optional": True})]},
        {"env": [from_(configMapKeyRef={"name": "settings", "key": "k", "optional": True})]},
        {"env": [from_(secretKeyRef={"name": "keys", "key": "k", "optional": True})]},
    ],
)
def test_what_is_optional_may_be_missing(container: dict[str, Any]) -> None:
    assert environment(**{"env": [], **container}) == ({}, ())


@pytest.mark.parametrize(("key", "reason"), [("nul", "RunContainerError"), ("bytes", "CreateContainerError")])
def test_a_secret_that_no_process_can_be_given_is_refused_without_showing_it(key: str, reason: str) -> None:
    with pytest.raises(StartRefused, match='environment variable "X"') as refused:
        environment(from_(secretKeyRef={"name": "odd", "key": key}))

    assert refused.value.reason == reason
    assert SECRET_TEXT not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        *("LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "GCONV_PATH", "PATH"),
        *("PYTHONPATH", "PYTHONSTARTUP", "NODE_OPTIONS", "PERL5OPT", "PERL5LIB", "RUBYOPT", "JAVA_TOOL_OPTIONS"),
        *("BASH_ENV", "ENV", "BASH_FUNC_ls%%", "CANARIUM_RUN", "CANARIUM_IMAGE"),
    ],
)
def test_what_makes_a_program_load_other_code_is_dropped_and_said(name: str) -> None:
    env, notes = environment({"name": name, "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}})

    assert env == {}
    assert len(notes) == 1
    assert f"[{name}]" in notes[0]
    assert SECRET_TEXT not in notes[0]


@pytest.mark.parametrize("name", ["CANARIUM_CHAOS", "APP_PATH", "ENVIRONMENT", "HOME", "LDAP_URL", "http_proxy"])
def test_other_names_are_kept(name: str) -> None:
    assert may_be_set(name)


def test_names_dropped_from_a_config_map_are_said_too() -> None:
    env, notes = environment(envFrom=[{"configMapRef": {"name": "settings"}}])

    assert env == {"LOG_LEVEL": "debug", "2x": "two"}
    assert notes == (
        "Environment variables [LD_PRELOAD] are not given to the process on this machine. Set them for its image in "
        "canarium.yaml if it needs them.",
    )
