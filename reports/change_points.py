"""Where a noisy series changes its level: E-divisive, as databases use it to find regressions in their
benchmarks.

Matteson and James, "A nonparametric approach for multiple change point analysis of multivariate data", JASA
2014; Daly et al., "The use of change point detection to identify software performance regressions in a
continuous integration system", ICPE 2020.
"""

import numpy as np

SEGMENT_MIN = 4  # values on each side of a change: one slow run is no change
PERMUTATIONS = 1999
SIGNIFICANCE = 0.001
LEVEL_MIN = (
    0.02  # of the level before: smaller changes are not worth a look, however certain
)


def change_points(values: list[float]) -> list[int]:
    """The indices at which a new level begins, in order. The same values give the same result."""
    series = np.asarray(values, dtype=float)
    found: list[int] = []
    segments = [(0, len(series))]
    while segments:
        begin, end = segments.pop()
        at = _change(series[begin:end])
        if at is not None:
            found.append(begin + at)
            segments += [(begin, begin + at), (begin + at, end)]
    return sorted(found)


def _change(series: np.ndarray) -> int | None:
    """The best place to cut the series in two; None when chance would do as well."""
    if len(series) < 2 * SEGMENT_MIN:
        return None
    statistics = _divergences(series)
    at = int(np.argmax(statistics))
    cut = at + SEGMENT_MIN
    before, after = np.median(series[:cut]), np.median(series[cut:])
    if abs(after - before) < LEVEL_MIN * abs(before):
        return None
    random = np.random.default_rng(len(series))
    as_good = 0
    for _ in range(PERMUTATIONS):
        as_good += _divergences(random.permutation(series)).max() >= statistics[at]
        if (as_good + 1) / (PERMUTATIONS + 1) > SIGNIFICANCE:
            return None
    return cut


def _divergences(series: np.ndarray) -> np.ndarray:
    """For each cut that leaves SEGMENT_MIN values on both sides, the energy distance of the two, scaled."""
    count = len(series)
    distances = np.abs(series[:, None] - series[None, :])
    # sums[i, j]: of the distances of the first i values to the first j.
    sums = np.zeros((count + 1, count + 1))
    sums[1:, 1:] = distances.cumsum(0).cumsum(1)
    left = np.arange(SEGMENT_MIN, count - SEGMENT_MIN + 1)
    right = count - left
    within_left = sums[left, left]
    across = sums[left, count] - within_left
    within_right = sums[count, count] - within_left - 2 * across
    energy = (
        2 * across / (left * right)
        - within_left / (left * (left - 1))
        - within_right / (right * (right - 1))
    )
    return left * right / count * energy
