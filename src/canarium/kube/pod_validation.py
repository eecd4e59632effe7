"""What the API server refuses about pods and pod templates.

Owns: the rules of a pod's spec that a manifest can plausibly break, and what may change about a pod. Pure.
Source: Kubernetes 1.34, pkg/apis/core/validation/validation.go (ValidatePodSpec, ValidatePodUpdate).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from canarium.kube.causes import (
    duplicate,
    forbidden,
    invalid,
    label_name_problems,
    not_negative,
    port_problems,
    required,
    subdomain_problems,
    unsupported,
)
from canarium.kube.objects import Obj
from canarium.kube.patch.merge import equal
from canarium.kube.schema_problems import Cause
from canarium.text.quantity import InvalidQuantity, quantity_nanos

_ENV_NAME = re.compile(r"[ -<>-~]+")
_ENV_RULE = (
    "a valid environment variable name must consist only of printable ASCII characters other than '=', regex used for"
    " validation is '^[ -<>-~]+$'"
)
_PORT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")


def pod_spec_problems(
    spec: Mapping[str, Any], path: str, *, restart: Sequence[str] = ("Always", "Never", "OnFailure")
) -> list[Cause]:
    """What is wrong with a pod's spec. restart: the restart policies its owner allows."""
    causes: list[Cause] = []
    volumes: list[str] = []
    for index, volume in enumerate(spec.get("volumes") or ()):
        causes += _named(volume.get("name"), volumes, f"{path}.volumes[{index}].name")
    containers = spec.get("containers") or []
    if not containers:
        causes.append(required(f"{path}.containers"))
    names: list[str] = []
    for index, container in enumerate(spec.get("initContainers") or ()):
        causes += _container_problems(container, names, volumes, f"{path}.initContainers[{index}]")
    for index, container in enumerate(containers):
        causes += _container_problems(container, names, volumes, f"{path}.containers[{index}]")
    policy = spec.get("restartPolicy", "Always")
    if policy not in restart:
        causes.append(unsupported(f"{path}.restartPolicy", policy, restart))
    if spec.get("dnsPolicy", "ClusterFirst") not in _DNS_POLICIES:
        causes.append(unsupported(f"{path}.dnsPolicy", spec["dnsPolicy"], _DNS_POLICIES))
    causes += not_negative(f"{path}.terminationGracePeriodSeconds", spec.get("terminationGracePeriodSeconds"))
    account = spec.get("serviceAccountName")
    if account:
        causes += [invalid(f"{path}.serviceAccountName", account, problem) for problem in subdomain_problems(account)]
    return causes


def _named(name: Any, taken: list[str], field: str) -> list[Cause]:
    """A label, used once; it joins `taken`."""
    if not isinstance(name, str) or not name:
        return [required(field)]
    is_taken = name in taken
    taken.append(name)
    if is_taken:
        return [duplicate(field, name)]
    return [invalid(field, name, problem) for problem in label_name_problems(name)]


def _container_problems(container: Mapping[str, Any], names: list[str], volumes: list[str], at: str) -> list[Cause]:
    causes = _named(container.get("name"), names, f"{at}.name")
    image = container.get("image")
    if not isinstance(image, str) or not image:
        causes.append(required(f"{at}.image"))
    elif image != image.strip():
        causes.append(invalid(f"{at}.image", image, "must not have leading or trailing whitespace"))
    policy = container.get("imagePullPolicy", "Always")
    if policy not in _PULL_POLICIES:
        causes.append(unsupported(f"{at}.imagePullPolicy", policy, _PULL_POLICIES))
    causes += _resource_problems(container.get("resources") or {}, f"{at}.resources")
    if container.get("ports"):
        causes += _ports_problems(container["ports"], f"{at}.ports")
    for index, variable in enumerate(container.get("env") or ()):
        field, name = f"{at}.env[{index}]", variable.get("name")
        if not name:
            causes.append(required(f"{field}.name"))
        elif not _ENV_NAME.fullmatch(name):
            causes.append(invalid(f"{field}.name", name, _ENV_RULE))
        if variable.get("value") and variable.get("valueFrom"):
            causes.append(invalid(f"{field}.valueFrom", "", "may not be specified when `value` is not empty"))
    paths: list[str] = []
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        field, name, where = f"{at}.volumeMounts[{index}]", mount.get("name"), mount.get("mountPath")
        if not name:
            causes.append(required(f"{field}.name"))
        elif name not in volumes:
            causes.append((f"{field}.name", "FieldValueNotFound", f'Not found: "{name}"'))
        if not where:
            causes.append(required(f"{field}.mountPath"))
        elif where in paths:
            causes.append(invalid(f"{field}.mountPath", where, "must be unique"))
        paths.append(where)
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            causes += _probe_problems(container[name], f"{at}.{name}")
    return causes


