"""The types of batch/v1, in the notation of `table.py`.

Owns: facts. Must not know: how they are read.
Source: Kubernetes 1.34, k8s.io/api: field tags and markers of the types.
"""

TYPES = """
string := CompletionMode ConcurrencyPolicy JobConditionType PodFailurePolicyAction PodFailurePolicyOnExitCodesOperator
    PodReplacementPolicy
Job = ^:TypeMeta metadata@1:ObjectMeta spec@2:JobSpec status@3:JobStatus
JobSpec = parallelism*@1:int32 completions*@2:int32 activeDeadlineSeconds*@3:int64
    podFailurePolicy*@11:PodFailurePolicy successPolicy*@16:SuccessPolicy backoffLimit*@7:int32
    backoffLimitPerIndex*@12:int32 maxFailedIndexes*@13:int32 selector*@4:LabelSelector manualSelector*@5:bool
    template!+@6:core.PodTemplateSpec ttlSecondsAfterFinished*@8:int32 completionMode*@9:CompletionMode
    suspend*@10:bool podReplacementPolicy*@14:PodReplacementPolicy managedBy*@15
PodFailurePolicy = rules!+@1:[atomic]PodFailurePolicyRule
PodFailurePolicyRule = action!+@1:PodFailurePolicyAction onExitCodes*@2:PodFailurePolicyOnExitCodesRequirement
    onPodConditions@3:[atomic]PodFailurePolicyOnPodConditionsPattern
PodFailurePolicyOnExitCodesRequirement = containerName*@1 operator!+@2:PodFailurePolicyOnExitCodesOperator
    values!+@3:[set]int32
PodFailurePolicyOnPodConditionsPattern = type!+@1:core.PodConditionType status!+@2:core.ConditionStatus
SuccessPolicy = rules!+@1:[atomic]SuccessPolicyRule
SuccessPolicyRule = succeededIndexes*@1 succeededCount*@2:int32
JobStatus = conditions@1:[atomic]JobCondition|merge:type startTime*@2:Time completionTime*@3:Time active@4:int32
    succeeded@5:int32 failed@6:int32 terminating*@11:int32 completedIndexes@7 failedIndexes*@10
    uncountedTerminatedPods*@8:UncountedTerminatedPods ready*@9:int32
JobCondition = type!+@1:JobConditionType status!+@2:core.ConditionStatus lastProbeTime@3:Time
    lastTransitionTime@4:Time reason@5 message@6
UncountedTerminatedPods = succeeded@1:[set]UID failed@2:[set]UID
CronJob = ^:TypeMeta metadata@1:ObjectMeta spec@2:CronJobSpec status@3:CronJobStatus
CronJobSpec = schedule!+@1 timeZone*@8 startingDeadlineSeconds*@2:int64 concurrencyPolicy@3:ConcurrencyPolicy
    suspend*@4:bool jobTemplate!+@5:JobTemplateSpec successfulJobsHistoryLimit*@6:int32
    failedJobsHistoryLimit*@7:int32
JobTemplateSpec = metadata@1:ObjectMeta spec@2:JobSpec
CronJobStatus = active@1:[atomic]core.ObjectReference lastScheduleTime*@4:Time lastSuccessfulTime*@5:Time
"""
