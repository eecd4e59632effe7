"""The types of node.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
RuntimeClass = ^:TypeMeta metadata@1:ObjectMeta handler!+@2 overhead*@3:Overhead scheduling*@4:Scheduling
Overhead = podFixed@1:core.ResourceList
Scheduling = nodeSelector@1:{}string|atomic tolerations@2:[atomic]core.Toleration
"""
