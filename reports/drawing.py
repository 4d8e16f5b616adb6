"""From a matplotlib figure to the text of its SVG."""

import io

from matplotlib import pyplot as plt


def svg_text(figure) -> str:
    """The same drawing gives the same text, given RC's "svg.hashsalt". Closes the figure."""
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg", metadata={"Date": None})
    plt.close(figure)
    return drawing.getvalue()
