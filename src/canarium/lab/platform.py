"""What runs in a cluster before anybody deploys anything: namespaces, the default project, DNS, metrics.

Owns: the platform's objects. Must not know: how they are run. Names and labels are those that a cluster with Argo CD,
Argo Rollouts, the Prometheus chart and the kube-state-metrics chart has; in namespace prometheus there is one Service.
"""

from __future__ import annotations

from typing import Any

from canarium.gitops.kinds import APP_PROJECTS
from canarium.kube.objects import Obj
from canarium.kube.resources import DEPLOYMENTS, NAMESPACES, SERVICES, Resource

NAMESPACE_NAMES = ("default", "kube-system", "kube-public", "argocd", "argo-rollouts", "prometheus")
DNS_ADDRESS = "10.96.0.10"
KUBE_STATE_METRICS_IMAGE = "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.20.0"
PROMETHEUS_IMAGE = "quay.io/prometheus/prometheus:v3.14.0"

_KUBE_STATE_METRICS_LABELS = {
    "app.kubernetes.io/component": "metrics",
    "app.kubernetes.io/instance": "kube-state-metrics",
    "app.kubernetes.io/managed-by": "canarium",
    "app.kubernetes.io/name": "kube-state-metrics",
    "app.kubernetes.io/part-of": "kube-state-metrics",
    "app.kubernetes.io/version": "2.20.0",
}
_PROMETHEUS_LABELS = {
    "app.kubernetes.io/component": "server",
    "app.kubernetes.io/instance": "prometheus",
    "app.kubernetes.io/managed-by": "canarium",
    "app.kubernetes.io/name": "prometheus",
    "app.kubernetes.io/part-of": "prometheus",
    "app.kubernetes.io/version": "v3.14.0",
}


def namespaces() -> list[tuple[Resource, Obj]]:
    """The namespaces of the platform."""
    return [(NAMESPACES, {"metadata": {"name": name}}) for name in NAMESPACE_NAMES]


def platform() -> list[tuple[Resource, Obj]]:
    """Everything else, in the order to create it."""
    project = {
        "metadata": {"name": "default", "namespace": "argocd"},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"namespace": "*", "server": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }
    dns = {
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
        "spec": {
            "clusterIP": DNS_ADDRESS,
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}],
        },
    }
    return [
        (APP_PROJECTS, project),
        (SERVICES, dns),
        *_server(
            "kube-state-metrics",
            "kube-system",
            KUBE_STATE_METRICS_IMAGE,
            port=8080,
            service_port=8080,
            labels=_KUBE_STATE_METRICS_LABELS,
            annotations={"prometheus.io/scrape": "true"},
        ),
        *_server(
            "prometheus-server",
            "prometheus",
            PROMETHEUS_IMAGE,
            port=9090,
            service_port=80,
            labels=_PROMETHEUS_LABELS,
            annotations={},
        ),
    ]


def _server(
    name: str,
    namespace: str,
    image: str,
    *,
    port: int,
    service_port: int,
    labels: dict[str, str],
    annotations: dict[str, str],
) -> list[tuple[Resource, Obj]]:
    """A one-replica Deployment and its Service."""
    selector = {key: labels[key] for key in ("app.kubernetes.io/name", "app.kubernetes.io/instance")}
    container: dict[str, Any] = {
        "name": name,
        "image": image,
        "ports": [{"name": "http", "containerPort": port}],
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 10},
    }
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    deployment = {
        "metadata": metadata,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": selector},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    service = {
        "metadata": {**metadata, "annotations": annotations},
        "spec": {"selector": selector, "ports": [{"name": "http", "port": service_port, "targetPort": port}]},
    }
    return [(DEPLOYMENTS, deployment), (SERVICES, service)]
