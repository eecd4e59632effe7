"""The types of policy/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
string := UnhealthyPodEvictionPolicyType
PodDisruptionBudget = ^:TypeMeta metadata@1:ObjectMeta spec@2:PodDisruptionBudgetSpec
    status@3:PodDisruptionBudgetStatus
PodDisruptionBudgetSpec = minAvailable*@1:IntOrString selector*@2:LabelSelector|replace maxUnavailable*@3:IntOrString
    unhealthyPodEvictionPolicy*@4:UnhealthyPodEvictionPolicyType
PodDisruptionBudgetStatus = observedGeneration@1:int64 disruptedPods@2:{}Time disruptionsAllowed!+@3:int32
    currentHealthy!+@4:int32 desiredHealthy!+@5:int32 expectedPods!+@6:int32 conditions@7:[type]Condition|merge:type
Eviction = ^:TypeMeta metadata@1:ObjectMeta deleteOptions*@2:DeleteOptions
"""
