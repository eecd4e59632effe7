"""Request bodies: from JSON, YAML or protobuf to plain objects.

Owns: media types of requests and the bounds on what is read. Must not know: what an object means.
Source: Kubernetes 1.34, apiserver pkg/endpoints/handlers (415 and 400 in their words; 3 MiB as --max-request-bytes).
"""

from __future__ import annotations

from typing import Any

import msgspec

from canarium.errors import CanariumError
from canarium.kube.cluster import ApiError

MAX_BODY_BYTES = 3 * 1024 * 1024
PATCH_TYPES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
    "application/apply-patch+cbor": "",
}
_decode = msgspec.json.Decoder().decode


def media_type(header: str) -> str:
    """A Content-Type without its parameters."""
    return header.partition(";")[0].strip().lower()


def decoded(raw: bytes, content_type: str, method: str) -> Any:
    """The body as JSON values; None for an empty one. Raises ApiError (BadRequest, UnsupportedMediaType)."""
    if not raw.strip():
        return None
    media = media_type(content_type)
    if method == "PATCH":
        if not PATCH_TYPES.get(media):
            known = ", ".join(sorted(name for name, kind in PATCH_TYPES.items() if kind))
            raise _unsupported(known)
        return _yaml(raw) if media.endswith("+yaml") else _json(raw)
    match media:
        case "" | "application/json" | "*/*":
            return _json(raw)
        case "application/yaml" | "application/x-yaml" | "text/yaml":
            return _yaml(raw)
        case "application/vnd.kubernetes.protobuf":
            from canarium.kube.server import protobuf

            return protobuf.decode(raw)
        case _:
            raise _unsupported("application/json, application/yaml, application/vnd.kubernetes.protobuf")


def _unsupported(known: str) -> ApiError:
    message = f"the body of the request was in an unknown format - accepted media types include: {known}"
    return ApiError(415, "UnsupportedMediaType", message)


def _json(raw: bytes) -> Any:
    try:
        return _decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ApiError(400, "BadRequest", f"the object provided is unrecognized: {error}") from error


def _yaml(raw: bytes) -> Any:
    from canarium.text.yaml import load

    if raw.lstrip()[:1] == b"{":
        try:
            return _decode(raw)
        except msgspec.DecodeError:
            pass  # YAML in braces, perhaps
    try:
        document = load(raw, "body")
    except (CanariumError, UnicodeDecodeError) as error:
        raise ApiError(400, "BadRequest", f"error decoding YAML: {error}") from error
    return None if document is None else document.value
