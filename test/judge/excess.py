#!/usr/bin/env python3
"""What randomized SVD costs against the exact one, here and in the libraries people have: excess of the error over the floor, on the zoo.

    npm run build && python3 test/judge/excess.py [--seeds N] [--every N]

Each matrix is stored as F32 and factorized to rank 16 with 10 columns of oversampling and 0, 1, 2 and 4 power iterations: by this product, by
scikit-learn's randomized_svd and torch's svd_lowrank (truncated to the rank), each with several seeds. Errors are ||A - U S Vt|| in float64. Where the
floor is below 1e-5 everybody's excess is rounding, and the matrix is left out. Exit status 1 where this product's mean excess is above that
of the better library by more than the seeds explain (two standard errors). Debian: python3-numpy python3-sklearn python3-torch.
"""
import argparse, os, sys, tempfile, time
import numpy as np
from judge import Engine, floors, load, relative_error, save, singular_values
from matrices import zoo

try:
    from sklearn.utils.extmath import randomized_svd
except ImportError:
    randomized_svd = None
try:
    import torch
except ImportError:
    torch = None

parser = argparse.ArgumentParser()
parser.add_argument("--seeds", type=int, default=5)
parser.add_argument("--every", type=int, default=1)
options = parser.parse_args()
RANK, OVERSAMPLE, ITERATIONS = 16, 10, (0, 1, 2, 4)
#: Below it all sides are equal to rounding: an error of f32 factors is known to 4e-6.
SMALLEST_FLOOR = 1e-5


def by_sklearn(A, q, seed):
    return randomized_svd(A, RANK, n_oversamples=OVERSAMPLE, n_iter=q, random_state=seed)


def by_torch(A, q, seed):
    torch.manual_seed(seed)
    u, s, v = torch.svd_lowrank(torch.from_numpy(A), RANK + OVERSAMPLE, q)
    return u[:, :RANK].numpy(), s[:RANK].numpy(), v[:, :RANK].T.numpy()


def ours(engine, path, output, q, seed):
    params = {"rank": RANK, "oversample": OVERSAMPLE, "nIter": q, "seed": seed, "method": "randomized", "factorLayout": "usv"}
    (report,) = engine.run(path, {"kind": "compress", "target": output, "output": "factors", "include": ["w"], "force": True, "params": params})
    if "fault" in report or report["tensors"][0]["action"] != "factorized":
        return None
    found = load(output)
    return found["w.U"], found["w.S"], found["w.Vt"]


def main():
    libraries = {name: run for name, run, there in (("scikit-learn", by_sklearn, randomized_svd), ("torch", by_torch, torch)) if there}
    if not libraries:
        sys.exit("neither scikit-learn nor torch is here")
    engine, started = Engine(), time.time()
    #: side -> iterations -> one mean excess a matrix
    excess = {side: {q: [] for q in ITERATIONS} for side in ("here", *libraries)}
    #: side -> matrices it has no factors of: kept as they are here, or an overflow there
    without = {side: [] for side in excess}
    with tempfile.TemporaryDirectory() as folder:
        path, output = os.path.join(folder, "source.safetensors"), os.path.join(folder, "output.safetensors")
        sides = {"here": lambda A, q, seed: ours(engine, path, output, q, seed), **libraries}
        for k, (name, A) in enumerate(zoo()):
            with np.errstate(over="ignore", under="ignore"):
                A = np.asarray(A, np.float32)
            if k % options.every or not np.isfinite(A).all() or not A.any() or np.abs(A).max() > 1e18 or np.abs(A).max() < 1e-18:
                continue
            save(path, {"w": ("F32", A)})
            W = A.astype(float)
            floor = floors(singular_values(W))[RANK]
            if floor < SMALLEST_FLOOR:
                continue
            over = lambda factors: relative_error(W, (np.asarray(factors[0], float) * factors[1]) @ factors[2]) / floor - 1
            found, failed = {}, set()
            for side in excess:
                for q in ITERATIONS:
                    try:
                        several = [sides[side](A, q, seed) for seed in range(1, options.seeds + 1)]
                        found[side, q] = None if None in several else [over(factors) for factors in several]
                    except (ValueError, RuntimeError, np.linalg.LinAlgError):
                        found[side, q] = None
                    if found[side, q] is None or not np.isfinite(found[side, q]).all():
                        failed.add(side)
            for side in failed:
                without[side].append(name)
            if not failed:
                for (side, q), several in found.items():
                    excess[side][q].append(several)
    engine.close()
    count = len(excess["here"][ITERATIONS[-1]])
    print(f"{count} matrices with a floor above {SMALLEST_FLOOR:g}, {options.seeds} seeds, {time.time() - started:.0f} s")
    for side, names in without.items():
        if names:
            print(f"left out, no factors by {side}: {', '.join(names)}")
    print("| power iterations | " + " | ".join(excess) + " | standard error |")
    print("|---|" + "---|" * (len(excess) + 1))
    worse = False
    for q in ITERATIONS:
        values = {side: np.array(each[q]) for side, each in excess.items()}
        means = {side: each.mean() for side, each in values.items()}
        best = min((side for side in libraries), key=lambda side: means[side])
        # The same matrices: what differs are the seeds.
        gaps = (values["here"] - values[best]).mean(0)
        error = gaps.std(ddof=1) / np.sqrt(len(gaps)) if len(gaps) > 1 else np.inf
        worse |= means["here"] > means[best] + 2 * error + 1e-6
        print(f"| {q} | " + " | ".join(f"{100 * mean:+.4f} %" for mean in means.values()) + f" | {100 * error:.4f} % |")
    sys.exit(1 if worse else 0)


main()
