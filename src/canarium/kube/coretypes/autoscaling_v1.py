"""The types of autoscaling/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
HorizontalPodAutoscaler = ^:TypeMeta metadata@1:ObjectMeta spec@2:HorizontalPodAutoscalerSpec
    status@3:HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec = scaleTargetRef!+@1:CrossVersionObjectReference minReplicas*@2:int32
    maxReplicas!+@3:int32 targetCPUUtilizationPercentage*@4:int32
CrossVersionObjectReference = |atomic kind!+@1 name!+@2 apiVersion@3
HorizontalPodAutoscalerStatus = observedGeneration*@1:int64 lastScaleTime*@2:Time currentReplicas!+@3:int32
    desiredReplicas!+@4:int32 currentCPUUtilizationPercentage*@5:int32
Scale = ^:TypeMeta metadata@1:ObjectMeta spec@2:ScaleSpec status@3:ScaleStatus
ScaleSpec = replicas@1:int32=0
ScaleStatus = replicas!+@1:int32 selector@2
"""
