"""The kinds of Argo Rollouts, as the API names them (v1.10 CustomResourceDefinitions)."""

from __future__ import annotations

from canarium.kube.resources import Resource

GROUP = "argoproj.io"

ROLLOUTS = Resource(GROUP, "v1alpha1", "Rollout", "rollouts", short_names=("ro",))
ANALYSIS_TEMPLATES = Resource(
    GROUP, "v1alpha1", "AnalysisTemplate", "analysistemplates", has_status=False, short_names=("at",)
)
CLUSTER_ANALYSIS_TEMPLATES = Resource(
    GROUP,
    "v1alpha1",
    "ClusterAnalysisTemplate",
    "clusteranalysistemplates",
    namespaced=False,
    has_status=False,
    short_names=("cat",),
)
ANALYSIS_RUNS = Resource(GROUP, "v1alpha1", "AnalysisRun", "analysisruns", has_status=False, short_names=("ar",))
EXPERIMENTS = Resource(GROUP, "v1alpha1", "Experiment", "experiments", has_status=False, short_names=("exp",))
