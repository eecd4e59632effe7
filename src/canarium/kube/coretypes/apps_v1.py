"""The types of apps/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
string := DaemonSetConditionType DaemonSetUpdateStrategyType DeploymentConditionType DeploymentStrategyType
    PersistentVolumeClaimRetentionPolicyType PodManagementPolicyType ReplicaSetConditionType StatefulSetConditionType
    StatefulSetUpdateStrategyType
StatefulSet = ^:TypeMeta metadata@1:ObjectMeta spec@2:StatefulSetSpec status@3:StatefulSetStatus
StatefulSetSpec = replicas*@1:int32 selector!+*@2:LabelSelector template!+@3:core.PodTemplateSpec
    volumeClaimTemplates@4:[atomic]core.PersistentVolumeClaim serviceName+@5
    podManagementPolicy@6:PodManagementPolicyType updateStrategy@7:StatefulSetUpdateStrategy
    revisionHistoryLimit*@8:int32 minReadySeconds@9:int32
    persistentVolumeClaimRetentionPolicy*@10:StatefulSetPersistentVolumeClaimRetentionPolicy
    ordinals*@11:StatefulSetOrdinals
StatefulSetUpdateStrategy = type@1:StatefulSetUpdateStrategyType rollingUpdate*@2:RollingUpdateStatefulSetStrategy
RollingUpdateStatefulSetStrategy = partition*@1:int32 maxUnavailable*@2:IntOrString
StatefulSetPersistentVolumeClaimRetentionPolicy = whenDeleted@1:PersistentVolumeClaimRetentionPolicyType
    whenScaled@2:PersistentVolumeClaimRetentionPolicyType
StatefulSetOrdinals = start+@1:int32
StatefulSetStatus = observedGeneration@1:int64 replicas!+@2:int32 readyReplicas@3:int32 currentReplicas@4:int32
    updatedReplicas@5:int32 currentRevision@6 updateRevision@7 collisionCount*@9:int32
    conditions@10:[type]StatefulSetCondition|merge:type availableReplicas+@11:int32
StatefulSetCondition = type!+@1:StatefulSetConditionType status!+@2:core.ConditionStatus lastTransitionTime@3:Time
    reason@4 message@5
Deployment = ^:TypeMeta metadata@1:ObjectMeta spec@2:DeploymentSpec status@3:DeploymentStatus
DeploymentSpec = replicas*@1:int32 selector!+*@2:LabelSelector template!+@3:core.PodTemplateSpec
    strategy@4:DeploymentStrategy|retainKeys minReadySeconds@5:int32 revisionHistoryLimit*@6:int32 paused@7:bool
    progressDeadlineSeconds*@9:int32
DeploymentStrategy = type@1:DeploymentStrategyType rollingUpdate*@2:RollingUpdateDeployment
RollingUpdateDeployment = maxUnavailable*@1:IntOrString maxSurge*@2:IntOrString
DeploymentStatus = observedGeneration@1:int64 replicas@2:int32 updatedReplicas@3:int32 readyReplicas@7:int32
    availableReplicas@4:int32 unavailableReplicas@5:int32 terminatingReplicas*@9:int32
    conditions@6:[type]DeploymentCondition|merge:type collisionCount*@8:int32
DeploymentCondition = type!+@1:DeploymentConditionType status!+@2:core.ConditionStatus lastUpdateTime@6:Time
    lastTransitionTime@7:Time reason@4 message@5
DaemonSet = ^:TypeMeta metadata@1:ObjectMeta spec@2:DaemonSetSpec status@3:DaemonSetStatus
DaemonSetSpec = selector!+*@1:LabelSelector template!+@2:core.PodTemplateSpec updateStrategy@3:DaemonSetUpdateStrategy
    minReadySeconds@4:int32 revisionHistoryLimit*@6:int32
DaemonSetUpdateStrategy = type@1:DaemonSetUpdateStrategyType rollingUpdate*@2:RollingUpdateDaemonSet
RollingUpdateDaemonSet = maxUnavailable*@1:IntOrString maxSurge*@2:IntOrString
DaemonSetStatus = currentNumberScheduled!+@1:int32 numberMisscheduled!+@2:int32 desiredNumberScheduled!+@3:int32
    numberReady!+@4:int32 observedGeneration@5:int64 updatedNumberScheduled@6:int32 numberAvailable@7:int32
    numberUnavailable@8:int32 collisionCount*@9:int32 conditions@10:[type]DaemonSetCondition|merge:type
DaemonSetCondition = type!+@1:DaemonSetConditionType status!+@2:core.ConditionStatus lastTransitionTime@3:Time
    reason@4 message@5
ReplicaSet = ^:TypeMeta metadata@1:ObjectMeta spec@2:ReplicaSetSpec status@3:ReplicaSetStatus
ReplicaSetSpec = replicas*@1:int32 minReadySeconds@4:int32 selector!+*@2:LabelSelector template@3:core.PodTemplateSpec
ReplicaSetStatus = replicas!+@1:int32 fullyLabeledReplicas@2:int32 readyReplicas@4:int32 availableReplicas@5:int32
    terminatingReplicas*@7:int32 observedGeneration@3:int64 conditions@6:[type]ReplicaSetCondition|merge:type
ReplicaSetCondition = type!+@1:ReplicaSetConditionType status!+@2:core.ConditionStatus lastTransitionTime@3:Time
    reason@4 message@5
ControllerRevision = ^:TypeMeta metadata@1:ObjectMeta data@2:RawExtension revision!+@3:int64
"""
