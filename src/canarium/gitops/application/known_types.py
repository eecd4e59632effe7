"""Values that Kubernetes writes in its own way, brought into one form before objects are compared.

Owns: where an object holds a pod template or quantities. Must not know: how objects are compared.
Argo CD 3.6 passes built-in kinds through their Go types, and of a Rollout `spec.template.spec`
(`NewKnownTypesNormalizer`). So `cpu: 0.1` is `100m`, and a `false` that says what is so anyway is no difference. In
other types than those here, amounts stay as they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec.json

from canarium.errors import CanariumError
from canarium.gitops.application.resource_key import group_of
from canarium.kube.objects import Obj
from canarium.kube.podhash import pod_template_json
from canarium.text.quantity import canonical_quantity

_WORKLOADS: Final = ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")
_TEMPLATES: Final[Mapping[tuple[str, str], Sequence[str]]] = {
    ("", "ReplicationController"): ("spec", "template"),
    **{("apps", kind): ("spec", "template") for kind in _WORKLOADS},
    ("batch", "Job"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
}
_POD_SPECS: Final[Mapping[tuple[str, str], Sequence[str]]] = {
    ("", "Pod"): ("spec",),
    ("argoproj.io", "Rollout"): ("spec", "template", "spec"),
}
_QUANTITIES: Final[Mapping[tuple[str, str], Sequence[Sequence[str]]]] = {
    ("", "PersistentVolume"): (("spec", "capacity"),),
    ("", "PersistentVolumeClaim"): (("spec", "resources", "limits"), ("spec", "resources", "requests")),
    ("", "ResourceQuota"): (("spec", "hard"),),
}


def normalized(obj: Obj) -> Obj:
    """A copy in Kubernetes' own form; what could not be read as its type stays as it is."""
    kind = group_of(obj), str(obj.get("kind"))
    made: Obj = obj
    if kind in _TEMPLATES:
        made = _changed(made, _TEMPLATES[kind], _template)
    if kind in _POD_SPECS:
        made = _changed(made, _POD_SPECS[kind], _pod_spec)
    for path in _QUANTITIES.get(kind, ()):
        made = _changed(made, path, _amounts)
    return made


def _changed(value: Any, path: Sequence[str], change: Callable[[dict[str, Any]], Any]) -> Any:
    if not isinstance(value, dict):
        return value
    if not path:
        return change(value)
    head, rest = path[0], path[1:]
    return {**value, head: _changed(value[head], rest, change)} if head in value else value


def _template(template: dict[str, Any]) -> Any:
    try:
        return msgspec.json.decode(pod_template_json(template, flavour="1.9"))
    except CanariumError:
        return template  # the API server will say what is wrong with it


def _pod_spec(spec: dict[str, Any]) -> Any:
    made = _template({"spec": spec})
    return made["spec"]


def _amounts(amounts: dict[str, Any]) -> dict[str, Any]:
    return {name: _amount(amount) for name, amount in amounts.items()}


def _amount(amount: Any) -> Any:
    try:
        return canonical_quantity(str(amount))
    except CanariumError:
        return amount
