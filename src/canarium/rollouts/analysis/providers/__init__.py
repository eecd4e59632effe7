"""Where measurements come from: one module per provider, and the choice between them.

Owns: the `Provider` port, how a metric finds its provider, and the shape of a measurement. Must not know: counting
rules. Behaviour follows Argo Rollouts 1.10 `metricproviders`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

import msgspec

from canarium.clock import Clock
from canarium.errors import CanariumError
from canarium.kube.objects import Obj, format_time
from canarium.nodes.network import Network
from canarium.rollouts.analysis.validation import provider_names

CONTROLLER_NAMESPACE = "argo-rollouts"
"""Where Argo's controller runs, so where a short name in an address would be looked up."""


class ProviderError(CanariumError):
    """A metric's provider cannot be set up. `problem` becomes the message of an Error measurement."""


class Peers(msgspec.Struct, frozen=True, kw_only=True):
    """What providers may use. prometheus_address: for metrics without one, as ARGO_ROLLOUTS_PROMETHEUS_ADDRESS is."""

    network: Network
    clock: Clock
    prometheus_address: str = ""


class Provider(Protocol):
    """Takes measurements of one metric, whose arguments are filled in."""

    def metadata(self) -> dict[str, str]:
        """What to keep about the metric beside its measurements."""
        ...

    async def run(self) -> Obj:
        """Start a measurement, and finish it if the provider can. Never raises for what a peer answers."""
        ...

    async def resume(self, measurement: Obj) -> Obj:
        """Go on with one that is under way."""
        ...

    async def terminate(self, measurement: Obj) -> Obj:
        """End one that is under way."""
        ...


def new_provider(metric: Obj, peers: Peers) -> Provider:
    """The provider a metric names. Raises ProviderError for what it cannot work with."""
    [name] = provider_names(metric)
    if name == "prometheus":
        # Each provider builds on this module, and is loaded only where a metric names it.
        from canarium.rollouts.analysis.providers.prometheus import PrometheusProvider

        return PrometheusProvider(metric, peers)
    raise ProviderError(
        f"canarium cannot measure with the provider {name} yet (metric '{metric.get('name', '')}')",
        field=f"provider.{name}",
        next_step="Use prometheus, or mark the metric as dryRun while you try the rest.",
    )


def finished(
    phase: str, started_at: datetime, finished_at: datetime, *, value: str = "", message: str = "", **more: Any
) -> Obj:
    """A measurement that is over, as status holds it; empty parts are left out."""
    measurement: Obj = {"phase": phase, "startedAt": format_time(started_at), "finishedAt": format_time(finished_at)}
    if value:
        measurement["value"] = value
    if message:
        measurement["message"] = message
    measurement.update((key, part) for key, part in more.items() if part)
    return measurement
