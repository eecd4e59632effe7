"""The steps print as Go prints them, for their hash decides whether a canary starts over."""

from __future__ import annotations

from typing import Any

import pytest

from canarium.kube.podhash import fnv1a, safe_encode
from canarium.rollouts.steptypes import canary_steps_json
from canarium.text.gojson import GoTypeMismatch

ANALYSIS: dict[str, Any] = {
    "templates": [{"templateName": "echo-analysis"}],
    "args": [{"name": "namespace", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
}


def test_the_hash_of_steps_is_upstreams() -> None:
    """Known answer of Argo Rollouts' Go types."""
    steps: list[dict[str, Any]] = [
        {"setWeight": 33},
        {"analysis": ANALYSIS},
        {"setWeight": 66},
        {"pause": {}},
        {"setCanaryScale": {"weight": 0}},
        {"setWeight": 0},
    ]

    assert safe_encode(fnv1a(canary_steps_json(steps).encode())) == "7f487956cc"


@pytest.mark.parametrize(
    ("steps", "printed"),
    [
        pytest.param(None, "null", id="no steps"),
        pytest.param([], "[]", id="empty steps"),
        pytest.param([{}], "[{}]", id="a step without anything"),
        pytest.param([{"setWeight": 0}], '[{"setWeight":0}]', id="a weight of nothing is still a weight"),
        pytest.param([{"analysis": {"args": [{"name": "a", "value": ""}]}}], '[{"analysis":{"args":[{"name":"a"}]}}]'),
        pytest.param(
            [{"experiment": {"templates": [{"specRef": "canary", "name": "b"}]}}],
            '[{"experiment":{"templates":[{"name":"b","specRef":"canary","metadata":{}}],"analysisRunMetadata":{}}}]',
            id="structs are printed even when empty",
        ),
        pytest.param([{"plugin": {"config": {}, "name": "p"}}], '[{"plugin":{"name":"p","config":{}}}]', id="raw"),
        pytest.param([{"setMirrorRoute": {"match": []}}], '[{"setMirrorRoute":{"name":""}}]', id="required name"),
    ],
)
def test_steps_print_as_go_prints_them(steps: Any, printed: str) -> None:
    assert canary_steps_json(steps) == printed


def test_a_wrong_type_is_refused_with_its_path() -> None:
    with pytest.raises(GoTypeMismatch) as caught:
        canary_steps_json([{"setWeight": "33"}])

    assert caught.value.field == "steps[0].setWeight"
