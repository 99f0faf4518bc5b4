#!/usr/bin/env python3
"""A zoo of matrices through every job, judged by numpy in float64.

    npm run build && python3 test/judge/zoo.py [--only NAME] [--every N]

Each matrix is stored as F64 and as F32 and goes through analyze (exact by Gram, exact by Jacobi, randomized, Krylov), compare, versus and compress (factors of the
source's dtype, BF16, F16, INT8, a sparse part). What is reported is held against the true value: it must be within the resolution that is stated
beside it. A sketch's true error is that of its own factors, which are written with the same seed. Exit status 1 where anything is outside. Needs numpy.
"""
import argparse, os, sys, tempfile, time
import numpy as np
from judge import Engine, floors, load, norm, product, relative_error, save, singular_values, with_spectrum

parser = argparse.ArgumentParser()
parser.add_argument("--only")
parser.add_argument("--every", type=int, default=1)
options = parser.parse_args()
RANK = 16


def i(n):
    return np.arange(1.0, n + 1)


def zoo():
    rng = np.random.default_rng(1)
    spectra = {
        "flat": lambda n: np.ones(n),
        "i^-0.5": lambda n: i(n) ** -0.5,
        "i^-1": lambda n: 1 / i(n),
        "i^-1.5": lambda n: i(n) ** -1.5,
        "i^-2": lambda n: i(n) ** -2,
        "i^-3": lambda n: i(n) ** -3,
        "e^-i/4": lambda n: np.exp(-i(n) / 4),
        "e^-i": lambda n: np.exp(-i(n)),
        "step": lambda n: np.where(i(n) <= n // 8, 1, 1e-3),
        "step to f32 noise": lambda n: np.where(i(n) <= n // 8, 1, 1e-7),
        "rank 5": lambda n: np.linspace(2, 1, 5),
        "rank 20": lambda n: np.linspace(2, 1, 20),
        "40 equal": lambda n: np.where(i(n) <= 40, 1, 0.1),
        "two clusters": lambda n: np.where(i(n) <= 20, 2, np.where(i(n) <= 45, 1, 0.01)),
        "one large": lambda n: np.where(i(n) == 1, 1e3, 1),
        "one small": lambda n: np.where(i(n) == n, 1e-6, 1),
        "linear": lambda n: 1 - (i(n) - 1) / n,
        "S curve": lambda n: 1 / (1 + np.exp((i(n) - n / 4) / 3)),
    }
    for kind, spectrum in spectra.items():
        yield f"{kind}, square", with_spectrum(96, 96, spectrum(96), 3)
        yield f"{kind}, tall", with_spectrum(300, 70, spectrum(70), 4)
        yield f"{kind}, wide", with_spectrum(70, 300, spectrum(70), 5)
    n = 96
    gauss = rng.standard_normal((n, n))
    yield "Gaussian", gauss
    yield "Gaussian, tall", rng.standard_normal((400, 64))
    yield "Gaussian, wide", rng.standard_normal((64, 400))
    yield "uniform, biased", rng.random((n, n))
    yield "exponential", rng.exponential(size=(n, n))
    yield "heavy tails", rng.standard_t(2, (n, n))
    yield "zero", np.zeros((n, n))
    yield "ones", np.ones((n, 80))
    yield "ones, long", np.ones((700, 64))
    yield "identity", np.eye(n)
    yield "permutation", np.eye(n)[rng.permutation(n)]
    yield "rank 1", np.outer(rng.standard_normal(n), rng.standard_normal(80))
    yield "zero rows", np.vstack([rng.standard_normal((20, n)), np.zeros((n - 20, n))])
    yield "zero columns", np.hstack([rng.standard_normal((n, 20)), np.zeros((n, n - 20))])
    yield "one row", np.vstack([rng.standard_normal((1, n)), np.zeros((n - 1, n))])
    yield "equal rows", rng.standard_normal((5, n))[np.arange(n) % 5]
    yield "equal columns", rng.standard_normal((n, 3))[:, np.arange(80) % 3]
    yield "heavy row", gauss * np.where(np.arange(n) == 7, 1e6, 1)[:, None]
    yield "heavy column", gauss * np.where(np.arange(n) == 7, 1e6, 1)
    yield "outliers", 0.02 * gauss + 30 * (rng.random((n, n)) < 3e-4)
    yield "one entry", np.where(np.arange(n * n).reshape(n, n) == 777, 5.0, 0.0)
    yield "sparse", gauss * (rng.random((n, n)) < 0.02)
    yield "diagonal and dust", np.diag(rng.standard_normal(n)) + 1e-6 * gauss
    yield "diagonal and a little", np.diag(rng.standard_normal(n)) + 1e-3 * gauss
    yield "blocks", np.kron(np.eye(8), rng.standard_normal((12, 12)))
    yield "checkerboard", (np.indices((n, n)).sum(0) % 2).astype(float)
    hadamard = np.ones((1, 1))
    for _ in range(6):
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    yield "Hadamard", hadamard
    yield "Hilbert", 1 / (i(n)[:, None] + i(n) - 1)
    yield "Hilbert, tall", 1 / (i(300)[:, None] + i(64) - 1)
    yield "Cauchy", 1 / (i(n)[:, None] + i(n) + 0.5)
    yield "Vandermonde", np.linspace(0, 1, n)[:, None] ** np.arange(64)
    yield "Pascal", np.array([[min(1e15, float(np.prod([(a + b - k) / (k + 1) for k in range(b)]))) for b in range(64)] for a in range(64)])
    kahan = np.triu(-0.285 * np.ones((n, n)), 1) + np.eye(n)
    yield "Kahan", 0.96 ** np.arange(n)[:, None] * kahan
    yield "Toeplitz", 0.9 ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    yield "Hankel", np.sin(np.add.outer(np.arange(n), np.arange(n)) / 5.0)
    yield "second differences", 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    yield "lower ones", np.tril(np.ones((n, n)))
    yield "cosines", np.cos(np.pi / n * np.outer(np.arange(n) + 0.5, np.arange(n)))
    yield "arrow", np.diag(i(n)) + np.where(np.arange(n) == 0, 1, 0) + np.where(np.arange(n) == 0, 1, 0)[:, None]
    yield "small blocks of large and small", np.kron(np.diag(10.0 ** -np.arange(8)), rng.standard_normal((12, 12)))
    yield "attention", np.exp(with_spectrum(n, n, 20 / i(n), 9)) / np.exp(with_spectrum(n, n, 20 / i(n), 9)).sum(1, keepdims=True)
    yield "layer and a mean", 0.02 * gauss + 0.1
    yield "graded rows, 30 orders", 10.0 ** (-30 * np.arange(n) / n)[:, None] * gauss
    yield "graded rows, 300 orders", 10.0 ** (150 - 300 * np.arange(n) / n)[:, None] * gauss
    yield "graded both ways", 10.0 ** -np.add.outer(np.arange(n) / 8, np.arange(n) / 8) * gauss
    for exponent in (-310, -300, -150, -38, -30, -15, -7, 4, 15, 30, 36, 150, 300):
        yield f"1e{exponent} i^-1", with_spectrum(n, n, 1 / i(n), 7) * 10.0**exponent
    yield "1e-15 near one value", (1 + 0.2 * gauss) * 1e-15
    yield "noise of one bit", 1 + 2**-23 * np.sign(gauss)


PARAMS = {"rank": RANK, "oversample": 10, "nIter": 2, "seed": 42}
METHODS = {
    "gram": {"method": "exact"},
    "jacobi": {"method": "exact", "exactRoute": "jacobi"},
    "subspace": {"method": "randomized"},
    "krylov": {"method": "randomized", "algorithm": "krylov"},
}
STORED = {
    "own": {},
    "BF16": {"factorDType": "BF16"},
    "F16": {"factorDType": "F16"},
    "INT8": {"factorDType": "INT8", "int8Always": True},
    "sparse": {"sparseDensity": 0.01},
}


class Tally:
    def __init__(self):
        self.rows, self.faults = {}, []

    def see(self, kind, holds, sentence, share):
        """`share`: what was found, as a share of what is allowed."""
        count, outside, worst = self.rows.get(kind, (0, 0, 0.0))
        self.rows[kind] = (count + 1, outside + (not holds), max(worst, share if np.isfinite(share) else 1e300))
        if not holds:
            self.faults.append(f"{kind}: {sentence}")

    def within(self, kind, where, found, true, allowed):
        gap = abs(found - true)
        share = 0.0 if gap == 0 else gap / allowed if allowed > 0 else np.inf
        self.see(kind, gap <= allowed, f"{where}: {found!r} reported, {true!r} true, to {allowed:.2g}", share)


def judge(name, A, dtype, engine, folder, tally):
    path, output = os.path.join(folder, "source.safetensors"), os.path.join(folder, "output.safetensors")
    with np.errstate(over="ignore", under="ignore"):
        save(path, {"w": (dtype, A)})
    W = load(path)["w"]
    if not np.isfinite(W).all():
        return False
    s = singular_values(W)
    floor, largest = floors(s), s[0]
    where = f"{name} {dtype}"
    jobs = [{"kind": "analyze", "tensor": "w", "params": {**PARAMS, **method}} for method in METHODS.values()]
    jobs.append({"kind": "compare", "tensor": "w", "params": PARAMS})
    jobs.append({"kind": "versus", "tensor": "w", "a": {**PARAMS, **METHODS["jacobi"]}, "b": {**PARAMS, **METHODS["krylov"]}, "seeds": 1})
    reports = engine.run(path, *jobs)
    faults = [report["fault"] for report in reports if "fault" in report]
    for fault in faults:
        tally.see("no job fails", False, f"{where}: {fault}", 1)
    tally.see("no job fails", not faults, "", 0)
    analyses = dict(zip(METHODS, reports))
    for method, report in analyses.items():
        if "fault" in report:
            continue
        values, limit = np.array(report["singularValues"]), report["valueResolution"]
        if "exact" in METHODS[method].values():
            tally.within("error, exact", f"{where} {method}", report["relativeError"], floor[RANK], report["resolution"])
            gap = np.abs(values / largest - s / largest).max() * largest if largest else 0
            tally.within("singular values, exact", f"{where} {method}", gap, 0, limit)
            low, high = (s > 2 * limit).sum(), (s > 0.5 * limit).sum()
            tally.see("numerical rank", low <= report["numericalRank"] <= max(low, high), f"{where} {method}: {report['numericalRank']}", 0)
        else:
            above = (values / largest - s[: len(values)] / largest).max() * largest if largest else 0
            tally.within("singular values of a sketch are not above", f"{where} {method}", max(0, above), 0, limit)
    comparison, versus = reports[4], reports[5]
    if "fault" not in comparison:
        sketch = comparison["randomized"]
        tally.within("floor", where, comparison["floor"], floor[RANK], comparison["resolution"])
        if comparison["excess"] != 0:
            true = sketch["relativeError"] / floor[RANK] - 1
            tally.within("excess", where, comparison["excess"], true, 2 * comparison["resolution"] / floor[RANK])
        else:
            tally.within("equal to rounding", where, sketch["relativeError"], floor[RANK], 2 * comparison["resolution"])
    if "fault" not in versus:
        for side in "ab":
            tally.see("versus: excess", versus[side]["excess"] >= 0, f"{where} {side}: {versus[side]['excess']}", 0)
    for method in ("gram", "jacobi", "subspace", "krylov"):
        for stored, how in STORED.items():
            if stored != "own" and method in ("jacobi", "krylov"):
                continue
            usv = {"factorLayout": "usv"} if stored == "own" else {}
            job = {"kind": "compress", "target": output, "output": "factors", "include": ["w"], "force": True, "params": {**PARAMS, **METHODS[method], **how, **usv}}
            (report,) = engine.run(path, job)
            if "fault" in report:
                tally.see("no job fails", False, f"{where} {method} {stored}: {report['fault']}", 1)
                continue
            (outcome,) = report["tensors"]
            if outcome["action"] == "kept":
                tally.see("kept instead of written", True, "", 0)
                continue
            with np.errstate(all="ignore"):
                found = load(output)
                true = relative_error(W, product(found, "w"))
            tally.within(f"written error, {stored}", f"{where} {method}", outcome["relativeError"], true, outcome["resolution"])
            if stored == "own" and "fault" not in analyses[method] and method in ("subspace", "krylov"):
                report = analyses[method]
                tally.within("error, sketch", f"{where} {method}", report["relativeError"], true, report["resolution"])
                U, S, V = found["w.U"], found["w.S"], found["w.Vt"]
                for rank in (1, 4, 8, 15):
                    with np.errstate(all="ignore"):
                        at = relative_error(W, (U[:, :rank] * S[:rank]) @ V[:rank])
                    # A spectrum's squares are known to the same amount at every rank.
                    allowed = report["resolution"] * max(1, report["relativeError"] / max(at, 1e-300))
                    tally.within("curve of a sketch", f"{where} {method} rank {rank}", report["errorCurve"][rank], at, allowed)
    return True


def main():
    tally, engine, started, seen = Tally(), Engine(), time.time(), 0
    with tempfile.TemporaryDirectory() as folder:
        for k, (name, A) in enumerate(zoo()):
            if k % options.every or (options.only and options.only not in name):
                continue
            both = [judge(name, np.asarray(A, float), dtype, engine, folder, tally) for dtype in ("F64", "F32")]
            seen += any(both)
    engine.close()
    print(f"{seen} matrices, F64 and F32, {time.time() - started:.0f} s")
    print(f"{'what':45} {'numbers':>8} {'outside':>8}  largest share of the stated resolution")
    for kind, (count, outside, worst) in sorted(tally.rows.items()):
        print(f"{kind:45} {count:8} {outside:8}  {worst:.2g}")
    for fault in tally.faults[:60]:
        print("OUTSIDE", fault)
    sys.exit(1 if tally.faults else 0)


main()
