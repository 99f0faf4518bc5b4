#!/usr/bin/env python3
"""Size goals held against brute force.

    npm run build && python3 test/judge/allocation.py [--models 30] [--goals 12]

Models of 3 to 6 small matrices of mixed spectra and dtypes; for each a row of size goals. The judge tries every combination of ranks, and of keeping a matrix, that the product could
choose from, on the true errors (numpy, float64) of exact factors as the product writes them, by dynamic programming over bytes (exact to the byte, headers apart). The product must come within 2 % of
that optimum and never end in a larger error for a larger goal. Exit status 1 where it does not. Needs numpy.
"""
import argparse, os, sys, tempfile, time
import numpy as np
from judge import Engine, floors, load, save, to_bf16, values, with_spectrum

parser = argparse.ArgumentParser()
parser.add_argument("--models", type=int, default=30)
parser.add_argument("--goals", type=int, default=12)
options = parser.parse_args()
MIN_RANK = 4
BYTES = {"F32": 4, "BF16": 2}


def model(seed):
    rng = np.random.default_rng(seed)
    dtype = ["F32", "BF16"][seed % 2]
    tensors = {}
    for t in range(3 + seed % 4):
        m, n = rng.integers(64, 160, 2)
        k = min(m, n)
        index = np.arange(1.0, k + 1)
        kind = rng.integers(5)
        s = [index ** -rng.uniform(0.1, 2), np.exp(-index / rng.uniform(3, 30)), np.ones(k), np.where(index < rng.integers(5, 30), 1, 0.05), 1 - 0.9 * index / k][kind]
        tensors[f"layers.{t}.w"] = (dtype, with_spectrum(m, n, s * rng.uniform(0.1, 10), seed * 10 + t))
    return dtype, tensors


def optimum(choices, budget):
    """Least sum of costs with the sum of bytes within the budget; choices: [(bytes, cost), ...] for each matrix. Bytes share a divisor: that is the grid."""
    unit = int(np.gcd.reduce([size for each in choices for size, _ in each]))
    best = np.zeros(budget // unit + 1)
    for each in choices:
        after = np.full(len(best), np.inf)
        for size, cost in each:
            step = size // unit
            if step < len(best):
                np.minimum(after[step:], best[: len(best) - step] + cost, out=after[step:])
        best = after
    return best[-1]


def lost(factor):
    """What rounding to BF16 takes of each column, as a share of its square."""
    rounded = values("BF16", factor.shape, to_bf16(factor).tobytes())
    return ((factor - rounded) ** 2).sum(0) / (factor**2).sum(0)


engine, faults, worst, started = Engine(), [], 0.0, time.time()
print(f"{'model':>6} {'dtype':>5} {'matrices':>8} {'goals':>6} {'refused':>8}  largest excess over the optimum")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "model.safetensors")
    for seed in range(options.models):
        dtype, tensors = model(seed)
        save(path, tensors)
        total = os.path.getsize(path)
        stored = load(path)
        entries = sum(W.size for W in stored.values())
        choices = []
        for W in stored.values():
            m, n = W.shape
            U, s, V = np.linalg.svd(W, full_matrices=False)
            curve = floors(s) ** 2
            if dtype == "BF16":
                curve[1:] += np.cumsum(s**2 * (lost(U * np.sqrt(s)) + lost(V.T * np.sqrt(s)))) / (s**2).sum()
            kept = m * n * BYTES[dtype]
            each = [(k * (m + n) * BYTES[dtype], W.size * curve[k]) for k in range(MIN_RANK, min(m, n) + 1) if k * (m + n) < m * n]
            choices.append(each + [(kept, 0.0)])
        least = sum(min(size for size, _ in each) for each in choices)
        goals = np.unique(np.linspace(least + 2000, total, options.goals).astype(int))
        jobs = [{"kind": "plan", "output": "factors", "params": {"goalSize": int(goal), "method": "exact"}} for goal in goals]
        reports = engine.run(path, *jobs)
        before, excess, refused = np.inf, 0.0, 0
        for goal, report in zip(goals, reports):
            if "fault" in report:
                refused += 1
                continue
            if report["bytesAfter"] > goal:
                faults.append(f"model {seed}: {report['bytesAfter']} bytes for a goal of {goal}")
            error = report["relativeError"]
            if error > before * (1 + 1e-9):
                faults.append(f"model {seed}: error {error:.6f} at {goal} bytes, {before:.6f} at fewer")
            before = error
            # The same header for the optimum as for what was planned.
            header = report["bytesAfter"] - sum(t["bytesAfter"] for t in report["tensors"])
            best = np.sqrt(optimum(choices, int(goal) - header) / entries)
            # Below the resolution of f32 factors errors are equal.
            share = 0.0 if max(error, best) < 4e-6 else error / best - 1
            excess = max(excess, share)
            if share > 0.02:
                faults.append(f"model {seed}, {goal} bytes: error {error:.6f}, {best:.6f} is possible ({share:+.1%})")
        worst = max(worst, excess)
        print(f"{seed:6} {dtype:>5} {len(tensors):8} {len(goals):6} {refused:8}  {excess:+.3%}", flush=True)
engine.close()
print(f"worst {worst:+.3%}, {time.time() - started:.0f} s")
for fault in faults:
    print("OUTSIDE", fault)
sys.exit(1 if faults else 0)
