"""What a request asks of the API: path, verb, options and body, taken apart.

Owns: `RequestInfo`, `Options`, verbs, accepted forms of an answer. Must not know: objects, storage, sockets.
Source: Kubernetes 1.34, apiserver pkg/endpoints/request/requestinfo.go and pkg/endpoints/handlers/negotiation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qs, unquote

import msgspec

from canarium.kube.cluster import ApiError

_NAMESPACE_SUBRESOURCES = ("status", "finalize")

Form = Literal["object", "table", "partial"]


class RequestInfo(msgspec.Struct, frozen=True):
    """A path below `/api/v1` or `/apis/GROUP/VERSION`. namespace, name, subresource: empty where the path has none."""

    group: str
    version: str
    plural: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


def parse_path(path: str) -> RequestInfo | None:
    """A resource path taken apart; None for any other path (discovery, health, …)."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if any(part in ("", ".", "..") or "/" in part or "\0" in part for part in parts):
        return None
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3:
        return None
    plural, name, subresource = (*rest, "", "")[:3]
    return RequestInfo(group, version, plural, namespace, name, subresource)


class Options(msgspec.Struct, frozen=True):
    """The query of a request, as the API reads it."""

    values: Mapping[str, str]

    def text(self, name: str) -> str:
        """An option as text; empty when absent."""
        return self.values.get(name, "")

    def flag(self, name: str) -> bool:
        """An option as a boolean: `true`, `1`, or just there."""
        return name in self.values and self.values[name].lower() not in ("false", "0")

    def number(self, name: str) -> int | None:
        """An option as a whole number. Raises ApiError (BadRequest)."""
        text = self.values.get(name, "")
        if not text:
            return None
        try:
            return int(text[:20])
        except ValueError:
            raise ApiError(400, "BadRequest", f"{name}: {text[:40]!r} is not a whole number") from None

    @property
    def is_dry_run(self) -> bool:
        """`dryRun=All`. Raises ApiError (BadRequest) for anything else but nothing."""
        text = self.text("dryRun")
        if text in ("", "All"):
            return text == "All"
        message = f'Invalid value: "{text}": dryRun must be "All" or left out'
        raise ApiError(422, "Invalid", f"dryRun: {message}", causes=[("dryRun", "FieldValueNotSupported", message)])


def parse_query(query: bytes) -> Options:
    """A query string; of an option given twice the first counts. Raises ApiError (BadRequest)."""
    try:
        found = parse_qs(query.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=200)
    except ValueError as error:
        raise ApiError(400, "BadRequest", "the query has more than 200 parameters") from error
    return Options({name: values[0] for name, values in found.items()})


class Accepted(msgspec.Struct, frozen=True):
    """The form an answer may have. version: of the meta.k8s.io kind (`v1`, `v1beta1`)."""

    form: Form = "object"
    version: str = "v1"


_FORMS: Mapping[str, Form] = {
    "Table": "table",
    "PartialObjectMetadata": "partial",
    "PartialObjectMetadataList": "partial",
}


def accepted(header: str) -> Accepted:
    """The first form of the Accept header that is spoken here; JSON is, protobuf answers are not.

    Raises ApiError (NotAcceptable) when only other forms would do.
    """
    if not header.strip():
        return Accepted()
    for clause in header.split(","):
        media, _, rest = clause.strip().partition(";")
        parameters = dict(item.strip().partition("=")[::2] for item in rest.split(";") if item.strip())
        if media.strip() not in ("application/json", "application/*", "*/*"):
            continue
        wanted = parameters.get("as", "")
        if not wanted or parameters.get("g", "meta.k8s.io") != "meta.k8s.io":
            if not wanted:
                return Accepted()
            continue
        if wanted in _FORMS:
            return Accepted(_FORMS[wanted], parameters.get("v", "v1"))
    message = (
        "only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io"
    )
    raise ApiError(406, "NotAcceptable", message)


def wants_aggregated_discovery(header: str) -> str:
    """The version (`v2`, `v2beta1`) of aggregated discovery that is asked for first; empty for the old form."""
    for clause in header.split(","):
        if "as=APIGroupDiscoveryList" in clause and "application/json" in clause:
            for version in ("v2beta1", "v2"):
                if f"v={version}" in clause.split(";"):
                    return version
    return ""


def verb_of(method: str, info: RequestInfo, *, is_watch: bool) -> str:
    """The API's verb for a request, as authorization names it."""
    match method:
        case "GET" | "HEAD":
            if is_watch:
                return "watch"
            return "get" if info.name else "list"
        case "POST":
            return "create"
        case "PUT":
            return "update"
        case "PATCH":
            return "patch"
        case "DELETE":
            return "delete" if info.name else "deletecollection"
        case _:
            return method.lower()
