"""benchmarks/results_scale.md from benchmarks/results_scale.json."""

from __future__ import annotations

import statistics

from benchmarks.scale import predict
from benchmarks.scale.network import optimum
from benchmarks.scale.works import WORKS


def data_parallel(found: dict) -> str:
    lines = [
        "| work | beside | 2 workers | theirs | ratio (low to high) |",
        "|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        lines.append(
            f"| {row['work'].removeprefix('2 workers, ')} | {row['peer']} | {row['ours']:,.0f}/s | "
            f"{row['theirs']:,.0f}/s | {row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f}) |"
        )
    lines += [
        "",
        "| work | group | ms a step | CPU ms a step | in collectives, ms | MB sent | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for key, groups in found["groups"].items():
        for name, g in groups.items():
            lines.append(
                f"| {WORKS[key].text} | {name} | {1e3 * statistics.median(g['seconds']):.1f} | "
                f"{1e3 * statistics.median(g['cpu']):.1f} | {1e3 * g['in_collectives']:.1f} | "
                f"{g['bytes_sent'] / 1e6:.2f} | {g['peak_mb']:,.0f} |"
            )
    return "\n".join(lines)


def network(found: dict) -> str:
    lines = [
        "| Mbit/s | ranks | alpha, ms | beta, ns a byte | of the link's | payload of a step over "
        "2 (n-1)/n | interface over payload | a step, ms | predicted, ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for line, step in zip(found["lines"], found["steps"], strict=True):
        share = line["beta"] / (optimum(line["ranks"]) * 8e-6 / line["mbit"])
        lines.append(
            f"| {line['mbit']:g} | {line['ranks']} | {1e3 * line['alpha']:.2f} ± "
            f"{1e3 * line['alpha_error']:.2f} | {1e9 * line['beta']:.2f} ± "
            f"{1e9 * line['beta_error']:.2f} | {share:.3f} | {100 * step['excess']:+.2f} % | "
            f"{100 * (step['interface'] / step['payload'] - 1):+.1f} % | "
            f"{1e3 * step['seconds']:.0f} | {1e3 * step['expected']:.0f} |"
        )
    return "\n".join(lines)


def spark(found: dict) -> str:
    lines = [
        "| rows | directly | through Spark, whole job | of which the workers read | job / direct |",
        "|---|---|---|---|---|",
    ]
    for one in found["throughput"]:
        gb, low_high = one["bytes"] / 1e9, one["spread"]
        lines.append(
            f"| {one['rows']:,} of {one['layout']} | {gb / one['direct_seconds']:.2f} GB/s, "
            f"{one['rows'] / one['direct_seconds']:,.0f}/s | {gb / one['job_seconds']:.3f} GB/s, "
            f"{one['rows'] / one['job_seconds']:,.0f}/s | {gb / one['reading_seconds']:.3f} GB/s | "
            f"{one['job_over_direct']:.1f} ({low_high[0]:.1f} to {low_high[1]:.1f}) |"
        )
    s = found["start"]
    lines += [
        "",
        "| start | seconds |",
        "|---|---|",
        f"| a session | {s['session']:.1f} |",
        f"| fit to the end of the first step, new session | {s['cold_first_step']:.1f} "
        f"({s['cold_spread'][0]:.1f} to {s['cold_spread'][1]:.1f}) |",
        f"| again in that session | {s['warm_first_step']:.1f} ({s['warm_spread'][0]:.1f} to "
        f"{s['warm_spread'][1]:.1f}) |",
    ]
    return "\n".join(lines)


def crossover(found: dict) -> str:
    ways = list(found["seconds"])
    lines = ["| rows | " + " | ".join(ways) + " |", "|---" * (len(ways) + 1) + "|"]
    for rows in found["seconds"][ways[0]]:
        cells = [f"{statistics.median(found['seconds'][way][rows]):.1f} s" for way in ways]
        lines.append(f"| {int(rows):,} | " + " | ".join(cells) + " |")
    fitted = [
        f"{one['alpha']:.1f} ± {one['alpha_error']:.1f} s + {1e6 * one['beta']:.2f} ± "
        f"{1e6 * one['beta_error']:.2f} s a million"
        for one in found["lines"].values()
    ]
    lines.append("| line | " + " | ".join(fitted) + " |")
    return "\n".join(lines)


def study(found: dict) -> str:
    quality = found["quality"]
    names = list(next(iter(quality.values())))
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for model, one in quality.items():
        lines.append(f"| {model} | " + " | ".join(f"{one[name]:.4f}" for name in names) + " |")
    lines += [
        "",
        "| stage | seconds | peak MB, by process | all together, MB | |",
        "|---" * 5 + "|",
    ]
    for name, stage in found["stages"].items():
        peaks = ", ".join(f"{kind} {mb:,}" for kind, mb in stage["peak_mb"].items())
        rate = stage.get("samples_per_second")
        lines.append(
            f"| {name} | {stage['seconds']:.1f} | {peaks} | {stage['together_mb']:,} | "
            + (f"{rate:,.0f} samples/s |" if rate else "|")
        )
    return "\n".join(lines)


def prediction(found: dict) -> str:
    return "\n\n".join(
        predict.table(found, cores, [2, 8, 64, 128, 256], [10.0, 25.0]) for cores in (1, 16)
    )


SECTIONS = {
    "data_parallel": ("Two workers", data_parallel),
    "network": ("Eight workers on a network of their own", network),
    "spark": ("Spark's overhead", spark),
    "crossover": ("One machine or Spark", crossover),
    "study": ("The study's shape", study),
    "constants": ("Prediction", prediction),
}


def markdown(results: dict) -> str:
    m = results["machine"]
    parts = [
        "# Results of scale",
        "`python -m benchmarks.scale.run` wrote this file; docs/scaling.md explains it. "
        f"{m['cores']} cores, {m['gflops']:.0f} GFLOP/s a core, {m['when']}.",
    ]
    for name, (title, text) in SECTIONS.items():
        if name in results:
            one = results[name]
            when = f"\n\n{one['when']}, load {one['load'][0]:.1f}." if "when" in one else ""
            parts.append(f"## {title}{when}\n\n{text(one)}")
    return "\n\n".join(parts) + "\n"
