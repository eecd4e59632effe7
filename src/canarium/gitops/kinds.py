"""The kinds of Argo CD, as the API names them (v3 CustomResourceDefinitions; Application has no status subresource)."""

from __future__ import annotations

from canarium.kube.resources import Resource

GROUP = "argoproj.io"

APPLICATIONS = Resource(GROUP, "v1alpha1", "Application", "applications", has_status=False, short_names=("app", "apps"))
APPLICATION_SETS = Resource(GROUP, "v1alpha1", "ApplicationSet", "applicationsets", short_names=("appset", "appsets"))
APP_PROJECTS = Resource(
    GROUP, "v1alpha1", "AppProject", "appprojects", has_status=False, short_names=("appproj", "appprojs")
)