def _resource_problems(resources: Mapping[str, Any], at: str) -> list[Cause]:
    """Quantities below zero, and requests above their limits. What is no quantity is the schema's to refuse."""
    causes: list[Cause] = []
    limits = resources.get("limits") or {}
    for part in ("limits", "requests"):
        for name, quantity in (resources.get(part) or {}).items():
            nanos = _nanos(quantity)
            if nanos is None:
                continue
            if nanos < 0:
                causes.append(invalid(f"{at}.{part}[{name}]", quantity, "must be greater than or equal to 0"))
            limit = _nanos(limits.get(name))
            if part == "requests" and limit is not None and nanos > limit:
                words = f"must be less than or equal to {name} limit of {limits[name]}"
                causes.append(invalid(f"{at}.requests", quantity, words))
    return causes


def _nanos(quantity: Any) -> int | None:
    try:
        return None if quantity is None else quantity_nanos(str(quantity))
    except InvalidQuantity:
        return None


def _ports_problems(ports: Sequence[Mapping[str, Any]], at: str) -> list[Cause]:
    causes: list[Cause] = []
    names: list[str] = []
    for index, port in enumerate(ports):
        field, name = f"{at}[{index}]", port.get("name")
        if name:
            if len(name) > 15:
                causes.append(invalid(f"{field}.name", name, "must be no more than 15 characters"))
            if not _PORT_NAME.fullmatch(name):
                message = "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
                causes.append(invalid(f"{field}.name", name, message))
            elif not re.search("[a-z]", name):
                causes.append(invalid(f"{field}.name", name, "must contain at least one letter (a-z)"))
            if name in names:
                causes.append(duplicate(f"{field}.name", name))
            names.append(name)
        if not port.get("containerPort"):
            causes.append(required(f"{field}.containerPort"))
        else:
            causes += port_problems(f"{field}.containerPort", port["containerPort"])
        if port.get("hostPort"):
            causes += port_problems(f"{field}.hostPort", port["hostPort"])
        if port.get("protocol", "TCP") not in ("SCTP", "TCP", "UDP"):
            causes.append(unsupported(f"{field}.protocol", port["protocol"], ("SCTP", "TCP", "UDP")))
    return causes


def _probe_problems(probe: Mapping[str, Any], at: str) -> list[Cause]:
    causes: list[Cause] = []
    handlers = [name for name in ("exec", "httpGet", "tcpSocket", "grpc") if probe.get(name) is not None]
    if not handlers:
        causes.append(required(at, "must specify a handler type"))
    causes += [forbidden(f"{at}.{name}", "may not specify more than 1 handler type") for name in handlers[1:]]
    for name in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        causes += not_negative(f"{at}.{name}", probe.get(name))
    if not at.endswith("readinessProbe") and probe.get("successThreshold", 1) != 1:
        causes.append(invalid(f"{at}.successThreshold", probe["successThreshold"], "must be 1"))
    return causes


_MAY_CHANGE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod_change_problems(pod: Obj, old: Obj) -> list[Cause]:
    """What may not change about a pod. That it gets its node is the scheduler's doing, and may happen once."""
    spec, former = pod.get("spec") or {}, old.get("spec") or {}
    if spec is former or equal(spec, former):
        return []
    for name in ("containers", "initContainers"):
        if len(spec.get(name) or ()) != len(former.get(name) or ()):
            return [forbidden(f"spec.{name}", "pod updates may not add or remove containers")]
    causes: list[Cause] = []
    wanted = dict(spec)
    for name in ("containers", "initContainers"):
        if name in spec:
            wanted[name] = [
                {**new, "image": was.get("image")} for new, was in zip(spec[name], former.get(name) or (), strict=True)
            ]
    wanted.pop("activeDeadlineSeconds", None)
    if "activeDeadlineSeconds" in former:
        wanted["activeDeadlineSeconds"] = former["activeDeadlineSeconds"]
    if "nodeName" not in former:
        wanted.pop("nodeName", None)
    tolerations, had = spec.get("tolerations") or [], former.get("tolerations") or []
    if all(one in tolerations for one in had):
        wanted.pop("tolerations", None)
        if "tolerations" in former:
            wanted["tolerations"] = had
    changed = [
        f"spec.{name}"
        for name in sorted(wanted.keys() | former.keys())
        if name not in wanted or name not in former or not equal(wanted[name], former[name])
    ]
    if changed:
        # Upstream shows the difference as a diff of Go structs; the fields' names say it shorter.
        causes.append(forbidden("spec", f"{_MAY_CHANGE}\n{', '.join(changed)}"))
    return causes
