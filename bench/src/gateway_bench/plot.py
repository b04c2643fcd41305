"""The plot for people. matplotlib is imported here alone: `./gateway up` does not install it."""

from __future__ import annotations

from pathlib import Path

from gateway_bench.measuring import Results

__all__ = ["draw"]

_PANELS = (
    ("Requests per second", ("floor.", "orders.", "payments.create"), "rate"),
    ("CPU of the app per request, µs", ("orders.", "payments.create", "settle.", "webhooks."), "app_cpu_us"),
    ("How it grows: requests per second", ("connections.", "merchants.", "rows.", "processes.", "payments.list"), "rate"),
    ("Jobs per second", ("settle.", "webhooks."), "rate"),
)
_WIDTH_INCHES = 15.0
_BAR_INCHES = 0.32
_MARGIN_INCHES = 1.2


def draw(results: Results, file: Path) -> None:
    """Bars of the medians, with the range of the rounds; the file's suffix says the format."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = []
    for title, prefixes, figure in _PANELS:
        names = [
            name for name in results.rounds if name.startswith(prefixes) and all(figure in each for each in results.rounds[name])
        ]
        if names:
            panels.append((title, names, figure))
    heights = [max(len(names), 2) * _BAR_INCHES for _, names, _ in panels]
    drawing, axes = pyplot.subplots(
        len(panels),
        1,
        squeeze=False,
        figsize=(_WIDTH_INCHES, sum(heights) + _MARGIN_INCHES * len(panels)),
        height_ratios=heights,
        layout="constrained",
    )
    for (title, names, figure), (axis,) in zip(panels, axes, strict=True):
        medians = [results.medians(name)[figure] for name in names]
        below = [middle - min(each[figure] for each in results.rounds[name]) for name, middle in zip(names, medians, strict=True)]
        above = [max(each[figure] for each in results.rounds[name]) - middle for name, middle in zip(names, medians, strict=True)]
        colours = ["#9aa5b1" if name.startswith("floor.") else "#3366cc" for name in names]
        axis.barh(names, medians, xerr=[below, above], color=colours, error_kw={"ecolor": "#222222", "capsize": 3})
        axis.invert_yaxis()
        axis.set_title(title, loc="left")
        axis.grid(axis="x", alpha=0.3)
    drawing.savefig(file)
    pyplot.close(drawing)
