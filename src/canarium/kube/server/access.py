"""Who may do what: one administrator, and everybody else, who may read.

Owns: users, their tokens, the two sets of rights, and the reviews by which clients ask about them. Pure. Must not know:
HTTP, how ServiceAccounts' tokens are made. RBAC objects are stored and have no effect; the rights of whoever is not the
administrator or in `system:masters` are those of the usual ClusterRole `view`, for every kind but Secrets.
Source of the messages: Kubernetes 1.34, apiserver pkg/endpoints/handlers/responsewriters/errors.go.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from canarium.kube.cluster import ApiError
from canarium.kube.objects import Obj
from canarium.kube.server.requests import RequestInfo

READING = ("get", "list", "watch")
REVIEWS: Mapping[tuple[str, str], str] = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    ("authorization.k8s.io", "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
    ("authorization.k8s.io", "subjectaccessreviews"): "SubjectAccessReview",
    ("authorization.k8s.io", "localsubjectaccessreviews"): "LocalSubjectAccessReview",
    ("authentication.k8s.io", "selfsubjectreviews"): "SelfSubjectReview",
    ("authentication.k8s.io", "tokenreviews"): "TokenReview",
}
"""Kinds that are answered and never stored, by group and plural."""


LOCAL_HOSTS = frozenset(
    ("localhost", "127.0.0.1", "[::1]", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
)


def is_local_host(header: str) -> bool:
    """Whether a Host header names this machine. A page elsewhere must not reach a server on loopback through a name of
    its own that it lets point here (DNS rebinding); the port is not looked at."""
    name, colon, port = header.rpartition(":")
    return (name if colon and port.isdigit() else header).lower() in LOCAL_HOSTS


class User(msgspec.Struct, frozen=True):
    """Who asks."""

    name: str
    groups: tuple[str, ...]
    may_write: bool
    uid: str = ""


ADMIN = User("canarium-admin", ("system:masters", "system:authenticated"), True)
READER = User("canarium-reader", ("system:authenticated",), False)
USERS = (ADMIN, READER)
MASTERS = "system:masters"
_AUTHENTICATED = "system:authenticated"
_SERVICE_ACCOUNT = "system:serviceaccount:"


def named(name: str, groups: Sequence[str] = (), uid: str = "") -> User:
    """The user of a name: one that is known, a ServiceAccount in its groups, or anybody else.

    groups: given in place of those that the name brings along.
    """
    known = next((user for user in USERS if user.name == name), None)
    if not groups and known is not None:
        return known
    parts = name.removeprefix(_SERVICE_ACCOUNT).split(":")
    if groups:
        found = tuple(groups)
    elif name.startswith(_SERVICE_ACCOUNT) and len(parts) == 2:
        found = ("system:serviceaccounts", f"system:serviceaccounts:{parts[0]}")
    else:
        found = ()
    everybody = "system:unauthenticated" if name == "system:anonymous" else _AUTHENTICATED
    if everybody not in found:
        found = (*found, everybody)
    return User(name, found, name == ADMIN.name or MASTERS in found, uid)


class Tokens(msgspec.Struct, frozen=True):
    """The two bearer tokens. They are secrets: never print this."""

    admin: str
    reader: str

    def owner(self, token: str) -> User | None:
        """Whose token it is."""
        for user, own in ((ADMIN, self.admin), (READER, self.reader)):
            if token and hmac.compare_digest(token.encode(), own.encode()):
                return user
        return None


def may(user: User, verb: str, group: str, plural: str, subresource: str = "") -> bool:
    """Whether a user may do that."""
    if user.may_write or (group, plural) in REVIEWS:
        return True
    return verb in READING and (group, plural) != ("", "secrets") and subresource not in ("portforward", "exec")


def forbidden(user: User, verb: str, info: RequestInfo) -> ApiError:
    """403, in the API server's words."""
    resource = f"{info.plural}/{info.subresource}" if info.subresource else info.plural
    scope = f'in the namespace "{info.namespace}"' if info.namespace else "at the cluster scope"
    subject = f"{info.plural}.{info.group}" if info.group else info.plural
    subject += f' "{info.name}"' if info.name else ""
    message = (
        f'{subject} is forbidden: User "{user.name}" cannot {verb} resource "{resource}" in API group'
        f' "{info.group}" {scope}'
    )
    details = {"name": info.name, "group": info.group, "kind": info.plural}
    return ApiError(403, "Forbidden", message, details={key: text for key, text in details.items() if text})


def review(kind: str, body: Obj, user: User, owner_of: Callable[[str, Sequence[str]], User | None]) -> Obj:
    """The answer to a review: the same object with its status. owner_of: whose token that is, for some of these
    audiences (none: this server's)."""
    spec: Mapping[str, Any] = body.get("spec") or {}
    for field, part in (
        ("metadata", body.get("metadata")),
        ("spec", spec),
        ("spec.resourceAttributes", spec.get("resourceAttributes") if isinstance(spec, dict) else None),
        ("spec.nonResourceAttributes", spec.get("nonResourceAttributes") if isinstance(spec, dict) else None),
    ):
        if part is not None and not isinstance(part, dict):
            raise ApiError(400, "BadRequest", f"{field} is not an object")
    match kind:
        case "SelfSubjectAccessReview":
            status = _access(user, spec)
        case "SubjectAccessReview" | "LocalSubjectAccessReview":
            groups = [str(group) for group in spec.get("groups") or ()]
            status = _access(named(str(spec.get("user") or ""), groups), spec)
        case "SelfSubjectRulesReview":
            status = {"resourceRules": _rules(user), "nonResourceRules": _PATHS, "incomplete": False}
        case "SelfSubjectReview":
            status = {"userInfo": _info(user)}
        case _:
            audiences = [str(audience) for audience in spec.get("audiences") or ()]
            owner = owner_of(str(spec.get("token") or ""), audiences)
            status = {"authenticated": False}
            if owner is not None:
                status = {
                    "authenticated": True,
                    "user": _info(owner),
                    **({"audiences": audiences} if audiences else {}),
                }
    group = "authentication.k8s.io" if kind in ("SelfSubjectReview", "TokenReview") else "authorization.k8s.io"
    metadata = {"creationTimestamp": None, **(body.get("metadata") or {})}
    return {"kind": kind, "apiVersion": f"{group}/v1", "metadata": metadata, "spec": spec, "status": status}


def _info(user: User) -> dict[str, Any]:
    uid = {"uid": user.uid} if user.uid else {}
    return {"username": user.name, **uid, "groups": list(user.groups)}


def _access(user: User, spec: Mapping[str, Any]) -> dict[str, Any]:
    wanted = spec.get("resourceAttributes")
    if wanted is None:
        allowed = user.may_write or (spec.get("nonResourceAttributes") or {}).get("verb") in READING
    else:
        allowed = may(
            user,
            wanted.get("verb", ""),
            wanted.get("group", ""),
            wanted.get("resource", ""),
            wanted.get("subresource", ""),
        )
    return {"allowed": allowed}


_PATHS = [{"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/openapi/*", "/version"]}]


def _rules(user: User) -> Sequence[Mapping[str, Any]]:
    verbs = ["*"] if user.may_write else list(READING)
    return [{"verbs": verbs, "apiGroups": ["*"], "resources": ["*"]}]
