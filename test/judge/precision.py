#!/usr/bin/env python3
"""Fixed precision against a sketch at a rank: for error goals from 0.5 to 1e-3 on five spectra, the rank each takes and its time.

    npm run build && python3 test/judge/precision.py [--size N] [--repeat N] [--only SPECTRUM]

`least` is the least rank any matrix of that error has, by numpy in float64. A present-day request is one sketch at the largest rank a goal may choose,
whatever the goal; --algorithm adaptive sketches block by block until the goal is reached. Times are the engine's own, the median of the repeats after
a warm-up. Exit status 1 where a goal within the rank limit is missed, or a rank lies below the least one. Needs numpy.
"""
import argparse, os, sys, tempfile
import numpy as np
from judge import Engine, floors, load, save, singular_values, with_spectrum

parser = argparse.ArgumentParser()
parser.add_argument("--size", type=int, default=768)
parser.add_argument("--repeat", type=int, default=3)
parser.add_argument("--only")
options = parser.parse_args()
GOALS, MAX_RANK = (0.5, 0.2, 0.1, 0.03, 0.01, 0.001), 512
SPECTRA = {"i^-0.5": lambda i: i**-0.5, "i^-1": lambda i: 1 / i, "i^-1.5": lambda i: i**-1.5, "i^-2": lambda i: i**-2, "exp(-i/20)": lambda i: np.exp(-i / 20)}


def main():
    engine, wrong = Engine(), []
    print(f"{options.size} x {options.size}, F32, ranks up to {MAX_RANK}, medians of {options.repeat}")
    print("| spectrum | goal | least | sketch of the largest rank: rank, s | adaptive: rank, s, error |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "w.safetensors")
        for name, spectrum in SPECTRA.items():
            if options.only not in (None, name):
                continue
            save(path, {"w": ("F32", with_spectrum(options.size, options.size, spectrum(np.arange(1, options.size + 1.0)), 3))})
            floor = floors(singular_values(load(path)["w"]))
            for goal in GOALS:
                least = int(np.argmax(floor <= goal))
                params = {"rank": MAX_RANK, "maxRank": MAX_RANK, "goalError": goal, "method": "randomized", "seed": 42}
                job = {"kind": "analyze", "tensor": "w", "repeat": options.repeat}
                present, adaptive = engine.run(path, {**job, "params": params}, {**job, "params": {**params, "algorithm": "adaptive"}})
                rows = []
                for report in (present, adaptive):
                    if "fault" in report:
                        wrong.append(f"{name} {goal}: {report['fault']}")
                        rows.append((None, float("nan"), float("nan")))
                        continue
                    curve = np.array(report["errorCurve"])
                    rank = int(np.argmax(curve <= goal)) if (curve <= goal).any() else None
                    rows.append((rank, np.median(report["computeMs"]) / 1000, curve[-1]))
                    if rank is not None and rank < least:
                        wrong.append(f"{name} {goal}: rank {rank} below the least, {least}")
                # What a sketch leaves over may take it a few ranks beyond the least.
                if rows[1][0] is None and least <= 0.95 * MAX_RANK:
                    wrong.append(f"{name} {goal}: adaptive ends at {rows[1][2]:.4g}, rank {least} would do")
                (rank, seconds, _), (own, own_seconds, error) = rows
                print(f"| {name} | {goal} | {least} | {rank}, {seconds:.2f} | {own}, {own_seconds:.3f}, {error:.5f} |", flush=True)
    engine.close()
    for each in wrong:
        print("WRONG", each)
    sys.exit(1 if wrong else 0)


main()
