"""A container's environment, as the kubelet makes it out of the pod, ConfigMaps, Secrets and Services.

Owns: service variables, `envFrom`, `env`, `$(VAR)`, the downward API, and which names a real process is not given.
Must not know: processes, sockets, the API; what it needs is handed in.
Behaviour follows Kubernetes 1.34 (pkg/kubelet/kubelet_pods.go, pkg/kubelet/envvars, pkg/api/v1/resource). On purpose
different: addresses and ports are the real ones on this machine, and names that make a program load or run somebody
else's code are left out. Values never appear in errors and notes: any of them may come from a Secret.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from canarium.kube.objects import Obj, annotations_of, labels_of
from canarium.nodes.runtime import StartRefused
from canarium.text.quantity import NANOS_PER_UNIT, quantity_nanos


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where things really are on this machine.

    pod_ip: the pod's own loopback address; host_ip: the node's. place: the real host and port behind a cluster address
    and port, for every Service that has a cluster IP.
    """

    pod_ip: str
    host_ip: str
    place: Callable[[str, int], tuple[str, int]]


def container_environment(
    pod: Obj,
    container: Mapping[str, Any],
    *,
    config_map: Callable[[str], Obj | None],
    secret: Callable[[str], Obj | None],
    services: Iterable[Obj],
    addresses: Addresses,
    allocatable: Mapping[str, str] | None = None,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables by name, and what the user should be told about them (sentences for an event).

    config_map, secret: an object of the pod's namespace by name, None when there is none. services: at least those of
    the pod's namespace and `default/kubernetes`; others are ignored. allocatable: the node's, for limits that are not
    set. Raises StartRefused in the kubelet's words.
    """
    making = _Making(pod, container, config_map, secret, addresses, allocatable or {})
    links = _service_links(pod, services, addresses)
    declared, notes = making.from_sources()
    for entry in container.get("env") or ():
        name, text = entry["name"], entry.get("value") or ""
        if text:
            text = expand(text, {**links, **declared})
        elif entry.get("valueFrom"):
            found = making.referenced(entry["valueFrom"])
            if found is None:
                continue  # optional, and not there
            text = found
        links.pop(name, None)
        declared[name] = text
    dropped = sorted(name for name in declared if not may_be_set(name))
    if dropped:
        words = f"Environment variables [{', '.join(dropped)}] are not given to the process on this machine."
        notes.append(f"{words} Set them for its image in canarium.yaml if it needs them.")
    given = {**links, **{name: value for name, value in declared.items() if may_be_set(name)}}
    for name, value in given.items():
        _check_value(name, value)
    return dict(sorted(given.items())), tuple(notes)


_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`text` with each `$(NAME)` replaced; unknown names stay as they are, `$$` is a single `$`."""

    def replacement(found: re.Match[str]) -> str:
        return "$" if found[1] is None else variables.get(found[1], found[0])

    return _REFERENCE.sub(replacement, text) if "$" in text else text


_DROPPED = frozenset(
    (
        *("PATH", "GCONV_PATH", "GLIBC_TUNABLES"),
        *("ENV", "BASH_ENV", "BASHOPTS", "SHELLOPTS", "PS4"),
        *("NODE_OPTIONS", "NODE_PATH"),
        *("PERL5OPT", "PERL5LIB", "PERL5DB", "RUBYOPT", "RUBYLIB"),
        *("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH", "DOTNET_STARTUP_HOOKS"),
    )
)
_DROPPED_PREFIXES = ("LD_", "DYLD_", "PYTHON", "BASH_FUNC_", "CANARIUM_")


def may_be_set(name: str) -> bool:
    """Whether a manifest may set this variable of a real process.

    Loaders, interpreters and shells load or run what the dropped ones name; `CANARIUM_*` is how processes are known.
    Service variables need no such look: they are addresses, and end in `_SERVICE_HOST`, `_PORT` and the like.
    """
    return name == "CANARIUM_CHAOS" or not (name in _DROPPED or name.startswith(_DROPPED_PREFIXES))


def is_variable_name(name: str) -> bool:
    """Whether it can be a variable's name at all (validation.IsRelaxedEnvVarName)."""
    return bool(name) and name.isascii() and name.isprintable() and "=" not in name


def _check_value(name: str, value: str) -> None:
    """Refuse what no process can be given. The value itself is not shown."""
    if "\0" in value:
        problem = f'environment variable "{name}" contains a NUL byte'
        raise StartRefused("RunContainerError", problem, is_started=True)
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise StartRefused("CreateContainerError", f'environment variable "{name}" is not UTF-8 text')


def _refused(problem: str) -> StartRefused:
    return StartRefused("CreateContainerConfigError", problem)


# Service variables


def _service_links(pod: Obj, services: Iterable[Obj], addresses: Addresses) -> dict[str, str]:
    """The variables of the Services that a pod is told of; `default/kubernetes` always is one."""
    namespace = pod["metadata"].get("namespace", "")
    has_links = pod["spec"].get("enableServiceLinks", True)
    chosen: dict[str, Obj] = {}
    for service in services:
        metadata = service["metadata"]
        if service["spec"].get("clusterIP") in (None, "", "None") or not service["spec"].get("ports"):
            continue
        if metadata.get("namespace") == "default" and metadata["name"] == "kubernetes":
            chosen.setdefault("kubernetes", service)
        elif metadata.get("namespace") == namespace and has_links:
            chosen[metadata["name"]] = service
    links: dict[str, str] = {}
    for name in sorted(chosen):
        links.update(_links_of(chosen[name], addresses.place))
    return links


def _links_of(service: Obj, place: Callable[[str, int], tuple[str, int]]) -> dict[str, str]:
    """The variables of one Service. Names have the declared ports, values the real ones."""
    name, cluster_ip = _variable(service["metadata"]["name"]), service["spec"]["clusterIP"]
    ports = service["spec"]["ports"]
    places = [place(cluster_ip, int(port["port"])) for port in ports]
    host, first = places[0]
    links = {f"{name}_SERVICE_HOST": host, f"{name}_SERVICE_PORT": str(first)}
    for port, (_, number) in zip(ports, places, strict=True):
        if port.get("name"):
            links[f"{name}_SERVICE_PORT_{_variable(port['name'])}"] = str(number)
    for index, (port, (host, number)) in enumerate(zip(ports, places, strict=True)):
        protocol = port.get("protocol") or "TCP"
        url = f"{protocol.lower()}://{host}:{number}"
        if index == 0:
            links[f"{name}_PORT"] = url
        prefix = f"{name}_PORT_{port['port']}_{protocol.upper()}"
        links[prefix] = url
        links[f"{prefix}_PROTO"] = protocol.lower()
        links[f"{prefix}_PORT"] = str(number)
        links[f"{prefix}_ADDR"] = host
    return links


def _variable(name: str) -> str:
    made = name.replace(".", "_").replace("-", "_").upper()
    return f"_{made}" if made[:1].isdigit() else made


# What entries refer to

_SUBSCRIPTED = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")


class _Making:
    """Reads what one container's entries refer to."""

    def __init__(
        self,
        pod: Obj,
        container: Mapping[str, Any],
        config_map: Callable[[str], Obj | None],
        secret: Callable[[str], Obj | None],
        addresses: Addresses,
        allocatable: Mapping[str, str],
    ) -> None:
        self.pod = pod
        self.namespace = str(pod["metadata"].get("namespace", ""))
        self.container = container
        self.config_map = config_map
        self.secret = secret
        self.addresses = addresses
        self.allocatable = allocatable

    def from_sources(self) -> tuple[dict[str, str], list[str]]:
        """The variables of `envFrom`, and notes about keys that are no names. A later source wins."""
        declared: dict[str, str] = {}
        notes: list[str] = []
        for source in self.container.get("envFrom") or ():
            kind = "configMap" if source.get("configMapRef") else "secret"
            reference = source.get("configMapRef") or source.get("secretRef")
            if not reference:
                continue
            data = self._data(kind, reference)
            if data is None:
                continue
            prefix = source.get("prefix") or ""
            invalid = sorted(prefix + key for key in data if not is_variable_name(prefix + key))
            if invalid:
                notes.append(
                    f"Keys [{', '.join(invalid)}] from the EnvFrom {kind} {self.namespace}/{reference['name']} were "
                    "skipped since they are considered invalid environment variable names."
                )
            for key in sorted(data):
                if is_variable_name(prefix + key):
                    declared[prefix + key] = self._text(kind, reference["name"], key, data[key])
        return declared, notes

    def referenced(self, source: Mapping[str, Any]) -> str | None:
        """The value that `valueFrom` names; None for an optional one that is not there."""
        if field := source.get("fieldRef"):
            return self._field(str(field["fieldPath"]))
        if resource := source.get("resourceFieldRef"):
            return self._resource(resource)
        for kind, of in (("configMap", "configMapKeyRef"), ("secret", "secretKeyRef")):
            if reference := source.get(of):
                return self._key(kind, reference)
        return ""

    def _key(self, kind: str, reference: Mapping[str, Any]) -> str | None:
        name, key = reference.get("name", ""), reference["key"]
        data = self._data(kind, reference)
        if data is None:
            return None
        if key not in data:
            if reference.get("optional"):
                return None
            title = "ConfigMap" if kind == "configMap" else "Secret"
            raise _refused(f"couldn't find key {key} in {title} {self.namespace}/{name}")
        return self._text(kind, name, key, data[key])

    def _data(self, kind: str, reference: Mapping[str, Any]) -> Mapping[str, str] | None:
        """`data` of the object; None when it is optional and not there."""
        name = reference.get("name", "")
        found = (self.config_map if kind == "configMap" else self.secret)(name)
        if found is None:
            if reference.get("optional"):
                return None
            raise _refused(f'{kind.lower()} "{name}" not found')
        return found.get("data") or {}

    def _text(self, kind: str, name: str, key: str, value: str) -> str:
        if kind == "configMap":
            return value
        try:
            return base64.b64decode(value, validate=True).decode(errors="surrogateescape")
        except (binascii.Error, ValueError):
            # The API refuses such a Secret. What was decoded is part of the cause, so the cause is not kept.
            raise _refused(f"key {key} in Secret {self.namespace}/{name} is not base64") from None

    def _field(self, path: str) -> str:
        metadata, spec = self.pod["metadata"], self.pod["spec"]
        match path:
            case "metadata.name" | "metadata.namespace" | "metadata.uid":
                return str(metadata.get(path.removeprefix("metadata."), ""))
            case "spec.nodeName" | "spec.serviceAccountName":
                return str(spec.get(path.removeprefix("spec."), ""))
            case "spec.restartPolicy":
                return str(spec.get("restartPolicy", "Always"))
            case "status.podIP" | "status.podIPs":
                return self.addresses.pod_ip
            case "status.hostIP" | "status.hostIPs":
                return self.addresses.host_ip
        if found := _SUBSCRIPTED.fullmatch(path):
            values = labels_of(self.pod) if found[1] == "labels" else annotations_of(self.pod)
            return values.get(found[2], "")
        raise _refused(f"field label not supported: {path}")

    def _resource(self, reference: Mapping[str, Any]) -> str:
        container = self._container(reference.get("containerName") or "")
        kind, _, resource = str(reference["resource"]).partition(".")
        resources = container.get("resources") or {}
        amount = (resources.get(kind) or {}).get(resource)
        if amount is None and kind == "limits":
            amount = self.allocatable.get(resource)
        unit = NANOS_PER_UNIT // 1000 if resource == "cpu" else NANOS_PER_UNIT
        wanted = _up(quantity_nanos(str(amount or "0")), unit)
        divisor = _up(quantity_nanos(str(reference.get("divisor") or "1")), unit) or NANOS_PER_UNIT // unit
        return str(_up(wanted, divisor))

    def _container(self, name: str) -> Mapping[str, Any]:
        if not name:
            return self.container
        spec = self.pod["spec"]
        for each in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
            if each["name"] == name:
                found: Mapping[str, Any] = each
                return found
        raise _refused(f"container {name} not found")


def _up(number: int, by: int) -> int:
    """number / by, rounded up."""
    return -(-number // by)
