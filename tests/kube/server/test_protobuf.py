"""Protobuf bodies: what kubectl and Go write is read as Go would write it in JSON, and nonsense is refused politely."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canarium.kube.cluster import ApiError
from canarium.kube.server.protobuf import MAGIC, decode

TESTDATA = Path(__file__).parent / "testdata"


def kubectl_bodies() -> list[dict[str, Any]]:
    bodies: list[dict[str, Any]] = json.loads((TESTDATA / "kubectl_bodies.json").read_text())["bodies"]
    return bodies


def random_objects() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (TESTDATA / "random_objects.jsonl").read_text().splitlines()[1:]]


def field(number: int, payload: bytes) -> bytes:
    """One length-delimited field of fewer than 128 bytes (or of any size, with a longer length)."""
    size, length = len(payload), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + payload


def enveloped(api_version: str, kind: str, raw: bytes) -> bytes:
    return MAGIC + field(1, field(1, api_version.encode()) + field(2, kind.encode())) + field(2, raw)


@pytest.mark.parametrize("body", kubectl_bodies(), ids=lambda body: body["command"])
def test_what_kubectl_sends_is_read_as_go_reads_it(body: dict[str, Any]) -> None:
    assert decode(bytes.fromhex(body["body"])) == body["object"]


@pytest.mark.parametrize("row", random_objects(), ids=lambda row: row["kind"])
def test_any_object_that_go_writes_is_the_same_in_json(row: dict[str, Any]) -> None:
    assert decode(bytes.fromhex(row["body"])) == row["object"]


def test_fields_come_in_the_order_of_the_type() -> None:
    body = next(body for body in kubectl_bodies() if "nodeport" in body["command"])

    service = decode(bytes.fromhex(body["body"]))

    assert list(service) == ["apiVersion", "kind", "metadata", "spec", "status"]
    assert list(service["spec"]["ports"][0]) == ["name", "protocol", "port", "targetPort"]


def test_a_field_of_a_newer_server_is_skipped() -> None:
    raw = field(1, field(1, b"shop")) + field(15, b"of a later version")

    assert decode(enveloped("v1", "Namespace", raw))["metadata"] == {"name": "shop"}


def test_a_message_in_two_pieces_is_one_message() -> None:
    raw = field(1, field(1, b"settings")) + field(1, field(3, b"shop"))

    assert decode(enveloped("v1", "ConfigMap", raw))["metadata"] == {"name": "settings", "namespace": "shop"}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "does not appear to be a protobuf message"),
        (b'{"kind":"Pod"}', "does not appear to be a protobuf message"),
        (MAGIC, "Object 'Kind' or 'apiVersion' is missing"),
        (MAGIC + b"\x0a\x05abc", "unexpected EOF"),
        (enveloped("argoproj.io/v1alpha1", "Rollout", b""), 'no kind "Rollout" is registered'),
        (enveloped("v1", "Pod", b"\x0a"), 'Pod in version "v1" cannot be handled as a Pod: unexpected EOF'),
        (enveloped("v1", "Pod", b"\x08\x01"), "proto: wrong wireType = 0 for field metadata"),
        (enveloped("v1", "Pod", b"\x0f"), "proto: illegal wireType 7"),
        (enveloped("v1", "Pod", b"\x02\x00"), "proto: illegal tag 0 (wire type 2)"),
        (enveloped("v1", "Pod", b"\xff" * 11), "proto: integer overflow"),
        (enveloped("apps/v1", "ControllerRevision", field(2, field(1, b"{"))), "an embedded value is not JSON"),
    ],
)
def test_a_malformed_body_is_a_bad_request_that_says_why(body: bytes, problem: str) -> None:
    with pytest.raises(ApiError) as refusal:
        decode(body)

    assert (refusal.value.code, refusal.value.reason) == (400, "BadRequest")
    assert problem in refusal.value.message


def test_a_schema_nested_without_end_is_refused() -> None:
    schema = b""
    for _ in range(100):
        schema = field(28, schema)  # `not`: a schema in a schema
        schema = b"\xe2\x01" + schema[1:]  # its tag takes two bytes
    raw = field(2, field(7, field(4, field(1, schema))))

    with pytest.raises(ApiError, match="nested too deeply"):
        decode(enveloped("apiextensions.k8s.io/v1", "CustomResourceDefinition", raw))


def test_a_small_body_cannot_grow_without_bound() -> None:
    many_containers = field(2, b"\x12\x00" * 300_000)

    with pytest.raises(ApiError, match="too many parts"):
        decode(enveloped("v1", "Pod", many_containers))


KINDS = sorted({(body["object"]["apiVersion"], body["object"]["kind"]) for body in kubectl_bodies()})


@given(st.sampled_from(KINDS), st.binary(max_size=200))
def test_random_bytes_never_raise_anything_but_a_refusal(kind: tuple[str, str], raw: bytes) -> None:
    for body in (raw, MAGIC + raw, enveloped(*kind, raw)):
        try:
            json.dumps(decode(body), allow_nan=False)
        except ApiError as refusal:
            if refusal.code != 400:
                raise


@given(st.sampled_from(random_objects()), st.data())
def test_a_spoilt_byte_never_raises_anything_but_a_refusal(row: dict[str, Any], data: st.DataObject) -> None:
    body = bytearray.fromhex(row["body"])
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(4, len(body) - 1))] = data.draw(st.integers(0, 255))

    try:
        json.dumps(decode(bytes(body)), allow_nan=False)
    except ApiError as refusal:
        if refusal.code != 400:
            raise
