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


class UnresolvedArgument(CanariumError):
    """A metric's arguments cannot be filled in. `problem` is upstream's message."""


def resolve_metric(metric: Obj, args: Sequence[Mapping[str, Any]]) -> Obj:
    """The metric with every `{{args.name}}` replaced (ResolveMetricArgs); the same object if it holds none.

    args: `[{"name": …, "value": …}]`; an extra one is fine, one without value never is. Raises UnresolvedArgument.
    """
    text = _as_go_json(metric)
    if "{{" not in text:
        return metric
    values: dict[str, str] = {}
    for arg in args:
        if arg.get("value") is None:
            raise UnresolvedArgument(
                f'argument "{arg["name"]}" was not supplied',
                field="spec.args",
                next_step=f"Give {arg['name']} a value, or a secretKeyRef.",
            )
        values[f"args.{arg['name']}"] = quote(arg["value"])[1:-1]
    try:
        resolved: Obj = json.loads(_substitute(text, values))
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
    ordered = {key: metric[key] for key in _FIELD_ORDER if key in metric}
    ordered.update((key, value) for key, value in metric.items() if key not in ordered)
    text = json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))
    for char, escaped in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(char, escaped)
    return text


def _substitute(template: str, values: Mapping[str, str]) -> str:
    """fasttemplate over `{{`, `}}`: spaces around a name are forgiven, of several unknown names the last is told."""
    out: list[str] = []
    rest = template
    unresolved: str | None = None
    while True:
        text, opened, rest = rest.partition("{{")
        out.append(text)
        if not opened:
            break
        tag, closed, after = rest.partition("}}")
        if not closed:
            raise UnresolvedArgument(
                f'Cannot find end tag="}}}}" in the template={quote(template)} starting from {quote(rest)}',
                next_step="Close the {{ with }}.",
            )
        value = values.get(tag.strip())
        if value is None:
            unresolved = tag
        else:
            out.append(value)
        rest = after
    if unresolved is not None:
        name = unresolved.strip().removeprefix("args.")
        raise UnresolvedArgument(
            f"failed to resolve {{{{{unresolved}}}}}",
            field="spec.metrics",
            next_step=f"Declare an argument named {name} under spec.args of the template, or mend the name.",
        )
    return "".join(out)
