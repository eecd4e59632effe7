"""What a patch makes of an object is decoded as strictly as an object that is sent whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kube.server.serving import Served, serve_in_thread
from tests.kube.server.test_bad_requests import Asker

NAMESPACED = "/api/v1/namespaces/default"
APPS = "/apis/apps/v1/namespaces/default"
LABELS = {"app": "x"}
TEMPLATE: dict[str, Any] = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "c:1"}]}}
OBJECTS: dict[str, tuple[str, Any]] = {
    f"{NAMESPACED}/pods": ("Pod", {"spec": TEMPLATE["spec"]}),
    f"{NAMESPACED}/services": ("Service", {"spec": {"ports": [{"port": 80}]}}),
    f"{APPS}/deployments": ("Deployment", {"spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}}),
    f"{APPS}/replicasets": ("ReplicaSet", {"spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}}),
    "/api/v1/nodes": ("Node", {}),
    "/api/v1/namespaces": ("Namespace", {}),
    "/apis/batch/v1/namespaces/default/jobs": (
        "Job",
        {"spec": {"template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}}},
    ),
}
MERGE, STRATEGIC, JSON_PATCH = (
    f"application/{name}+json" for name in ("merge-patch", "strategic-merge-patch", "json-patch")
)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """One server with an object of each kind."""
    with serve_in_thread() as served:
        for path, (_, obj) in OBJECTS.items():
            created = Asker(served)(
                "POST", path, json.dumps({"metadata": {"name": "x"}, **obj}).encode(), Content_Type="application/json"
            )
            assert created.code == 201, created
        yield served


@pytest.fixture
def ask(server: Served) -> Asker:
    return Asker(server)


@pytest.mark.parametrize("path", OBJECTS)
@pytest.mark.parametrize("content_type", [MERGE, STRATEGIC, JSON_PATCH])
@pytest.mark.parametrize("subresource", ["/status", ""])
def test_a_status_of_the_wrong_type_is_refused_by_every_patch(
    ask: Asker, path: str, content_type: str, subresource: str
) -> None:
    before = ask("GET", f"{path}/x").body
    patch: Any = {"status": {"conditions": "x"}}
    if content_type == JSON_PATCH:
        patch = [{"op": "add", "path": "/status", "value": {"conditions": "x"}}]

    answer = ask("PATCH", f"{path}/x{subresource}", json.dumps(patch).encode(), Content_Type=content_type)

    kind = OBJECTS[path][0]
    message = answer.is_status(422, "Invalid")
    assert message.startswith(' "" is invalid: patch: Invalid value: ')
    assert f"json: cannot unmarshal string into Go struct field {kind}Status.status.conditions of type" in message, (
        message
    )
    assert ask("GET", f"{path}/x").body == before


def test_an_item_that_is_null_is_refused(ask: Asker) -> None:
    nothing = b'{"metadata": {"name": "n"}, "spec": {"containers": [null]}}'
    created = ask("POST", f"{NAMESPACED}/pods", nothing, Content_Type="application/json")
    patched = ask("PATCH", f"{NAMESPACED}/pods/x/status", b'{"status": {"conditions": [null]}}', Content_Type=MERGE)

    assert "json: cannot unmarshal null into Go struct field" in created.is_status(400, "BadRequest")
    assert "json: cannot unmarshal null into Go struct field" in patched.is_status(422, "Invalid")


def test_a_strategic_patch_is_quoted_as_go_prints_it(ask: Asker) -> None:
    patch = {"status": {"conditions": "x", "phase": None}}
    answer = ask("PATCH", f"{NAMESPACED}/pods/x/status", json.dumps(patch).encode(), Content_Type=STRATEGIC)
    expected = ' "" is invalid: patch: Invalid value: "map[status:map[conditions:x phase:<nil>]]": json: cannot'
    assert answer.is_status(422, "Invalid").startswith(expected)


def test_an_unknown_field_in_a_patch_is_refused_when_asked_for_strictness(ask: Asker) -> None:
    path = f"{APPS}/deployments/x"
    patch = b'{"spec": {"replicaz": 3}}'

    strict = ask("PATCH", f"{path}?fieldValidation=Strict", patch, Content_Type=MERGE)
    warned = ask("PATCH", f"{path}?fieldValidation=Warn", patch, Content_Type=MERGE)

    assert strict.is_status(422, "Invalid").endswith(': strict decoding error: unknown field "spec.replicaz"')
    assert warned.code == 200
    assert 'unknown field \\"spec.replicaz\\"' in warned.headers["warning"]


@pytest.mark.parametrize(
    ("method", "content_type", "body"),
    [
        ("PATCH", MERGE, b'{"spec": "x"}'),
        ("PATCH", STRATEGIC, b'{"spec": {"replicas": "3"}}'),
        ("PATCH", JSON_PATCH, b'[{"op": "replace", "path": "/spec", "value": []}]'),
        ("PUT", "application/json", b'{"spec": "x"}'),
        ("PUT", "application/json", b'{"spec": {"replicas": 99999999999999}}'),
    ],
)
def test_a_scale_of_the_wrong_type_is_refused(ask: Asker, method: str, content_type: str, body: bytes) -> None:
    answer = ask(method, f"{APPS}/deployments/x/scale", body, Content_Type=content_type)

    code, reason = (422, "Invalid") if method == "PATCH" else (400, "BadRequest")
    assert "json: cannot unmarshal" in answer.is_status(code, reason)


@pytest.mark.parametrize(
    ("subresource", "body"),
    [("binding", b'{"target": "x"}'), ("binding", b'{"metadata": "x"}'), ("eviction", b'{"deleteOptions": "x"}')],
)
def test_what_is_posted_to_a_pod_is_decoded_strictly(ask: Asker, subresource: str, body: bytes) -> None:
    answer = ask("POST", f"{NAMESPACED}/pods/x/{subresource}", body, Content_Type="application/json")

    assert "json: cannot unmarshal string into Go" in answer.is_status(400, "BadRequest")
