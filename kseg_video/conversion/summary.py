"""What a run did: in a few words, as one plain line, and for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kseg_video.core.color_spaces import in_order_of_name
from kseg_video.core.palette import beginnings
from kseg_video.core.text import frames_in_words

if TYPE_CHECKING:
    from kseg_video.conversion.report import Report


def summary_figures(report: Report) -> list[str]:
    """What a run did, a figure in a few words each."""
    figures = [frames_in_words(report.frames), f"{report.seconds:.1f} s"]
    if report.frames > 1:
        figures.append(f"{report.frames_per_second:.0f} fps")
    if report.compactness is not None:
        figures.append(f"compactness {report.compactness:.6g}")
    figures.append(f"inertia {report.inertia:.4g}")
    count, n_real = len(report.palette), report.palette.n_real
    if n_real < count:
        figures.append(f"{n_real} real cluster{'s' if n_real > 1 else ''} of {count}")
    return figures


def summary_line(report: Report) -> str:
    """What a run did, as one plain line."""
    palette = report.palette
    rows = zip(palette.hex_colors, palette.shares.tolist(), palette.real.tolist(), strict=True)
    colors = ", ".join(
        f"{number} {color} {share:.1%}" for number, (color, share, real) in enumerate(rows) if real
    )
    figures = ", ".join(summary_figures(report))
    return "; ".join([f"{report.output}: {figures}", *report.notes, f"palette {colors}"])


def summary_data(report: Report) -> dict[str, Any]:
    """What a run did, for JSON; README documents the fields."""
    info, palette = report.info, report.palette
    data: dict[str, Any] = {
        "input": str(report.source),
        "output": str(report.output),
        "frames": report.frames,
        "seconds": round(report.seconds, 3),
        "fps": round(report.frames_per_second, 2),
        "width": info.width,
        "height": info.height,
        "frame_rate": str(info.frame_rate),
        "color_space": report.settings.color_space,
        "mapping": report.settings.mapping,
        "clusters": len(palette),
        "real_clusters": palette.n_real,
        "palette": [
            {
                "cluster": number,
                "hex": color,
                "first_hex": first,
                "share": round(share, 6),
                "centroid": [round(value, 3) for value in centroid],
                "real": real,
                "disabled": number in report.disabled,
            }
            for number, (color, first, share, centroid, real) in enumerate(
                zip(
                    palette.hex_colors,
                    beginnings(palette, report.first_palette),
                    palette.shares.tolist(),
                    in_order_of_name(palette.centroids, report.settings.color_space).tolist(),
                    palette.real.tolist(),
                    strict=True,
                )
            )
        ],
        "events": [
            {"frame": event.frame, "time": round(event.time, 6), "event": event.event}
            for event in report.events
        ],
        "inertia": float(f"{report.inertia:.7g}"),  # as exact as the distances are
        "stage_ms": {name: round(cost, 3) for name, cost in report.stage_milliseconds.items()},
        "notes": list(report.notes),
        "warnings": list(report.warnings),
    }
    if report.compactness is not None:
        data["compactness"] = report.compactness
    return data
