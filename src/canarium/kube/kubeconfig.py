"""Kubeconfig files: which API server is meant, who we are there, and a context of our own.

Owns: merging files, choosing a context, reading certificates; adding and removing one context under client-go's lock.
Must not know: the environment, the home directory, the terminal; HTTP.
Behaviour follows client-go `tools/clientcmd` (Kubernetes 1.34): the first file that has an entry wins, relative paths
count from the file that says them, credentials are used over https only. Not built: exec plugins, auth providers,
impersonation, proxies; each says so. Rewriting a file drops its comments, as `kubectl config` does.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from canarium.errors import CanariumError, Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from canarium.clock import Clock
    from canarium.text.yaml import Document

LOCK_TRIES = 50
LOCK_RETRY_SECONDS = 0.1

_EMPTY = "no configuration has been provided, try setting KUBERNETES_MASTER environment variable"
_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}


class KubeconfigError(CanariumError):
    """A kubeconfig that is broken, lacks what was asked for, or asks for what is not built."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach an API server.

    server: URL, a path in it is kept. ca, client_cert, client_key: PEM, empty when absent. context: the kubeconfig
    context it came from, if any.
    """

    server: str
    ca: bytes = b""
    token: str = ""
    username: str = ""
    password: str = ""
    client_cert: bytes = b""
    client_key: bytes = b""
    insecure: bool = False
    tls_server_name: str = ""
    namespace: str = "default"
    context: str = ""

    def __repr__(self) -> str:
        """Without credentials, which would end up in logs."""
        return f"Connection(server={self.server!r}, namespace={self.namespace!r}, context={self.context!r})"


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """What a command line says instead of the files; empty means not said. Paths count from the working directory.

    default_server: used where neither the files nor `server` say one.
    """

    cluster: str = ""
    user: str = ""
    namespace: str = ""
    server: str = ""
    default_server: str = ""
    token: str = ""
    insecure: bool = False
    certificate_authority: str = ""
    client_certificate: str = ""
    client_key: str = ""
    tls_server_name: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A context to add; its cluster and its user get the same name."""

    name: str
    server: str
    ca_pem: bytes
    token: str
    namespace: str = "default"


class AddedContext(msgspec.Struct, frozen=True, kw_only=True):
    """What `add_context` changed. former_current: empty when there was none; `name` itself when that was current."""

    path: Path
    name: str
    former_current: str
    has_created_file: bool
    has_replaced: bool

    def lines(self) -> list[str]:
        """The change, a sentence a line."""
        verb = "replaced" if self.has_replaced else "added"
        created = " (new file)" if self.has_created_file else ""
        lines = [f'{self.path}{created}: {verb} context "{self.name}", with a cluster and a user of that name']
        if self.former_current != self.name:
            was = f'it was "{self.former_current}"' if self.former_current else "there was none"
            lines.append(f'{self.path}: current-context is now "{self.name}"; {was}')
        return lines


