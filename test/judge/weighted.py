#!/usr/bin/env python3
"""Errors of outputs held against numpy, which shares no code with the product.

    python3 test/judge/weighted.py [--cli out/main/cli.js] [--rows 192] [--cols 160]

Makes matrices of 6 spectra in F32 and BF16 and statistics of inputs - mean squares, all second moments, second moments of fewer samples than inputs - in the
form of docs/formats.md, compresses by the randomized and the exact method, reads all files itself and checks in float64:
  error    the reported error is ||(W - B A) C|| / ||W C||, that beside it ||W - B A|| / ||W||, both to 1e-5
  floor    no error lies below the tail of the singular values of W C; the exact method reaches it to 1e-5
  factors  B A = P W, with P the projection on what B spans; by the exact method A and B are those of U Ut W, balanced, to 1e-5 of their norm
  bytes    those that `plan` says, and a size goal of 40 % is kept
  ranks    water-filling on errors of outputs leaves less of them, summed, than on errors of weights at no more bytes
Exit status 1 where anything does not hold. Needs numpy; `npm run build` before.
"""
import argparse, json, os, struct, subprocess, sys, tempfile
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--cli", default="out/main/cli.js")
parser.add_argument("--node", default="node")
parser.add_argument("--rows", type=int, default=192)
parser.add_argument("--cols", type=int, default=160)
parser.add_argument("--rank", type=int, default=24)
options = parser.parse_args()
M, N, RANK = options.rows, options.cols, options.rank
rng = np.random.default_rng(29)
faults = worst_checks = 0
worst = {}


def check(holds, sentence):
    global faults
    if not holds:
        faults += 1
        print(f"  FAULT  {sentence}")


def within(what, gap, limit, sentence):
    worst[what] = max(worst.get(what, 0.0), gap)
    check(gap <= limit, f"{sentence}: off by {gap:.2e}")


