"""Compare forecasts of a level that was left out with the level's own logged runs.

python experiments/compute_curve/run.py RUNS... [--seeds 5]. 'demo' is the shipped log.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)
sys.path.insert(0, str(Path(__file__).parents[1]))
from candidates import Series, Table, at_place, cost_by_prices, gaussian_process, neighbours, on_line, saturating
from logs import filled, read_log

import paretoroute as pr
from paretoroute.fitting.points.unlogged import EFFORT_PLACES

NAMES = (
    "line over log amount", "line over log tokens (used)", "pooled saturating curve", "curve and its residuals",
    "Gaussian process",
)  # fmt: skip
RIDGES = (1.0, 3.0, 10.0, 30.0, 100.0)


def series_of(runs: pr.Runs) -> list[Series]:
    """Return the models with at least three ordered levels of one kind."""
    groups: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for j, point in enumerate(runs.points):
        budget = point.budget
        place = EFFORT_PLACES.get(budget.label.split("(")[0]) if budget.kind == "effort" else budget.amount
        if place is not None and budget.kind != "none":
            groups.setdefault((point.model, budget.kind), []).append((float(place), j))
    levels = {key: sorted(group) for key, group in groups.items() if len(group) >= 3}
    return [Series(k[1], np.array([j for _, j in g]), np.array([a for a, _ in g])) for k, g in levels.items()]


def ngrams(texts) -> np.ndarray:
    """Return hashed character 3-grams, rows of length 1, and whether there is a text."""
    x = np.zeros((len(texts), 1024))
    for row, text in zip(x, texts, strict=True):
        for start in range(len(text or "") - 2):
            row[zlib.crc32(text[start : start + 3].lower().encode()) % 1023] += 1
        np.sqrt(row, out=row)
        row /= max(np.linalg.norm(row), 1e-9)
        row[1023] = 1.0 if not text else 0.0
    return x


def ridge(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Forecast deviations from the mean at new rows; one strength for all points, by leave-one-out error."""
    centre = x.mean(0)
    gram, cross = (x - centre) @ (x - centre).T, (new - centre) @ (x - centre).T
    values, vectors = np.linalg.eigh(gram)
    residual, answers = y - y.mean(0), []
    for strength in RIDGES:
        inverse = (vectors / (values + strength)) @ vectors.T
        weights = inverse @ residual
        answers.append((((weights / np.diag(inverse)[:, None]) ** 2).mean(), weights))
    return cross @ min(answers, key=lambda answer: answer[0])[1]


@dataclass(frozen=True)
class Means:
    """Training means of every point, ``(points,)``; ``error`` is the standard error of quality."""

    quality: np.ndarray
    error: np.ndarray
    cost_usd: np.ndarray
    prompts: np.ndarray
    tokens: np.ndarray


def table_of(series, places, values, errors, hide: tuple[int, int] | None) -> tuple[Table, float]:
    """Return the padded table of a log, and the unit of its values."""
    shape = (len(series), max(len(s.columns) for s in series))
    place, value, error, seen = np.full(shape, np.nan), np.zeros(shape), np.ones(shape), np.zeros(shape, bool)
    for i, s in enumerate(series):
        n = len(s.columns)
        place[i, :n], value[i, :n], error[i, :n], seen[i, :n] = places[i], values[i], errors[i], True
    if hide is not None:
        seen[hide] = False
    spread = [np.ptp(value[i][seen[i]]) for i in range(len(series))]
    unit = max(float(np.mean(spread)), 1e-6)
    place -= np.nanmin(np.where(seen | np.isfinite(place), place, np.nan), 1)[:, None]
    names = sorted({s.kind for s in series})
    kinds = np.array([names.index(s.kind) for s in series])
    error = np.hypot(error / unit, 0.03)
    return Table(place, np.where(seen, value / unit, 0.0), error, seen, kinds), unit


def finite(table: Table) -> Table:
    """Replace the places of padding by 0, as the curve needs them."""
    return Table(np.nan_to_num(table.place), table.value, table.error, table.seen, table.kind)


@dataclass(frozen=True)
class Hidden:
    """A level that is treated as unlogged, with what the candidates need.

    Args:
        at: its series and its place in it.
        quality: of all levels of its series; ``log_cost`` likewise. The hidden level's own figures are not read.
        tokens: logarithms of tokens, the hidden one's forecast.
        amounts: on the scale of log(1 + amount), or of efforts.
        lines: mean quality and mean cost by the two lines.
        tables: of quality and of log cost over the whole log, each with the unit of its values.
    """

    at: tuple[int, int]
    quality: np.ndarray
    log_cost: np.ndarray
    tokens: np.ndarray
    amounts: np.ndarray
    lines: tuple[tuple[float, float], tuple[float, float]]
    tables: tuple[tuple[Table, float], tuple[Table, float]]


def scaled(series: Series) -> np.ndarray:
    return series.amounts if series.kind == "effort" else np.log1p(series.amounts)


