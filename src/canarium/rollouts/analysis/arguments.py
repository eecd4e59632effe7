"""`{{args.name}}` in a metric: where it may stand, what it becomes, and what is said when it cannot be resolved.

Owns: the substitution of a run's arguments in its metrics. Must not know: where secrets are read.
Behaviour follows Argo Rollouts 1.10 `utils/template` over fasttemplate: the metric's JSON text is the template, so
every string of a metric may hold an argument and a stray `{{` runs on to the next `}}` of that JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from canarium.errors import CanariumError
from canarium.kube.objects import Obj
from canarium.rollouts.analysis.gotext import quote

SECRET_PLACEHOLDER: Final = "temp-for-secret"  # noqa: S105  # no secret: what is shown instead of one
"""What stands for a secret while the rules only need to know the shape of a metric, as upstream spells it."""

_FIELD_ORDER: Final[tuple[str, ...]] = (
    "name",
    "interval",
    "initialDelay",
    "count",
    "successCondition",
    "failureCondition",
    "failureLimit",
    "inconclusiveLimit",
    "consecutiveErrorLimit",
    "provider",
    "consecutiveSuccessLimit",
)
"""The order in which Go writes a metric; an error may quote the text that follows a stray `{{`."""

_ESCAPED: Final = str.maketrans({char: f"\\u{ord(char):04x}" for char in "&<>\u2028\u2029"})


class UnresolvedArgument(CanariumError):
    """A metric's arguments cannot be filled in. `problem` is upstream's message."""


def resolve_metric(metric: Obj, args: Sequence[Mapping[str, Any]]) -> Obj:
    """The metric with every `{{args.name}}` replaced (ResolveMetricArgs); the same object if it holds none.

    args: `[{"name": …, "value": …}]`; an extra one is fine, one without value never is. Raises UnresolvedArgument.
    """
    parts = _split(_as_go_json(metric))
    values: dict[str, str] = {}
    for arg in args:
        if arg.get("value") is None:
            raise UnresolvedArgument(
                f'argument "{arg["name"]}" was not supplied',
                field="spec.args",
                next_step=f"Give {arg['name']} a value, or a secretKeyRef.",
            )
        values[f"args.{arg['name']}"] = quote(str(arg["value"]))[1:-1]
    if len(parts) == 1:
        return metric
    try:
        resolved: Obj = json.loads(_fill(parts, values))
    except json.JSONDecodeError as error:
        raise UnresolvedArgument(
            f"invalid character '{error.doc[error.pos + 1 : error.pos + 2]}' in string escape code",
            field="spec.args",
            next_step="An argument holds a character that Go cannot write in JSON, such as a control character.",
        ) from error
    return resolved


def with_placeholders(args: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The arguments with a stand-in for every secret (getResolvedMetricsWithoutSecrets)."""
    return [
        {"name": arg["name"], "value": SECRET_PLACEHOLDER} if secret_of(arg) is not None else dict(arg) for arg in args
    ]


def secret_of(arg: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The `secretKeyRef` of an argument, if it has one; it wins over a value beside it."""
    ref: Mapping[str, Any] | None = (arg.get("valueFrom") or {}).get("secretKeyRef")
    return ref


def _as_go_json(metric: Obj) -> str:
    ordered = {key: metric[key] for key in _FIELD_ORDER if metric.get(key) not in (None, "") or key == "name"}
    ordered.update((key, value) for key, value in metric.items() if key not in _FIELD_ORDER)
    provider = metric.get("provider") or {}
    if provider.get("prometheus") is not None:
        ordered["provider"] = {**provider, "prometheus": _prometheus_in_go(provider["prometheus"])}
    text = json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_ESCAPED)


def _prometheus_in_go(spec: Obj) -> Obj:
    """Go's structs are never left out, so `authentication` is always there, after `address` and `query`."""
    ordered = {key: spec[key] for key in ("address", "query") if spec.get(key)}
    ordered["authentication"] = {"sigv4": {}, "oauth2": {}, "basicAuth": {}, **(spec.get("authentication") or {})}
    ordered.update((key, value) for key, value in spec.items() if key not in ("address", "query", "authentication"))
    return ordered


def _split(template: str) -> list[str]:
    """The template cut at its tags: text, tag, text, tag, …, text. Raises UnresolvedArgument for an open end."""
    parts: list[str] = []
    rest = template
    while True:
        text, opened, rest = rest.partition("{{")
        parts.append(text)
        if not opened:
            return parts
        tag, closed, after = rest.partition("}}")
        if not closed:
            raise UnresolvedArgument(
                f'Cannot find end tag="}}}}" in the template={quote(template)} starting from {quote(rest)}',
                next_step="Close the {{ with }}.",
            )
        parts.append(tag)
        rest = after


def _fill(parts: list[str], values: Mapping[str, str]) -> str:
    """The template with a value for every tag: spaces around a name are forgiven, of unknown names the last is told."""
    filled = list(parts)
    unresolved: str | None = None
    for index in range(1, len(parts), 2):
        value = values.get(parts[index].strip())
        if value is None:
            unresolved = parts[index]
        else:
            filled[index] = value
    if unresolved is not None:
        name = unresolved.strip().removeprefix("args.")
        raise UnresolvedArgument(
            f"failed to resolve {{{{{unresolved}}}}}",
            field="spec.metrics",
            next_step=f"Declare an argument named {name} under spec.args of the template, or mend the name.",
        )
    return "".join(filled)
