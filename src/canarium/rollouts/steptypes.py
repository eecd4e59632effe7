"""The steps of a canary as Go prints them: what `status.currentStepHash` is computed over.

Owns: a table of facts about the v1alpha1 Go types of Argo Rollouts 1.10, in the notation of `canarium.text.gojson`.
Must not know: what a step does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canarium.text.gojson import GoTypes

_TYPES = GoTypes("""\
Canary = steps!:[]CanaryStep
CanaryStep = setWeight:*int pause:*RolloutPause experiment:*RolloutExperimentStep analysis:*RolloutAnalysis
  setCanaryScale:*SetCanaryScale setHeaderRoute:*SetHeaderRoute setMirrorRoute:*SetMirrorRoute plugin:*PluginStep
RolloutPause = duration:*intstr
RolloutAnalysis = templates:[]AnalysisTemplateRef args:[]AnalysisRunArgument dryRun:[]DryRun
  measurementRetention:[]MeasurementRetention analysisRunMetadata:*AnalysisRunMetadata
AnalysisTemplateRef = templateName! clusterScope:*bool
AnalysisRunArgument = name! value valueFrom:*ArgumentValueFrom
ArgumentValueFrom = podTemplateHashValue:*str fieldRef:*FieldRef
FieldRef = fieldPath!
DryRun = metricName!
MeasurementRetention = metricName! limit!:int
AnalysisRunMetadata = labels:{}str annotations:{}str
SetCanaryScale = weight:*int replicas:*int matchTrafficWeight:bool
SetHeaderRoute = name match:[]HeaderRoutingMatch
HeaderRoutingMatch = headerName! headerValue!:*StringMatch
StringMatch = exact prefix regex
SetMirrorRoute = name! match:[]RouteMatch percentage:*int
RouteMatch = method:*StringMatch path:*StringMatch headers:{}StringMatch
PluginStep = name! config:raw
RolloutExperimentStep = templates!:[]RolloutExperimentTemplate duration analyses:[]ExperimentAnalysisRef
  dryRun:[]DryRun analysisRunMetadata:AnalysisRunMetadata scaleDownDelaySeconds:*int
ExperimentAnalysisRef = name! templateName! clusterScope:*bool args:[]AnalysisRunArgument requiredForCompletion:bool
RolloutExperimentTemplate = name! specRef! replicas:*int metadata:AnalysisRunMetadata selector:*LabelSelector
  weight:*int service:*TemplateService
TemplateService = name
LabelSelector = matchLabels:{}str matchExpressions:[]LabelSelectorRequirement
LabelSelectorRequirement = key! operator! values:[]str
""")


def canary_steps_json(steps: Sequence[Mapping[str, Any]] | None) -> str:
    """`json.Marshal` of spec.strategy.canary.steps: `null` when there are none.

    Raises GoTypeMismatch, with the field's path, for a value that Go could not decode.
    """
    printed = _TYPES.marshal("Canary", {"steps": None if steps is None else list(steps)})
    return printed.removeprefix('{"steps":').removesuffix("}")
