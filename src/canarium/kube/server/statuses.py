"""metav1.Status: what the API answers when it has no object to answer with.

Owns: the Status of an error and of a deletion. Must not know: HTTP.
Source: Kubernetes 1.34, apimachinery pkg/api/errors and apiserver pkg/endpoints/handlers/responsewriters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canarium.kube.cluster import ApiError
from canarium.kube.objects import Obj
from canarium.kube.patch.server_side import ApplyConflict
from canarium.kube.resources import Resource


def failure(error: ApiError) -> Obj:
    """The Status of an error, with its causes."""
    details: dict[str, Any] = dict(error.details) if isinstance(error.details, Mapping) else {}
    if error.causes and "causes" not in details:
        details["causes"] = [
            {"reason": reason, "message": message, "field": field} for field, reason, message in error.causes
        ]
    apply_conflict = isinstance(
        error, ApplyConflict
    )  # clients put the message into a sentence and add advice of theirs
    message = f"{error.message}. {error.next_step}" if error.next_step and not apply_conflict else error.message
    status: Obj = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": error.reason,
        "code": error.code,
    }
    if details:
        status["details"] = details
    return status


def deleted(resource: Resource, name: str, uid: str) -> Obj:
    """The Status of an object that is gone."""
    details = {"name": name, "group": resource.group, "kind": resource.plural, "uid": uid}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }


def unauthorized() -> ApiError:
    """401: no token, or one that nobody has."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def not_found_path() -> ApiError:
    """404 for a path that is no resource's."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", details={})


def not_allowed() -> ApiError:
    """405: that resource does not do that."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def not_built(what: str, instead: str) -> ApiError:
    """501: known, and not built."""
    return ApiError(501, "NotImplemented", f"{what} is not built", next_step=instead)
