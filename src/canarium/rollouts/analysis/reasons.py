"""Why an AnalysisRun is where it is: typed reasons, each with the metric, value, condition, limit or error behind it.

Owns: the reasons that the analysis rules give. Must not know: how they are reached. `str()` is the sentence users read;
where upstream has a message for the same fact, it is that message.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from canarium.kube.decision import Reason


class MetricMeasured(Reason, frozen=True):
    """One measurement was taken. value: as stored; empty when there is none. error: what the provider said."""

    metric: str
    phase: str
    value: str
    condition: str
    error: str

    def __str__(self) -> str:
        found = f"the value is {self.value}" if self.value else "there is no value"
        rule = f" ({self.condition})" if self.condition else ""
        said = f': "{self.error}"' if self.error else ""
        return f'Metric "{self.metric}" measured {self.phase}: {found}{rule}{said}'


class LimitExceeded(Reason, frozen=True):
    """A metric ended because one of its counters passed its limit.

    counter, limit_name: upstream's words (`failed` > `failureLimit`, `inconclusive` > `inconclusiveLimit`,
    `consecutiveErrors` > `consecutiveErrorLimit`). value, condition, error: of the last measurement.
    """

    metric: str
    phase: str
    counter: str
    count: int
    limit_name: str
    limit: int
    value: str = ""
    condition: str = ""
    error: str = ""

    @property
    def why(self) -> str:
        """`failed (1) > failureLimit (0)`."""
        return f"{self.counter} ({self.count}) > {self.limit_name} ({self.limit})"

    def __str__(self) -> str:
        return assessed(self.metric, self.phase, self.why, self.error)


def assessed(metric: str, phase: str, why: str, error: str) -> str:
    """Upstream's message of a run that one metric decided."""
    said = f': "Error Message: {error}"' if error else ""
    return f'Metric "{metric}" assessed {phase} due to {why}{said}'


class CountReached(Reason, frozen=True):
    """A metric ended because it was measured as often as asked, and no limit was passed."""

    metric: str
    count: int

    def __str__(self) -> str:
        return f'Metric "{self.metric}" assessed Successful: count ({self.count}) reached'


class EnoughSuccesses(Reason, frozen=True):
    """A metric ended because it was successful often enough in a row."""

    metric: str
    limit: int

    def __str__(self) -> str:
        return f'Metric "{self.metric}" assessed Successful: consecutiveSuccessLimit ({self.limit}) reached'


class TooFewSuccesses(Reason, frozen=True):
    """A metric was measured as often as asked without consecutiveSuccessLimit being reached.

    Inconclusive where a failureLimit applies too, Failed where it is disabled (-1).
    """

    metric: str
    phase: str
    count: int
    in_a_row: int
    limit: int

    def __str__(self) -> str:
        return (
            f'Metric "{self.metric}" assessed {self.phase}: count ({self.count}) reached with '
            f"{self.in_a_row} successes in a row, consecutiveSuccessLimit ({self.limit}) asks for more"
        )


class MetricStopped(Reason, frozen=True):
    """A metric that would have gone on was stopped with its run, which counts as Successful."""

    metric: str

    def __str__(self) -> str:
        return f'Metric "{self.metric}" assessed Successful: the run was terminated'


class WaitingToMeasure(Reason, frozen=True):
    """The next measurement of a metric is not due yet."""

    metric: str
    after: Literal["interval", "initialDelay", "error", "resumeAt"]
    left: timedelta

    def __str__(self) -> str:
        what = {
            "interval": "is measured again",
            "initialDelay": "is measured for the first time",
            "error": "is tried again after an error",
            "resumeAt": "is looked at again",
        }[self.after]
        return f'Metric "{self.metric}" {what} in {self.left.total_seconds():g}s'


class MeasurementUnfinished(Reason, frozen=True):
    """A measurement is under way and nobody said when to look again."""

    metric: str

    def __str__(self) -> str:
        return f'Metric "{self.metric}" is being measured'


class RunStopping(Reason, frozen=True):
    """No further measurements: somebody asked for it, or a metric has ended badly (`metric`, `phase`)."""

    metric: str = ""
    phase: str = ""

    def __str__(self) -> str:
        if self.metric:
            return f'No further measurements: metric "{self.metric}" is {self.phase}'
        return "No further measurements: the run was told to terminate"


class RunCompleted(Reason, frozen=True):
    """The run ended just now. message: as in its status."""

    phase: str
    message: str

    def __str__(self) -> str:
        return f"Analysis Completed. Result: {self.phase}" + (f": {self.message}" if self.message else "")


class NotMeasurable(Reason, frozen=True):
    """The run cannot be measured as it stands. message: as in its status; field, next_step: what to mend."""

    message: str
    field: str = ""
    next_step: str = ""

    def __str__(self) -> str:
        return self.message


class AlreadyCompleted(Reason, frozen=True):
    """The run ended earlier; nothing is left to do. expires_in: until its time to live is over, if it has one."""

    phase: str
    expires_in: timedelta | None = None

    def __str__(self) -> str:
        tail = "" if self.expires_in is None else f"; it is deleted in {self.expires_in.total_seconds():g}s"
        return f"Analysis is {self.phase}{tail}"


class TimeToLiveOver(Reason, frozen=True):
    """The run ended longer ago than its ttlStrategy keeps it."""

    phase: str
    ttl: timedelta

    def __str__(self) -> str:
        return f"Analysis was {self.phase} for more than {self.ttl.total_seconds():g}s (ttlStrategy)"


class BeingDeleted(Reason, frozen=True):
    """The run is on its way out."""

    def __str__(self) -> str:
        return "Analysis is being deleted"
