"""Who asks: bearer tokens of the two users and of ServiceAccounts, and impersonation.

Owns: reading credentials from a request's headers; making, signing and checking ServiceAccount tokens; TokenRequest.
Must not know: HTTP beyond header names, what a user may do (`access`, asked only about impersonating).
A ServiceAccount's token is a JSON Web Token signed with HMAC-SHA256 under a key that follows from the administrator's
token: nothing else is kept, it ends with its time, its account, or the object it is bound to. Behaviour follows
Kubernetes 1.34, pkg/serviceaccount/claims.go, pkg/registry/core/serviceaccount/storage/token.go and apiserver
pkg/endpoints/filters/impersonation.go.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from canarium.clock import Clock
from canarium.kube.cluster import ApiError, NotFound
from canarium.kube.objects import Obj, ObjectKey, format_time
from canarium.kube.registry import Registry
from canarium.kube.resources import NODES, PODS, SECRETS, SERVICE_ACCOUNTS, Resource
from canarium.kube.server import access
from canarium.kube.server.access import Tokens, User
from canarium.kube.server.requests import RequestInfo

AUDIENCE = "https://kubernetes.default.svc.cluster.local"
"""Who a token is for unless its request says otherwise: this server."""

_LEAST_SECONDS = 10 * 60
_MOST_SECONDS = 1 << 32
_USUAL_SECONDS = 60 * 60
_BOUND_KINDS: Mapping[tuple[str, str], Resource] = {("v1", one.kind): one for one in (PODS, SECRETS, NODES)}
_SUBJECT = "system:serviceaccount:"


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a token says. times in seconds since 1970. bound_*: the object it ends with; empty when there is none."""

    iss: str
    sub: str
    aud: tuple[str, ...]
    iat: int
    exp: int
    namespace: str
    name: str
    uid: str
    bound_kind: str = ""
    bound_name: str = ""
    bound_uid: str = ""


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


_HEADER = _part(b'{"alg":"HS256","typ":"JWT"}')


def signed(claims: Claims, key: bytes) -> str:
    """The claims as a token."""
    body = _HEADER + b"." + _part(msgspec.json.encode(claims))
    return (body + b"." + _part(hmac.digest(key, body, sha256))).decode()


def read(token: str, key: bytes) -> Claims | None:
    """The claims of a token that this key signed; None for any other. Whether they still hold is not looked at."""
    body, _, signature = token.encode("utf-8", "replace").rpartition(b".")
    if not body.startswith(_HEADER + b".") or not hmac.compare_digest(_part(hmac.digest(key, body, sha256)), signature):
        return None
    payload = body[len(_HEADER) + 1 :]
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)), type=Claims)
    except (msgspec.DecodeError, ValueError):
        return None


