"""A metric and a strategy from outside."""

from distbench import Metric, Strategy, hookimpl, primary


class Width(Metric):
    """Number of classes of the source."""

    def score(self, probe):
        return float(probe.source.num_classes)


class Last(Strategy):
    """All weight on the last of the best sources."""

    count: int = primary(1, ge=1)

    def weigh(self, scores, sources, context=None):
        return (scores.argsort().argsort() >= len(scores) - self.count) / self.count


@hookimpl
def distbench_metrics():
    return {"width": "distbench_good:Width"}


@hookimpl
def distbench_strategies():
    return {"last": "distbench_good:Last"}
