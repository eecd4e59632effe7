"""ConfigMaps and Secrets that a kustomization generates, and the content hash in their names.

Owns: configMapGenerator, secretGenerator, generatorOptions, the name hash. Must not know: how a file is found.
Behaviour follows Kustomize 5.8 `api/internal/generators`, `api/kv` and `api/hasher`.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from canarium.gitops.kustomize.kustomization import flag_of, text_of
from canarium.gitops.kustomize.patches import ReadFile
from canarium.gitops.kustomize.resource import Resource
from canarium.gitops.rendered import RenderError
from canarium.text.gojson import go_json
from canarium.text.located import At, Leaf, Map, new_map, place_of, plain

_BEHAVIORS = ("", "create", "replace", "merge")


def generate(kind: str, item: Map, options: Any, read_file: ReadFile, file: str) -> Resource:
    """The ConfigMap or Secret of one generator. options: `generatorOptions` or None. file: the kustomization's path."""
    name = text_of(item.get("name"))
    if not name:
        raise RenderError("a generator must have a name", at=place_of(item), next_step="Add name:.")
    behavior = text_of(item.get("behavior"))
    if behavior not in _BEHAVIORS:
        raise RenderError(
            f"unknown behavior {behavior!r}", at=place_of(item), next_step="Use create, replace or merge."
        )
    at = item.at
    metadata = new_map(at, {"name": item["name"]})
    body = new_map(at, {"apiVersion": Leaf("v1", at), "kind": Leaf(kind, at), "metadata": metadata})
    if text_of(item.get("namespace")):
        metadata["namespace"] = item["namespace"]
    if kind == "Secret":
        body["type"] = item.get("type") or Leaf("Opaque", at)
        body["data"] = new_map(at)
    for key, (content, place) in sorted(_content(item, read_file).items()):
        if kind == "Secret":
            _put(body, "data", key, Leaf(_base64(content), place))
            continue
        try:
            _put(body, "data", key, Leaf(content.decode(), place))
        except UnicodeDecodeError:
            _put(body, "binaryData", key, Leaf(_base64(content), place))
    local: Any = item.get("options") if isinstance(item.get("options"), Map) else {}
    shared = options if isinstance(options, Map) else {}
    for what in ("labels", "annotations"):
        merged = {**(shared.get(what) or {}), **(local.get(what) or {})}
        if merged:
            metadata[what] = new_map(at, merged)

    def says(flag: str) -> bool:
        return flag_of(local.get(flag)) or flag_of(shared.get(flag))

    if says("immutable"):
        body["immutable"] = Leaf(True, at)
    return Resource(body=body, origin=file, needs_hash=not says("disableNameSuffixHash"), behavior=behavior)


def _put(body: Map, field: str, key: str, value: Leaf) -> None:
    body.setdefault(field, new_map(body.at))[key] = value


def _base64(content: bytes) -> str:
    """As Kustomize writes it: lines of 70 characters once there is more than one line."""
    text = base64.b64encode(content).decode()
    if len(text) < 70:
        return text
    return "".join(text[start : start + 70] + "\n" for start in range(0, len(text), 70))


def _content(item: Map, read_file: ReadFile) -> dict[str, tuple[bytes, At]]:
    found: dict[str, tuple[bytes, At]] = {}

    def add(key: str, content: bytes, at: At, leaf: Leaf) -> None:
        if key in found:
            raise RenderError(
                f"{text_of(item['name'])} illegally repeats the key {key!r}",
                at=place_of(leaf),
                next_step="Keep one of the sources that define it.",
            )
        found[key] = (content, at)

    sources = list(item.get("envs") or ())
    if text_of(item.get("env")):
        sources.append(item["env"])
    for leaf in sources:
        content, file = read_file(leaf)
        for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            text = line.removesuffix(b"\r").lstrip()
            if not text or text.startswith(b"#"):
                continue
            key, _, value = text.partition(b"=")
            add(key.decode(errors="replace"), value, (file, number, 0), leaf)
    for leaf in item.get("literals") or ():
        literal, equals, given = text_of(leaf).partition("=")
        if not literal or not equals:
            raise RenderError(
                f"invalid literal source {text_of(leaf)}, expected key=value",
                at=place_of(leaf),
                next_step="Write it as name=value.",
            )
        add(literal, _unquoted(given).encode(), leaf.at, leaf)
    for leaf in item.get("files") or ():
        name, path = _file_source(leaf)
        content, file = read_file(Leaf(path, leaf.at))
        add(name, content, (file, 1, 0), leaf)
    return found


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'" else text


