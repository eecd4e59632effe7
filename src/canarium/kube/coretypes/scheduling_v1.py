"""The types of scheduling.k8s.io/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
PriorityClass = ^:TypeMeta metadata@1:ObjectMeta value!+@2:int32 globalDefault@3:bool description@4
    preemptionPolicy*@5:core.PreemptionPolicy
"""
