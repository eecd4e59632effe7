"""The types of autoscaling/v2, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
string := HPAScalingPolicyType HorizontalPodAutoscalerConditionType MetricSourceType MetricTargetType
    ScalingPolicySelect
HorizontalPodAutoscaler = ^:TypeMeta metadata@1:ObjectMeta spec@2:HorizontalPodAutoscalerSpec
    status@3:HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec = scaleTargetRef!+@1:CrossVersionObjectReference minReplicas*@2:int32
    maxReplicas!+@3:int32 metrics@4:[atomic]MetricSpec behavior*@5:HorizontalPodAutoscalerBehavior
CrossVersionObjectReference = kind!+@1 name!+@2 apiVersion@3
MetricSpec = type!+@1:MetricSourceType object*@2:ObjectMetricSource pods*@3:PodsMetricSource
    resource*@4:ResourceMetricSource containerResource*@7:ContainerResourceMetricSource
    external*@5:ExternalMetricSource
ObjectMetricSource = describedObject!+@1:CrossVersionObjectReference target!+@2:MetricTarget
    metric!+@3:MetricIdentifier
MetricTarget = type!+@1:MetricTargetType value*@2:Quantity averageValue*@3:Quantity averageUtilization*@4:int32
MetricIdentifier = name!+@1 selector*@2:LabelSelector
PodsMetricSource = metric!+@1:MetricIdentifier target!+@2:MetricTarget
ResourceMetricSource = name!+@1:core.ResourceName target!+@2:MetricTarget
ContainerResourceMetricSource = name!+@1:core.ResourceName target!+@2:MetricTarget container!+@3
ExternalMetricSource = metric!+@1:MetricIdentifier target!+@2:MetricTarget
HorizontalPodAutoscalerBehavior = scaleUp*@1:HPAScalingRules scaleDown*@2:HPAScalingRules
HPAScalingRules = stabilizationWindowSeconds*@3:int32 selectPolicy*@1:ScalingPolicySelect
    policies@2:[atomic]HPAScalingPolicy tolerance*@4:Quantity
HPAScalingPolicy = type!+@1:HPAScalingPolicyType value!+@2:int32 periodSeconds!+@3:int32
HorizontalPodAutoscalerStatus = observedGeneration*@1:int64 lastScaleTime*@2:Time currentReplicas@3:int32
    desiredReplicas!+@4:int32 currentMetrics+@5:[atomic]MetricStatus
    conditions@6:[type]HorizontalPodAutoscalerCondition|merge:type
MetricStatus = type!+@1:MetricSourceType object*@2:ObjectMetricStatus pods*@3:PodsMetricStatus
    resource*@4:ResourceMetricStatus containerResource*@7:ContainerResourceMetricStatus
    external*@5:ExternalMetricStatus
ObjectMetricStatus = metric!+@1:MetricIdentifier current!+@2:MetricValueStatus
    describedObject!+@3:CrossVersionObjectReference
MetricValueStatus = value*@1:Quantity averageValue*@2:Quantity averageUtilization*@3:int32
PodsMetricStatus = metric!+@1:MetricIdentifier current!+@2:MetricValueStatus
ResourceMetricStatus = name!+@1:core.ResourceName current!+@2:MetricValueStatus
ContainerResourceMetricStatus = name!+@1:core.ResourceName current!+@2:MetricValueStatus container!+@3
ExternalMetricStatus = metric!+@1:MetricIdentifier current!+@2:MetricValueStatus
HorizontalPodAutoscalerCondition = type!+@1:HorizontalPodAutoscalerConditionType status!+@2:core.ConditionStatus
    lastTransitionTime@3:Time reason@4 message@5
"""
