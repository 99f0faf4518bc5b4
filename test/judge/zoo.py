#!/usr/bin/env python3
"""A zoo of matrices through every job, judged by numpy in float64.

    npm run build && python3 test/judge/zoo.py [--only NAME] [--every N]

Each matrix is stored as F64 and as F32 and goes through analyze (exact by Gram, exact by Jacobi, randomized, Krylov), compare, versus and compress (factors of the
source's dtype, BF16, F16, INT8, a sparse part). What is reported is held against the true value: it must be within the resolution that is stated
beside it. A sketch's true error is that of its own factors, which are written with the same seed. Exit status 1 where anything is outside. Needs numpy.
"""
import argparse, os, sys, tempfile, time
import numpy as np
from judge import Engine, floors, load, norm, product, relative_error, save, singular_values
from matrices import zoo

parser = argparse.ArgumentParser()
parser.add_argument("--only")
parser.add_argument("--every", type=int, default=1)
options = parser.parse_args()
RANK = 16


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