class RemovedContext(msgspec.Struct, frozen=True, kw_only=True):
    """What `remove_context` changed. also: `cluster` and `user`, as far as they went with the context. current: the
    current-context as it is now, empty for none."""

    path: Path
    name: str
    was_there: bool
    was_current: bool
    current: str
    also: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The change, a sentence a line; nothing when nothing changed."""
        if not self.was_there:
            return []
        also = "".join(f", its {what}" for what in self.also)
        lines = [f'{self.path}: removed context "{self.name}"{also}']
        if self.was_current:
            now = f'is "{self.current}" again' if self.current else "is not set any more"
            lines.append(f"{self.path}: current-context {now}")
        return lines


# -- reading ----------------------------------------------------------------------------------------------------------


class _Named(msgspec.Struct, frozen=True):
    """One cluster, user or context: its fields and the file that they came from."""

    fields: Mapping[str, Any] = {}
    at: Place = Place("")

    def text(self, key: str) -> str:
        value = self.fields.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise KubeconfigError(f"{value!r} is not text", at=self.at, field=key)
        return value

    def flag(self, key: str) -> bool:
        value = self.fields.get(key) or False
        if not isinstance(value, bool):
            raise KubeconfigError(f"{value!r} is neither true nor false", at=self.at, field=key)
        return value

    def content(self, key: str) -> bytes:
        """`<key>-data` decoded, or else what is in the file that `<key>` names."""
        if data := self.text(f"{key}-data"):
            try:
                return base64.b64decode("".join(data.split()), validate=True)
            except binascii.Error as error:
                raise KubeconfigError(
                    f"not base64: {error}", at=self.at, field=f"{key}-data", next_step="Copy the value again, whole."
                ) from error
        path = self.text(key)
        return self._read(key, path) if path else b""

    def token(self) -> str:
        """The token, or what is in `tokenFile`."""
        if token := self.text("token"):
            return token
        path = self.text("tokenFile")
        return self._read("tokenFile", path).decode().strip() if path else ""

    def _read(self, key: str, path: str) -> bytes:
        full = Path(os.path.abspath(self.at.file)).parent / path
        try:
            return full.read_bytes()
        except OSError as error:
            raise KubeconfigError(
                f"unable to read {key} {full}: {(error.strerror or str(error)).lower()}", at=self.at
            ) from error


class _Merged(msgspec.Struct):
    """All files as one."""

    current: str = ""
    clusters: dict[str, _Named] = {}
    users: dict[str, _Named] = {}
    contexts: dict[str, _Named] = {}


def load(
    paths: Sequence[Path], context: str = "", overrides: Overrides | None = None, *, must_exist: bool = False
) -> Connection:
    """The connection that the files and the overrides mean.

    paths: in order of precedence; missing ones are skipped unless `must_exist` (a file that was named outright).
    context: instead of current-context. Raises KubeconfigError and YamlError, with file:line where one is to blame.
    """
    wanted = overrides or Overrides()
    merged = _merge(paths, must_exist=must_exist)
    name = context or merged.current
    chosen = merged.contexts.get(name)
    user_name = wanted.user or (chosen.text("user") if chosen else "")
    user = merged.users.get(user_name, _Named())
    cluster_name = wanted.cluster or (chosen.text("cluster") if chosen else "")
    cluster = merged.clusters.get(cluster_name, _Named())
    if wanted.user and wanted.user not in merged.users:
        raise _missing("auth info", wanted.user, merged.users)
    if context and chosen is None:
        raise _missing("context", context, merged.contexts)
    if wanted.cluster and wanted.cluster not in merged.clusters:
        raise _missing("cluster", wanted.cluster, merged.clusters)
    if name and chosen is None:
        raise KubeconfigError(
            f"invalid configuration: context was not found for specified context: {name}",
            next_step=_choices("context", merged.contexts),
        )
    server = wanted.server or cluster.text("server") or wanted.default_server
    if not server:
        raise _no_server(name, cluster_name, cluster)
    if cluster.text("proxy-url"):
        raise KubeconfigError(
            "proxy-url is not built yet", at=cluster.at, next_step="Reach the server without a proxy."
        )
    told = Connection(
        server=server,
        namespace=wanted.namespace or (chosen.text("namespace") if chosen else "") or "default",
        context=name,
    )
    if not is_tls(server, bool(wanted.insecure or wanted.certificate_authority or cluster.fields.keys() & _TLS_FIELDS)):
        return told  # credentials never travel in the clear
    return _with_tls(_with_user(told, user_name, user, wanted), cluster, wanted)


_TLS_FIELDS = {"certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify"}


def is_tls(server: str, has_tls_settings: bool) -> bool:
    """Whether requests to that server are encrypted; a server without a scheme is, once anything about TLS is set."""
    if "://" in server:
        return server.lower().startswith("https://")
    return has_tls_settings


def _with_tls(told: Connection, cluster: _Named, wanted: Overrides) -> Connection:
    server = told.server if "://" in told.server else f"https://{told.server}"
    if wanted.insecure:
        ca, insecure = b"", True
    elif wanted.certificate_authority:
        ca, insecure = _file(wanted.certificate_authority, "certificate-authority"), False
    else:
        ca, insecure = cluster.content("certificate-authority"), cluster.flag("insecure-skip-tls-verify")
    if insecure and ca:
        raise KubeconfigError(
            "specifying a root certificates file with the insecure flag is not allowed",
            at=cluster.at,
            next_step="Keep either certificate-authority or insecure-skip-tls-verify.",
        )
    said = wanted.tls_server_name or ("" if wanted.server else cluster.text("tls-server-name"))
    return msgspec.structs.replace(told, server=server, ca=ca, insecure=insecure, tls_server_name=said)


def _with_user(told: Connection, name: str, user: _Named, wanted: Overrides) -> Connection:
    if user.text("as"):
        raise KubeconfigError(f'user "{name}" impersonates another (as): that is not built yet', at=user.at)
    token = wanted.token or user.token()
    if wanted.client_certificate:
        cert = _file(wanted.client_certificate, "client-cert")
        key = _file(wanted.client_key, "client-key") if wanted.client_key else b""
    else:
        cert, key = user.content("client-certificate"), user.content("client-key")
    if cert and not key:
        raise KubeconfigError(
            f"invalid configuration: client-key-data or client-key must be specified for {name or 'the user'} to use"
            " the clientCert authentication method.",
            at=user.at if user.at.file else None,
        )
    username, password = ("", "") if wanted.token else (user.text("username"), user.text("password"))
    if token and (username or password):
        raise KubeconfigError(
            f"invalid configuration: more than one authentication method found for {name}; found [token basicAuth],"
            " only one is allowed",
            at=user.at,
        )
    if not (token or cert or username):
        _refuse_plugins(name, user)
    return msgspec.structs.replace(
        told, token=token, username=username, password=password, client_cert=cert, client_key=key
    )


def _refuse_plugins(name: str, user: _Named) -> None:
    """Logging in by running a program or through a provider is not built."""
    for field, what, called in (("exec", "exec plugin", "command"), ("auth-provider", "auth provider", "name")):
        plugin = user.fields.get(field)
        if plugin:
            program = plugin.get(called, "") if isinstance(plugin, Mapping) else ""
            raise KubeconfigError(
                f'user "{name}" logs in with the {what} "{program}", which is not built yet',
                at=user.at,
                next_step="Pass a token with --token, or use a context with a token or a client certificate.",
            )


def _file(path: str, what: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise KubeconfigError(f"unable to read {what} {path}: {(error.strerror or str(error)).lower()}") from error


def _missing(what: str, name: str, known: Mapping[str, _Named]) -> KubeconfigError:
    return KubeconfigError(f'{what} "{name}" does not exist', next_step=_choices(what, known))


def _choices(what: str, known: Mapping[str, _Named]) -> str:
    if not known:
        return f"The kubeconfig files have no {what}."
    return f"The kubeconfig files have: {', '.join(known)}."


def _no_server(context: str, cluster_name: str, cluster: _Named) -> KubeconfigError:
    if cluster.fields:
        return KubeconfigError(f'invalid configuration: no server found for cluster "{cluster_name}"', at=cluster.at)
    if cluster_name:
        return KubeconfigError(
            f'invalid configuration: cluster "{cluster_name}" was not found for context "{context}"',
            next_step="Choose another context with --context, or a cluster with --cluster.",
        )
    return KubeconfigError(
        f"invalid configuration: {_EMPTY}",
        next_step="Start a cluster with `canarium up`, or name a kubeconfig with --kubeconfig or KUBECONFIG.",
    )


def _merge(paths: Sequence[Path], *, must_exist: bool) -> _Merged:
    merged = _Merged()
    for path in paths:
        try:
            text = path.read_bytes()
        except FileNotFoundError as error:
            if must_exist:
                raise KubeconfigError(f"stat {path}: no such file or directory") from error
            continue
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise KubeconfigError(f'error loading config file "{path}": {reason}') from error
        document = _parsed(text, path)
        if document is None:
            continue
        current = document.value.get("current-context") or ""
        merged.current = merged.current or str(current)
        for section in _SECTIONS:
            known: dict[str, _Named] = getattr(merged, section)
            for name, named in _entries(document, section).items():
                known.setdefault(name, named)
    return merged


def _parsed(text: bytes, path: Path) -> Document | None:
    """The file's document, its outline checked: a mapping whose sections are lists of named entries."""
    from canarium.text.yaml import load as load_yaml

    document = load_yaml(text, str(path))
    if document is None:
        return None
    if not isinstance(document.value, dict):
        raise KubeconfigError("not a kubeconfig: it is no mapping", at=document.start)
    kind = document.value.get("kind") or "Config"
    if kind != "Config":
        raise KubeconfigError(f"not a kubeconfig: its kind is {kind!r}", at=document.place(["kind"]))
    for section in _SECTIONS:
        _entries(document, section)
    return document