def hide(series: list[Series], at: tuple[int, int], means: Means) -> Hidden:
    """Hide one level, and forecast it by the two lines."""
    i, k = at
    s = series[i]
    q, cost, tokens = means.quality[s.columns], means.cost_usd[s.columns], means.tokens[s.columns].copy()
    tokens[k] = at_place(s, tokens, k)
    amounts, places = scaled(s), [np.log(means.tokens[o.columns]) for o in series]
    places[i] = np.log(tokens)
    lines = (
        (on_line(amounts, q, k), float(np.exp(on_line(amounts, np.log(cost), k)))),
        (on_line(places[i], q, k), cost_by_prices(s, means.prompts[s.columns], tokens, cost, k)),
    )
    errors = [means.error[o.columns] for o in series]
    level = [np.full(len(o.columns), 0.03) for o in series]
    tables = (
        table_of(series, places, [means.quality[o.columns] for o in series], errors, at),
        table_of(series, [scaled(o) for o in series], [np.log(means.cost_usd[o.columns]) for o in series], level, at),
    )
    return Hidden(at, q, np.log(cost), places[i], amounts, lines, tables)


def forecasts(series: list[Series], means: Means) -> dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]:
    """Forecast mean quality and mean cost of every level as if it alone were unlogged: ``(candidates,)`` each."""
    levels = [hide(series, (i, k), means) for i, s in enumerate(series) for k in range(len(s.columns))]
    fitted = [saturating([finite(level.tables[n][0]) for level in levels]) for n in (0, 1)]
    results = {}
    for row, level in enumerate(levels):
        (i, k), answers = level.at, []
        for n, (places, values) in enumerate(((level.tokens, level.quality), (level.amounts, level.log_cost))):
            table, unit = level.tables[n]
            curve = fitted[n][row, i, : len(values)] * unit
            process = gaussian_process(table)[i, k] * unit
            answers.append([curve[k], curve[k] + on_line(places, values - curve, k), process])
        (q1, c1), (q2, c2) = level.lines
        results[i, k] = (np.clip([q1, q2, *answers[0]], 0, 1), np.array([c1, c2, *np.exp(answers[1])]))
    return results


def one_split(runs: pr.Runs, series, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return errors ``(levels, candidates + 1, figures)`` and the side of each level; the last is logged.

    The side is -1 for the lowest level of a series, 1 for the highest and 0 between.
    """
    quality, cost, prompts, tokens = (
        filled(runs, name) for name in ("quality", "cost_usd", "prompt_tokens", "completion_tokens")
    )
    held = np.zeros(len(quality), bool)
    held[np.random.default_rng(seed).permutation(len(held))[: int(0.3 * len(held))]] = True
    x = ngrams(runs.texts)
    deviation = ridge(x[~held], quality[~held], x[held])
    q, c, p, t = (table[~held].mean(0) for table in (quality, cost, prompts, tokens))
    means = Means(q, quality[~held].std(0) / (~held).sum() ** 0.5, c, p, t)
    errors, sides = [], []
    for (i, k), (qualities, costs) in forecasts(series, means).items():
        s = series[i]
        column, size = s.columns[k], len(s.columns)
        a, b = neighbours(size, k)
        end = k in (0, size - 1)
        near = [s.columns[a if k == 0 else b]] if end else s.columns[[a, b]]
        around = deviation[:, near].mean(1)
        truth_q, truth_c = quality[held, column], cost[held, column].mean()
        rows = []
        for mean, usd, spread in [
            *zip(qualities, costs, [around] * len(NAMES), strict=True),
            (q[column], c[column], deviation[:, column]),
        ]:
            miss = np.clip(mean + spread, 0, 1) - truth_q
            rows.append([
                abs(mean - truth_q.mean()), abs(usd / truth_c - 1), abs(miss).mean(), (miss**2).mean(),
                abs(mean - q[column]),
            ])  # fmt: skip
        errors.append(rows)
        sides.append(-1 if k == 0 else int(k == size - 1))
    return np.array(errors), np.array(sides)


def report(title: str, errors: np.ndarray) -> None:
    """Print mean errors ``(splits, levels, candidates + 1, figures)``, and ratios to logged with 90% intervals."""
    print(f"  {title}: {errors.shape[1]} levels")
    by_level = errors.mean(0)
    draws = np.random.default_rng(0).integers(0, len(by_level), (2000, len(by_level)))
    logged = by_level[:, -1]
    print(f"    {'logged':28s} quality {logged[:, 0].mean():.4f}  cost {logged[:, 1].mean():.3f}")
    for n, name in enumerate(NAMES):
        own = by_level[:, n]
        cells = []
        for figure in range(4):
            ratios = own[draws, figure].mean(1) / logged[draws, figure].mean(1)
            low, high = np.quantile(ratios, (0.05, 0.95))
            cells.append(f"{own[:, figure].mean() / logged[:, figure].mean():.3f} [{low:.3f}, {high:.3f}]")
        mean = own.mean(0)
        print(f"    {name:28s} {mean[0]:.4f} {mean[1]:.3f} from logged mean {mean[4]:.4f} | {' | '.join(cells)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    print("ratios to logged: mean quality | mean cost | absolute error per query | squared error per query")
    for path in args.runs:
        runs = pr.demo_runs() if path == "demo" else read_log(path, coverage=0.6)
        series = series_of(runs)
        splits = [one_split(runs, series, seed) for seed in range(args.seeds)]
        errors, sides = np.stack([one for one, _ in splits]), splits[0][1]
        print(f"log {Path(path).name}: {len(runs.query_ids)} queries, {len(series)} series", flush=True)
        for side, title in ((0, "between two levels"), (1, "above the others"), (-1, "below the others")):
            report(title, errors[:, sides == side])
        sys.stdout.flush()


if __name__ == "__main__":
    main()
