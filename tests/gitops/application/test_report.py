"""The text of an Application, in the form of `argocd app get`."""

from __future__ import annotations

from typing import Any

from canarium.gitops.application.report import (
    application_text,
    columns,
    history_text,
    list_text,
    operation_text,
    out_of_sync_text,
    summary_text,
)

SHA = "34a84f7697e717c99d2232f2533b11b457c3235d"
SOURCE = {"repoURL": "https://example.com/shop.git", "path": "overlays/prod", "targetRevision": "HEAD"}


def app(spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    """An Application that is in sync and healthy."""
    return {
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": SOURCE,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            **(spec or {}),
        },
        "status": {"sync": {"status": "Synced", "revision": SHA}, "health": {"status": "Healthy"}, **status},
    }


SERVICE = {"kind": "Service", "namespace": "shop", "name": "shop", "status": "Synced", "health": {"status": "Healthy"}}
ROLLOUT = {
    "group": "argoproj.io",
    "kind": "Rollout",
    "namespace": "shop",
    "name": "shop",
    "status": "OutOfSync",
    "health": {"status": "Missing"},
}
STATE = {
    "phase": "Succeeded",
    "message": "successfully synced (all tasks run)",
    "startedAt": "2026-01-31T12:00:00Z",
    "finishedAt": "2026-01-31T12:01:05Z",
    "syncResult": {
        "revision": SHA,
        "resources": [
            {
                "group": "",
                "kind": "Namespace",
                "namespace": "",
                "name": "shop",
                "status": "Synced",
                "hookPhase": "Succeeded",
                "message": "namespace/shop created",
            },
            {"group": "", **SERVICE, "hookPhase": "Running", "message": "service/shop created"},
        ],
    },
}


def test_an_application_is_shown_with_its_resources() -> None:
    told = application_text(app(resources=[ROLLOUT, SERVICE], operationState=STATE))

    assert [line.rstrip() for line in told.splitlines()] == [
        "Name:               argocd/shop",
        "Project:            default",
        "Server:             https://kubernetes.default.svc",
        "Namespace:          shop",
        "Source:",
        "- Repo:             https://example.com/shop.git",
        "  Target:           HEAD",
        "  Path:             overlays/prod",
        "SyncWindow:         Sync Allowed",
        "Sync Policy:        Manual",
        "Sync Status:        Synced to HEAD (34a84f7)",
        "Health Status:      Healthy",
        "",
        "GROUP        KIND       NAMESPACE  NAME  STATUS     HEALTH   HOOK  MESSAGE",
        "             Namespace             shop  Succeeded  Synced         namespace/shop created",
        "             Service    shop       shop  Synced     Healthy        service/shop created",
        "argoproj.io  Rollout    shop       shop  OutOfSync  Missing",
    ]


def test_what_is_wrong_is_told() -> None:
    condition = {"type": "SyncError", "message": "no such path", "lastTransitionTime": "2026-01-31T12:00:00Z"}
    told = application_text(
        app(
            {"source": {**SOURCE, "targetRevision": SHA}, "syncPolicy": {"automated": {"prune": True}}},
            sync={"status": "OutOfSync", "revision": SHA},
            health={"status": "Degraded", "message": "Caused by a Rollout"},
            conditions=[condition],
        )
    )

    assert "Sync Policy:        Automated (Prune)\n" in told
    assert f"Sync Status:        OutOfSync from {SHA}\n" in told
    assert "Health Status:      Degraded (Caused by a Rollout)\n" in told
    assert told.endswith(
        "\nCONDITION  MESSAGE       LAST TRANSITION\nSyncError  no such path  2026-01-31 12:00:00 +0000 UTC\n"
    )


def test_an_application_that_nobody_looked_at_yet_is_shown_too() -> None:
    fresh = {**app(), "status": None}

    assert summary_text(fresh).endswith("Sync Status:        \nHealth Status:      \n")
    assert list_text([fresh]).splitlines()[1].split()[:4] == [
        "argocd/shop",
        "https://kubernetes.default.svc",
        "shop",
        "default",
    ]


def test_automation_that_is_switched_off_is_manual() -> None:
    switched_off = app({"syncPolicy": {"automated": {"enabled": False, "prune": True}}})

    assert "Sync Policy:        Manual\n" in summary_text(switched_off)
    assert "  Manual  " in list_text([switched_off])


def test_conditions_are_counted_in_a_list() -> None:
    noisy = app(conditions=[{"type": "SyncError"}, {"type": "OrphanedResourceWarning"}, {"type": "SyncError"}])

    assert "OrphanedResourceWarning,SyncError(2)" in list_text([noisy], is_wide=False)


def test_an_operation() -> None:
    assert operation_text(STATE).splitlines() == [
        "Operation:          Sync",
        f"Sync Revision:      {SHA}",
        "Phase:              Succeeded",
        "Start:              2026-01-31 12:00:00 +0000 UTC",
        "Finished:           2026-01-31 12:01:05 +0000 UTC",
        "Duration:           1m5s",
        "Message:            successfully synced (all tasks run)",
    ]


def test_history_has_a_block_for_each_repository() -> None:
    entry = {"id": 3, "deployedAt": "2026-01-31T12:00:00Z", "revision": SHA, "source": SOURCE}
    other = {**entry, "id": 4, "source": {**SOURCE, "repoURL": "https://example.com/other.git"}}

    assert history_text(app(history=[entry, other])).splitlines() == [
        "SOURCE  https://example.com/shop.git",
        "ID      DATE                           REVISION",
        "3       2026-01-31 12:00:00 +0000 UTC  HEAD (34a84f7)",
        "",
        "SOURCE  https://example.com/other.git",
        "ID      DATE                           REVISION",
        "4       2026-01-31 12:00:00 +0000 UTC  HEAD (34a84f7)",
    ]
    assert history_text(app()) == ""


def test_what_is_out_of_sync_is_told_with_what_a_sync_would_do() -> None:
    pruned = {**SERVICE, "status": "OutOfSync", "requiresPruning": True}

    assert out_of_sync_text(app(resources=[SERVICE])) == ""
    assert out_of_sync_text(app(resources=[ROLLOUT, pruned])).splitlines() == [
        "===== argoproj.io/Rollout shop/shop ======",
        "OutOfSync: a sync would create it",
        "===== /Service shop/shop ======",
        "OutOfSync: a sync would prune it",
    ]


def test_a_column_ends_where_a_row_does_not_have_it() -> None:
    assert columns([("a", "long text"), ("b", "c", "d"), ("longer", "e")]) == (
        "a       long text\nb       c  d\nlonger  e\n"
    )