def _entries(document: Document, section: str) -> dict[str, _Named]:
    listed = document.value.get(section)
    if listed is None:
        return {}
    if not isinstance(listed, list):
        raise KubeconfigError("is not a list", at=document.place([section]), field=section)
    found: dict[str, _Named] = {}
    for index, item in enumerate(listed):
        at = document.place([section, index])
        field = f"{section}[{index}]"
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise KubeconfigError("has no name", at=at, field=field)
        fields = item.get(_SECTIONS[section]) or {}
        if not isinstance(fields, dict):
            raise KubeconfigError("is not a mapping", at=at, field=f"{field}.{_SECTIONS[section]}")
        if item["name"] in found:
            raise KubeconfigError(f'duplicate name "{item["name"]}" in list', at=at, field=field)
        found[item["name"]] = _Named(fields, at)
    return found


# -- writing ----------------------------------------------------------------------------------------------------------


async def add_context(path: Path, entry: Entry, clock: Clock) -> AddedContext:
    """Put the entry's context, cluster and user into the file and make the context current.

    The file and its folder are created when missing. Raises KubeconfigError (locked by somebody else, not a kubeconfig)
    and YamlError; the file is untouched then.
    """
    async with _locked(path, clock):
        config = _editable(path)
        before = config or {"apiVersion": "v1", "kind": "Config"}
        former = str(before.get("current-context") or "")
        ca = base64.b64encode(entry.ca_pem).decode()
        parts: dict[str, dict[str, Any]] = {
            "clusters": {"certificate-authority-data": ca, "server": entry.server},
            "contexts": {"cluster": entry.name, "namespace": entry.namespace, "user": entry.name},
            "users": {"token": entry.token},
        }
        after = dict(before)
        for section, fields in parts.items():
            after[section] = _put(before.get(section) or [], entry.name, _SECTIONS[section], fields)
        after["current-context"] = entry.name
        _write(path, after)
        return AddedContext(
            path=path,
            name=entry.name,
            former_current=former,
            has_created_file=config is None,
            has_replaced=any(item["name"] == entry.name for item in before.get("contexts") or []),
        )


