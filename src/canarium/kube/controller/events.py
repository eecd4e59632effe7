"""Events: what a controller tells people about an object, repeated tellings counted.

Owns: the Event object's shape and its deduplication. Source: client-go tools/record (core/v1 Event).
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from canarium.kube.cluster import AlreadyExists, Cluster, NotFound
from canarium.kube.decision import EventNote
from canarium.kube.objects import Obj, format_time
from canarium.kube.resources import EVENTS


def event_for(subject: Obj, note: EventNote, *, component: str, at: datetime) -> Obj:
    """The Event object for a note about `subject`; its name follows from what is told, so telling twice finds it."""
    metadata = subject["metadata"]
    namespace = metadata.get("namespace") or "default"
    told = f"{metadata['uid']}/{note.type}/{note.reason}/{note.message}/{component}"
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    time = format_time(at)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{digest}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": subject["apiVersion"],
            "kind": subject["kind"],
            "name": metadata["name"],
            "namespace": namespace,
            "resourceVersion": metadata.get("resourceVersion", ""),
            "uid": metadata["uid"],
        },
        "type": note.type,
        "reason": note.reason,
        "message": note.message,
        "count": 1,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
    }


async def record_event(cluster: Cluster, event: Obj) -> None:
    """Store an Event, or count one more where it was told before. Raises ApiError."""
    metadata = event["metadata"]
    try:
        await cluster.create(EVENTS, event)
    except AlreadyExists:
        former = await cluster.get(EVENTS, metadata["namespace"], metadata["name"])
        patch = {"count": former.get("count", 1) + 1, "lastTimestamp": event["lastTimestamp"]}
        await cluster.patch(EVENTS, metadata["namespace"], metadata["name"], patch)
    except NotFound:
        return  # its namespace is gone, and with it everyone who would read it
