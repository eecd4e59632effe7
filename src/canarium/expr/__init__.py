"""The language of success and failure conditions (expr-lang, as Argo Rollouts configures it).

Owns: reading, checking and running conditions. Must not know: metrics, analysis runs, clocks or networks.
Behaviour follows expr-lang 1.17.8 and Argo Rollouts 1.10; known differences: docs/reference/compatibility.md.
"""

from __future__ import annotations

from canarium.expr.condition import compile, evaluate_condition
from canarium.expr.errors import ExprError
from canarium.expr.evaluator import Program

__all__ = ["ExprError", "Program", "compile", "evaluate_condition"]
