"""A Cluster somewhere else: any real API server over HTTP."""

from canarium.kube.remote.cluster import RemoteCluster

__all__ = ["RemoteCluster"]