class Authenticator:
    """Tells who asks, and makes tokens."""

    def __init__(self, registry: Registry, clock: Clock, tokens: Tokens) -> None:
        self._registry = registry
        self._clock = clock
        self._tokens = tokens
        self._key = hmac.digest(tokens.admin.encode(), b"ServiceAccount tokens", sha256)

    def user(self, headers: Sequence[tuple[str, str]]) -> User | None:
        """Whom the headers (names in lower case) stand for; None without a token that holds.

        Raises ApiError (Forbidden) where somebody may not be who they want to be.
        """
        authorization = next((value for name, value in headers if name == "authorization"), "")
        scheme, _, token = authorization.partition(" ")
        found = self.owner(token.strip()) if scheme.lower() == "bearer" else None
        return None if found is None else self._impersonated(found, headers)

    def owner(self, token: str, audiences: Sequence[str] = (AUDIENCE,)) -> User | None:
        """Whose token it is, of those that are meant for one of the audiences."""
        known = self._tokens.owner(token)
        if known is not None:
            return known if AUDIENCE in audiences else None
        claims = read(token, self._key)
        if claims is None or not set(claims.aud) & set(audiences):
            return None
        now = self._clock.now().timestamp()
        if now >= claims.exp or not self._is_there(
            SERVICE_ACCOUNTS, ObjectKey(claims.namespace, claims.name), claims.uid
        ):
            return None
        if claims.bound_kind:
            bound = _BOUND_KINDS[("v1", claims.bound_kind)]
            key = ObjectKey(claims.namespace if bound.namespaced else "", claims.bound_name)
            if not self._is_there(bound, key, claims.bound_uid):
                return None
        return access.named(claims.sub, uid=claims.uid)

    def _is_there(self, resource: Resource, key: ObjectKey, uid: str) -> bool:
        try:
            return bool(self._registry.get(resource, key)["metadata"].get("uid") == uid)
        except NotFound:
            return False

    def _impersonated(self, user: User, headers: Sequence[tuple[str, str]]) -> User:
        name = next((value for header, value in headers if header == "impersonate-user"), "")
        groups = [value for header, value in headers if header == "impersonate-group"]
        others = any(header == "impersonate-uid" or header.startswith("impersonate-extra-") for header, _ in headers)
        if not name:
            if groups or others:
                message = f"requested {groups} without impersonating a user"
                raise ApiError(500, "InternalError", f"Internal error occurred: {message}")
            return user
        for plural, wanted in (("users", name), *(("groups", group) for group in groups)):
            info = RequestInfo("", "v1", plural, "", wanted)
            parts = wanted.removeprefix(_SUBJECT).split(":")
            if plural == "users" and wanted.startswith(_SUBJECT) and len(parts) == 2:
                info = RequestInfo("", "v1", "serviceaccounts", *parts)
            if not access.may(user, "impersonate", "", info.plural):
                raise access.forbidden(user, "impersonate", info)
        return access.named(name, groups)

    # -- TokenRequest -------------------------------------------------------------------------------------------

    def requested(self, info: RequestInfo, request: Obj) -> Obj:
        """The answer to a TokenRequest: the same with a token. Raises ApiError (NotFound, Conflict, Invalid)."""
        account = self._registry.get(SERVICE_ACCOUNTS, ObjectKey(info.namespace, info.name))
        spec = request.get("spec") or {}
        seconds = spec.get("expirationSeconds")
        seconds = _USUAL_SECONDS if seconds is None else seconds
        audiences = tuple(spec.get("audiences") or (AUDIENCE,))
        _check(info, seconds, audiences)
        now = self._clock.now().astimezone(UTC).replace(microsecond=0)
        expires = now + timedelta(seconds=seconds)
        claims = Claims(
            iss=AUDIENCE,
            sub=f"{_SUBJECT}{info.namespace}:{info.name}",
            aud=audiences,
            iat=int(now.timestamp()),
            exp=int(expires.timestamp()),
            namespace=info.namespace,
            name=info.name,
            uid=str(account["metadata"]["uid"]),
        )
        reference = spec.get("boundObjectRef")
        if reference:
            claims = self._bound(info, claims, reference)
        return _answered(info, audiences, seconds, reference, now, signed(claims, self._key), expires)

    def _bound(self, info: RequestInfo, claims: Claims, reference: Mapping[str, Any]) -> Claims:
        kind = _BOUND_KINDS.get((str(reference.get("apiVersion", "")), str(reference.get("kind", ""))))
        if kind is None:
            named = f"{reference.get('apiVersion', '')}, Kind={reference.get('kind', '')}"
            raise ApiError(400, "BadRequest", f"cannot bind token for serviceaccount to object of type {named}")
        name = str(reference.get("name", ""))
        found = self._registry.get(kind, ObjectKey(info.namespace if kind.namespaced else "", name))
        uid = str(found["metadata"]["uid"])
        if reference.get("uid") not in (None, "", uid):
            message = (
                f'Operation cannot be fulfilled on {kind.group_resource} "{name}": the UID in the bound object'
                f" reference ({reference['uid']}) does not match the UID in record. The object might have been deleted"
                " and then recreated"
            )
            raise ApiError(409, "Conflict", message, details={"name": name, "kind": kind.plural})
        if kind == PODS and found["spec"].get("serviceAccountName", "default") != info.name:
            message = f'cannot bind token for serviceaccount "{info.name}" to pod running with different serviceaccount'
            raise ApiError(400, "BadRequest", message)
        return msgspec.structs.replace(claims, bound_kind=kind.kind, bound_name=name, bound_uid=uid)


def _check(info: RequestInfo, seconds: Any, audiences: Sequence[Any]) -> None:
    problem = ""
    if not isinstance(seconds, int) or seconds < _LEAST_SECONDS:
        problem = "may not specify a duration less than 10 minutes"
    elif seconds > _MOST_SECONDS:
        problem = "may not specify a duration larger than 2^32 seconds"
    if problem:
        field, value = "spec.expirationSeconds", f"Invalid value: {seconds}: {problem}"
        message = f'TokenRequest.authentication.k8s.io "{info.name}" is invalid: {field}: {value}'
        details = {"name": info.name, "group": "authentication.k8s.io", "kind": "TokenRequest"}
        raise ApiError(422, "Invalid", message, causes=[(field, "FieldValueInvalid", value)], details=details)
    if not all(isinstance(one, str) for one in audiences):
        raise ApiError(400, "BadRequest", "spec.audiences is no list of strings")


def _answered(
    info: RequestInfo,
    audiences: Sequence[str],
    seconds: int,
    reference: Any,
    now: datetime,
    token: str,
    expires: datetime,
) -> Obj:
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": info.name, "namespace": info.namespace, "creationTimestamp": format_time(now)},
        "spec": {"audiences": list(audiences), "expirationSeconds": seconds, "boundObjectRef": reference or None},
        "status": {"token": token, "expirationTimestamp": format_time(expires)},
    }


def checked_request(body: Any) -> Obj:
    """A TokenRequest as it was sent. Raises ApiError (BadRequest) for anything else."""
    if not isinstance(body, dict) or body.get("kind", "TokenRequest") != "TokenRequest":
        raise ApiError(400, "BadRequest", "the request's body is no TokenRequest")
    from canarium.kube.coretypes import type_problem

    problem = type_problem("authentication.k8s.io/v1", "TokenRequest", body)
    if problem:
        raise ApiError(400, "BadRequest", f"TokenRequest cannot be handled: {problem}")
    return body