def _file_source(leaf: Leaf) -> tuple[str, str]:
    source = text_of(leaf)
    parts = source.split("=")
    if len(parts) == 1:
        return source.rstrip("/").rpartition("/")[2], source
    if len(parts) > 2 or not parts[0] or not parts[1]:
        raise RenderError(
            f"file source {source!r} is neither a path nor key=path",
            at=place_of(leaf),
            next_step="Write path/to/file, or key=path/to/file.",
        )
    return parts[0], parts[1]


def absorb(resources: list[Resource], made: Resource) -> None:
    """Add what was generated, or let it replace or merge with what is there, as its behavior says."""
    wanted = made.id
    found = [n for n, resource in enumerate(resources) if any(wanted.equals(id) for id in resource.any_ids())]
    if not found and made.behavior not in ("merge", "replace"):
        resources.append(made)
        return
    if len(found) != 1 or made.behavior not in ("merge", "replace"):
        if not found:
            problem, hint = (
                f"{wanted} does not exist; cannot merge or replace",
                "Use behavior: create, or correct the name.",
            )
        elif len(found) > 1:
            problem, hint = f"found multiple objects that could accept merge of {wanted}", "Give it a namespace."
        else:
            problem, hint = f"{wanted} exists; behavior must be merge or replace", "Set behavior:, or use another name."
        raise RenderError(problem, at=made.place, next_step=hint)
    old = resources[found[0]]
    metadata = made.metadata()
    for what in ("labels", "annotations"):
        merged = {**(old.metadata().get(what) or {}), **(metadata.get(what) or {})}
        if merged:
            metadata[what] = new_map(metadata.at, merged)
    for key in ("name", "namespace"):
        if key in old.metadata():
            metadata[key] = old.metadata()[key]
        else:
            metadata.pop(key, None)
    if made.behavior == "merge":
        for what in ("data", "binaryData"):
            merged = {**(old.body.get(what) or {}), **(made.body.get(what) or {})}
            if merged:
                made.body[what] = new_map(made.body.at, merged)
    made.previous, made.prefixes, made.suffixes = old.previous, old.prefixes, old.suffixes
    made.needs_hash = made.needs_hash and old.needs_hash
    made.behavior = old.behavior
    resources[found[0]] = made


def add_hash(resource: Resource) -> None:
    """Append the content hash to the name of a resource that wants one."""
    if not resource.needs_hash:
        return
    suffix = content_hash(resource)
    resource.remember()
    name = resource.metadata()["name"]
    resource.metadata()["name"] = Leaf(f"{resource.name}-{suffix}", name.at)


def content_hash(resource: Resource) -> str:
    """Ten characters of SHA-256 over kind, type and data as Go prints them, in letters that spell no words.

    Upstream means to include the name, but looks for a field called `metadata/name` and always finds none.
    """
    body = plain(resource.body)
    facts: dict[str, Any] = {"kind": body["kind"], "name": "", "data": body.get("data") or ""}
    if body["kind"] == "Secret":
        facts["type"] = body.get("type", "")
    other = "stringData" if body["kind"] == "Secret" else "binaryData"
    if isinstance(body.get(other), dict):
        facts[other] = body[other]
    if isinstance(body.get("data"), dict):
        facts["data"] = body["data"]
    digest = hashlib.sha256(go_json(facts).encode()).hexdigest()[:10]
    return digest.translate(str.maketrans("013ae", "ghkmt"))
