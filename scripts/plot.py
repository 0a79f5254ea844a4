#!/usr/bin/env python3
# Draws the curves that scripts/bench growth measured: a picture for each, in docs/img.
"""usage: scripts/plot.py [growth.json] [FOLDER]

Needs matplotlib (scripts/install-needs plots). Both axes are logarithmic: what is flat does not
grow, what rises by one decade in a decade grows in proportion.
"""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
SIZE = (6, 3.6)  # inches
DPI = 110


def draw(pyplot, curve, folder):
    """One picture; each figure is a line with an axis of its own at the side, at most two."""
    picture, left = pyplot.subplots(figsize=SIZE)
    lines = []
    for place, name in enumerate(curve["shown"][:2]):
        axes = left if place == 0 else left.twinx()
        points = [(one["n"], one["figures"][name]["median"]) for one in curve["points"]
                  if name in one["figures"] and one["figures"][name]["median"] > 0]
        if not points:
            continue
        unit = next(one["figures"][name]["unit"] for one in curve["points"]
                    if name in one["figures"])
        lines += axes.plot(*zip(*points), marker="o", color=f"C{place}", label=name)
        axes.set_ylabel(f"{name}, {unit}", color=f"C{place}")
        axes.set_xscale("log")
        axes.set_yscale("log")
        top, bottom = max(y for _, y in points), min(y for _, y in points)
        axes.set_ylim(bottom / 4, top * 4)
    left.set_xlabel(curve["what"])
    left.grid(True, alpha=0.3)
    picture.tight_layout()
    path = folder / f"growth-{curve['curve']}.png"
    picture.savefig(path, dpi=DPI)
    pyplot.close(picture)
    return path


def main():
    try:
        import matplotlib
    except ImportError:
        print("there is no matplotlib: scripts/install-needs plots brings it", file=sys.stderr)
        return 1
    matplotlib.use("Agg")
    from matplotlib import pyplot
    words = sys.argv[1:]
    curves = json.loads(pathlib.Path(words[0] if words else "growth.json").read_text())
    folder = pathlib.Path(words[1]) if len(words) > 1 else ROOT / "docs" / "img"
    folder.mkdir(parents=True, exist_ok=True)
    for curve in curves:
        print(draw(pyplot, curve, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
