"""Kustomize, as far as canarium needs it: `render` a folder of a tree into objects with provenance."""

from canarium.gitops.kustomize.render import KustomizeOptions, render
from canarium.gitops.rendered import Provenance, Rendered, RenderError

__all__ = ["KustomizeOptions", "Provenance", "RenderError", "Rendered", "render"]
