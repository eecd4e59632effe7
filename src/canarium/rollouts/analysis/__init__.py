"""Analysis: templates, and how an AnalysisRun is made from them, measured and judged, as Argo Rollouts 1.10 does."""
