"""What a measured value means: Successful, Failed, Inconclusive, or an error in a condition.

Owns: how successCondition and failureCondition combine. Must not know: the language they are written in (`expr`).
Behaviour follows Argo Rollouts 1.10 `utils/evaluate` EvaluateResult.
"""

from __future__ import annotations

from typing import Any

from canarium.errors import CanariumError
from canarium.expr import ExprError, evaluate_condition
from canarium.kube.objects import Obj


class ConditionError(CanariumError):
    """A condition could not be evaluated on this result. `problem` is upstream's message."""


def evaluate_result(result: Any, metric: Obj) -> str:
    """The phase of a measurement with this result.

    Both conditions are always evaluated, success first. One alone decides both ways; with both, failure wins and
    neither is Inconclusive; with none every result is Successful. Raises ConditionError.
    """
    success, failure = metric.get("successCondition") or "", metric.get("failureCondition") or ""
    is_success = _holds("successCondition", success, result) if success else False
    is_failure = _holds("failureCondition", failure, result) if failure else False
    if not success and not failure:
        return "Successful"
    if not failure:
        is_failure = not is_success
    elif not success:
        is_success = not is_failure
    if is_failure:
        return "Failed"
    return "Successful" if is_success else "Inconclusive"


def _holds(field: str, condition: str, result: Any) -> bool:
    try:
        return evaluate_condition(condition, result)
    except ExprError as error:
        is_empty = result is None or (isinstance(result, list) and not result)
        why = "metric result is nil or empty: no data returned from the metric provider" if is_empty else error.problem
        raise ConditionError(
            f'could not evaluate {field} "{condition}": {why}',
            field=field,
            next_step="Add `or vector(0)` to the query, or test len(result) first." if is_empty else error.next_step,
        ) from error