async def remove_context(path: Path, name: str, clock: Clock, *, restore: str = "") -> RemovedContext:
    """Take the context out of the file, with its cluster and its user unless another context uses them.

    restore: becomes current-context if `name` still was and `restore` is still there. Raises as `add_context`.
    """
    if not path.exists():
        return RemovedContext(path=path, name=name, was_there=False, was_current=False, current="")
    async with _locked(path, clock):
        before = _editable(path) or {}
        contexts = before.get("contexts") or []
        left = [item for item in contexts if item["name"] != name]
        current = str(before.get("current-context") or "")
        was_current = current == name
        if len(left) == len(contexts):
            return RemovedContext(path=path, name=name, was_there=False, was_current=False, current=current)
        after, also = {**before, "contexts": left}, []
        for section, kind in (("clusters", "cluster"), ("users", "user")):
            gone = {(item.get("context") or {}).get(kind) for item in contexts if item["name"] == name}
            gone -= {(item.get("context") or {}).get(kind) for item in left}
            if any(item["name"] in gone for item in before.get(section) or []):
                after[section] = [item for item in before[section] if item["name"] not in gone]
                also.append(kind)
        if was_current:
            current = restore if any(item["name"] == restore for item in left) else ""
            after["current-context"] = current
        _write(path, after)
        return RemovedContext(
            path=path, name=name, was_there=True, was_current=was_current, current=current, also=tuple(also)
        )


def _put(listed: Sequence[dict[str, Any]], name: str, kind: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The list with that entry in it, where it was or at the end."""
    fresh = {kind: fields, "name": name}
    if any(item["name"] == name for item in listed):
        return [fresh if item["name"] == name else item for item in listed]
    return [*listed, fresh]


def _editable(path: Path) -> dict[str, Any] | None:
    """The file as it is; None when there is none, or nothing in it."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    document = _parsed(text, path)
    return dict(document.value) if document else None


@asynccontextmanager
async def _locked(path: Path, clock: Clock) -> AsyncIterator[None]:
    """Hold `<path>.lock`, which kubectl and its kin respect; they give up at once where we wait a moment."""
    lock = Path(f"{path}.lock")
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    for left in reversed(range(LOCK_TRIES)):
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0))
            break
        except FileExistsError as error:
            if not left:
                raise KubeconfigError(
                    f"open {lock}: file exists",
                    next_step="Another program is changing this kubeconfig. If none is, delete that file.",
                ) from error
            await clock.sleep(LOCK_RETRY_SECONDS)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _write(path: Path, config: dict[str, Any]) -> None:
    """Replace the file in one step, readable by its owner only; a symbolic link stays one."""
    target = Path(os.path.realpath(path))
    fresh = target.with_name(f".{target.name}.canarium")
    fresh.unlink(missing_ok=True)  # a leftover of a process that died: the lock is ours
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_dumped(config).encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _dumped(config: dict[str, Any]) -> str:
    """Block-style YAML with the keys in their order, quoted where Go would read something else."""
    import yaml

    from canarium.text.yaml import dump

    class Ordered(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            del data
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else '"' if dump(value).startswith(('"', "'")) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Ordered.add_representer(str, text)
    return str(yaml.dump(config, Dumper=Ordered, sort_keys=False, allow_unicode=True, width=10**9))