def save(path, tensors):
    header, data = {}, b""
    for name, (dtype, values) in tensors.items():
        if dtype == "BF16":
            bits = values.astype("<f4").view(np.uint32)
            raw = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
        else:
            raw = values.astype({"F32": "<f4", "F64": "<f8"}[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)


def load(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    out = {}
    for name, e in header.items():
        raw = data[slice(*e["data_offsets"])]
        if e["dtype"] == "BF16":
            values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(raw, {"F64": "<f8", "F32": "<f4", "F16": "<f2"}[e["dtype"]])
        out[name] = values.astype(np.float64).reshape(e["shape"])
    return out


def ghostsvd(*arguments):
    done = subprocess.run([options.node, options.cli, *arguments, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"ghostsvd {' '.join(arguments)}: {done.stderr}")
    return json.loads(done.stdout)


def with_spectrum(s):
    u, v = (np.linalg.qr(rng.standard_normal((size, len(s))))[0] for size in (M, N))
    return (u * s) @ v.T


i = np.arange(1, min(M, N) + 1)
spectra = {"i^-0.5": i**-0.5, "i^-1": 1.0 / i, "i^-2": i**-2.0, "flat": np.ones(len(i)), "step": np.where(i <= 20, 1, 0.05), "exponential": 0.9**i}


def inputs(samples):
    """Correlated, and over three decades in size."""
    return rng.standard_normal((samples, N)) @ (np.eye(N) + 0.3 * rng.standard_normal((N, N))) * 10 ** rng.uniform(-1.5, 1.5, N)


SAMPLES = {"diagonal": 600, "full": 600, "singular": 40}


def entries(name, X, kind):
    value = (X**2).sum(axis=0) if kind == "diagonal" else X.T @ X
    return {f"{name}.{'sum2' if kind == 'diagonal' else 'gram'}": ("F64", value), f"{name}.count": ("F64", np.array([float(len(X))]))}


def root(X, kind):
    """C of the regularized moments, by an eigendecomposition: any root of H gives the same norms."""
    H = X.T @ X / len(X)
    if kind == "diagonal":
        d = np.diag(H)
        return np.diag(np.sqrt(d + 0.01 * d.mean()))
    values, vectors = np.linalg.eigh(H + 1e-3 * np.trace(H) / N * np.eye(N))
    return vectors * np.sqrt(values)


def norm(x):
    return np.linalg.norm(x)


def balanced(W):
    """A and B of a matrix of rank RANK with the product's sign rule."""
    u, s, vt = np.linalg.svd(W, full_matrices=False)
    u, s, vt = u[:, :RANK], s[:RANK], vt[:RANK]
    for j in range(RANK):
        first = np.argmax(np.abs(u[:, j]) >= np.abs(u[:, j]).max() * (1 - 2**-10))
        if u[first, j] < 0:
            u[:, j], vt[j] = -u[:, j], -vt[j]
    return u * np.sqrt(s), np.sqrt(s)[:, None] * vt, s


with tempfile.TemporaryDirectory() as folder:
    os.environ["XDG_CACHE_HOME"] = os.environ["XDG_CONFIG_HOME"] = folder
    at = lambda name: os.path.join(folder, name)
    models, moments = {}, {}
    for spectrum, s in spectra.items():
        for dtype in ("F32", "BF16"):
            models[f"{spectrum} {dtype}"] = (dtype, with_spectrum(s) / norm(s))
    save(at("model.safetensors"), models)
    stored = load(at("model.safetensors"))
    rank = ["--rank", str(RANK), "--factor-dtype", "F32", "--include", "*"]
    for kind, samples in SAMPLES.items():
        moments = {name: inputs(samples) for name in models}
        roots = {name: root(X, kind) for name, X in moments.items()}
        save(at("statistics.safetensors"), {k: v for name, X in moments.items() for k, v in entries(name, X, kind).items()})
        weighed = ["--statistics", at("statistics.safetensors")]
        for method in ("randomized", "exact"):
            arguments = [*rank, *weighed, "--method", method, "--n-iter", "4"]
            plan = ghostsvd("plan", at("model.safetensors"), *arguments)
            report = ghostsvd("compress", at("model.safetensors"), "--out", at("o.safetensors"), "--force", *arguments)
            output = load(at("o.safetensors"))
            check(plan["bytesAfter"] == report["bytesAfter"] == os.path.getsize(at("o.safetensors")), f"{kind} {method}: planned {plan['bytesAfter']} bytes, wrote {report['bytesAfter']}")
            for tensor in report["tensors"]:
                name = tensor["name"]
                label = f"{name}, {kind}, {method}"
                W, C = stored[name], roots[name]
                B, A = output[f"{name}.lowrank_B"], output[f"{name}.lowrank_A"]
                WC = W @ C
                u, s, _ = np.linalg.svd(WC)
                floor = np.sqrt(np.sum(s[RANK:][::-1] ** 2)) / norm(WC)
                error = norm((W - B @ A) @ C) / norm(WC)
                within("error", abs(tensor["relativeError"] - error), 1e-5, f"{label}: reported output error")
                within("weight error", abs(tensor["weightError"] - norm(W - B @ A) / norm(W)), 1e-5, f"{label}: reported weight error")
                check(error >= floor - 1e-7, f"{label}: {error} is below the floor {floor}")
                Q = np.linalg.svd(B, full_matrices=False)[0]
                within("B A = P W", norm(Q @ Q.T @ W - B @ A) / norm(W), 1e-5, f"{label}: A is not all of W in the span of B")
                if method == "exact":
                    within("floor", error - floor, 1e-5, f"{label}: the exact method above the floor")
                    U = u[:, :RANK]
                    b, a, values = balanced(U @ U.T @ W)
                    gap = (s[RANK - 1] - s[RANK]) / s[0]
                    # A direction is known to the rounding over the distance to its neighbours: only those with one are compared.
                    distance = np.min(np.abs(values[:, None] - values[None, :]) + np.diag(np.full(RANK, np.inf)), axis=1) / values[0]
                    for j in range(RANK if gap > 1e-3 else 0):
                        if distance[j] > 1e-2:
                            within("A and B", max(norm(B[:, j] - b[:, j]) / norm(b), norm(A[j] - a[j]) / norm(a)), 1e-5, f"{label}: direction {j}")
        print(f"{kind}: " + ", ".join(f"{what} {gap:.1e}" for what, gap in worst.items()))

        # --- A size goal: ranks shared out by outputs, and by weights.
        goal = ["--goal-size", "40%", "--min-rank", "1", "--include", "*"]
        plan = ghostsvd("plan", at("model.safetensors"), *goal, *weighed)
        report = ghostsvd("compress", at("model.safetensors"), "--out", at("g.safetensors"), "--force", *goal, *weighed)
        size = os.path.getsize(at("g.safetensors"))
        check(plan["bytesAfter"] == size, f"{kind}: planned {plan['bytesAfter']} bytes, wrote {size}")
        check(size <= 0.4 * os.path.getsize(at("model.safetensors")), f"{kind}: {size} bytes are above 40 %")
        by_weights = ghostsvd("plan", at("model.safetensors"), *goal)
        pins = [pin for t in by_weights["tensors"] if t["rank"] is not None for pin in ("--pin", f"{t['name'].replace('^', '?')}={t['rank']}", "--include", t["name"].replace("^", "?"))]
        ghostsvd("compress", at("model.safetensors"), "--out", at("p.safetensors"), "--force", *pins, *weighed)

        def summed(path):
            output = load(path)
            errors = [norm((stored[n] - output[f"{n}.lowrank_B"] @ output[f"{n}.lowrank_A"]) @ roots[n]) / norm(stored[n] @ roots[n]) for n in models if f"{n}.lowrank_B" in output]
            return float(np.sum(np.square(errors)))

        by_outputs, by_others = summed(at("g.safetensors")), summed(at("p.safetensors"))
        check(by_outputs < by_others, f"{kind}: {by_outputs} by outputs, {by_others} by weights")
        print(f"{kind}: 40 % of the bytes: squared output errors sum to {by_outputs:.4f} by outputs, {by_others:.4f} by weights ({size} and {os.path.getsize(at('p.safetensors'))} bytes)")
print(f"{faults} faults" if faults else "all of it holds")
sys.exit(1 if faults else 0)
