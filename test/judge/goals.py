#!/usr/bin/env python3
"""Goals and INT8 factors held against numpy, which shares no code with the product.

    python3 test/judge/goals.py SOURCE.safetensors ... [--goal 0.05] [--cli out/main/cli.js]

For every SOURCE it plans and compresses, reads both files itself and checks, in float64:
  goal     --goal-error for each tensor, by the default method and by the exact one: bytes as planned; every factorized tensor within the goal;
           two ranks less would miss it on the curve that was used; by the exact method at most one rank above the least that any method
           could take (Eckart-Young); kept matrices cannot reach it below break-even, and say so
  model    the same goal for the whole model
  int8     --factor-dtype INT8 at several ranks: where the factors of full precision leave an error of 0.1 or more, INT8 ones raise it by at most 5 %
           and take at most 26 % of their F32 bytes; where they would raise it by more, the plan says by how much and half precision is written
Exit status 1 where anything does not hold. Needs numpy; `npm run build` before.
"""
import argparse, json, os, struct, subprocess, sys, tempfile
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("sources", nargs="+")
parser.add_argument("--goal", type=float, default=0.05)
parser.add_argument("--cli", default="out/main/cli.js")
parser.add_argument("--ranks", type=int, nargs="*", default=[8, 32, 64, 128])
options = parser.parse_args()
MIN_RANK = 4  # The product's default: no goal goes below it.
faults = 0


def check(holds, sentence):
    global faults
    if not holds:
        faults += 1
        print(f"  FAULT  {sentence}")


def load(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: (e["dtype"], e["shape"], data[slice(*e["data_offsets"])]) for name, e in header.items()}


def values(entry):
    dtype, shape, raw = entry
    if dtype == "BF16":
        wide = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        wide = np.frombuffer(raw, {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I8": "i1", "I64": "<i8"}[dtype])
    return wide.astype(np.float64).reshape(shape)


def factors(output, name):
    a, b = (values(output[f"{name}.lowrank_{side}"]) for side in "AB")
    if f"{name}.lowrank_A_scale" in output:
        a, b = (x * values(output[f"{name}.lowrank_{side}_scale"]) for x, side in ((a, "A"), (b, "B")))
    return b, a


def ghostsvd(*arguments):
    done = subprocess.run(["node", options.cli, *arguments, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"ghostsvd {' '.join(arguments)}: {done.stderr}")
    return json.loads(done.stdout)


def written(source, folder, *arguments):
    """The plan, the report and the tensors of a compression; planned and written bytes are the same."""
    target = os.path.join(folder, "output.safetensors")
    plan = ghostsvd("plan", source, *arguments)
    report = ghostsvd("compress", source, "--out", target, "--force", *arguments)
    check(plan["bytesAfter"] == report["bytesAfter"] == os.path.getsize(target), f"planned {plan['bytesAfter']} bytes, wrote {os.path.getsize(target)}")
    return {t["name"]: t for t in plan["tensors"]}, report, load(target)


class Matrix:
    """A tensor of the source as float64, with its norm and exact singular values when they are asked for."""

    def __init__(self, entry):
        self.W = values(entry).reshape(entry[1][0], -1)
        self.norm = np.linalg.norm(self.W)
        self._floors = None

    @property
    def floors(self):
        if self._floors is None:
            tail = np.cumsum(np.linalg.svd(self.W, compute_uv=False)[::-1] ** 2)[::-1]
            self._floors = np.sqrt(np.append(tail, 0) / tail[0])
        return self._floors

    def least_rank(self, goal):
        return int(np.argmax(self.floors <= goal))

    def error(self, b, a):
        return np.linalg.norm(self.W - b @ a) / self.norm


def judge_goal(source, matrices, folder, method):
    plan, report, output = written(source, folder, "--goal-error", str(options.goal), "--method", method)
    extra, errors = [], []
    for tensor in report["tensors"]:
        name = tensor["name"]
        if tensor["action"] == "kept":
            # "Not reached" must be true: not even the best factors, below the rank that is named, are within the goal.
            if "the goal is not reached" in tensor["reason"]:
                rank = int(tensor["reason"].rsplit("at rank ", 1)[1].split(")")[0])
                slack = 1.02 if method != "exact" else 1.001
                check(matrices[name].floors[rank] * slack > options.goal, f"{name} could reach the goal at rank {rank}")
            continue
        b, a = factors(output, name)
        b = b.reshape(-1, a.shape[0])
        rank, matrix = a.shape[0], matrices[name]
        error = matrix.error(b, a.reshape(rank, -1))
        errors.append(error)
        check(error <= options.goal, f"{name}: error {error:.6f} at rank {rank}")
        check(abs(error - tensor["relativeError"]) <= 1e-4 * error + 1e-6, f"{name}: reported {tensor['relativeError']}, is {error}")
        if rank > 2 + MIN_RANK:
            fewer = matrix.error(b[:, : rank - 2], a.reshape(rank, -1)[: rank - 2])
            check(fewer > options.goal, f"{name}: rank {rank - 2} would have been enough ({fewer:.6f})")
        extra.append(rank - matrix.least_rank(options.goal))
        if method == "exact" and rank > MIN_RANK:
            check(extra[-1] <= 1, f"{name}: rank {rank}, {extra[-1]} above the least possible")
    kept = sum(t["action"] == "kept" and "the goal is not reached" in t["reason"] for t in report["tensors"])
    print(f"  goal {options.goal} each, {method}: {len(errors)} factorized, errors {min(errors, default=0):.5f} to {max(errors, default=0):.5f}, "
          f"ranks above the least possible: {max(extra, default=0)} at most; {kept} cannot reach it and stay")


def judge_model(source, matrices, folder):
    _, report, output = written(source, folder, "--goal-error", str(options.goal), "--goal-scope", "model")
    lost = whole = 0.0
    fewer = {}
    for name, matrix in matrices.items():
        whole += matrix.W.size
        if f"{name}.lowrank_A" in output:
            b, a = factors(output, name)
            rank = a.shape[0]
            b, a = b.reshape(-1, rank), a.reshape(rank, -1)
            own = matrix.W.size * matrix.error(b, a) ** 2
            lost += own
            if rank > 2 + MIN_RANK:
                fewer[name] = matrix.W.size * matrix.error(b[:, : rank - 2], a[: rank - 2]) ** 2 - own
    error = np.sqrt(lost / whole)
    for name, added in fewer.items():
        check(np.sqrt((lost + added) / whole) > options.goal, f"{name} could do with two ranks less for the model's goal")
    check(error <= options.goal, f"the model error is {error}")
    check(abs(error - report["relativeError"]) <= 1e-4 * error, f"reported {report['relativeError']}, is {error}")
    print(f"  goal {options.goal} for the model: {error:.5f}, {report['bytesAfter'] / report['bytesBefore']:.1%} of the bytes")


def judge_int8(source, matrices, folder):
    for rank in options.ranks:
        _, _, full = written(source, folder, "--rank", str(rank), "--factor-dtype", "F32")
        plan, report, output = written(source, folder, "--rank", str(rank), "--factor-dtype", "INT8")
        worst, shares, halves = 0.0, [], []
        for tensor in report["tensors"]:
            name = tensor["name"]
            if tensor["action"] == "kept" or f"{name}.lowrank_A" not in full:
                continue
            matrix = matrices[name]
            b, a = factors(full, name)
            r = a.shape[0]
            truncation = matrix.error(b.reshape(-1, r), a.reshape(r, -1))
            b, a = factors(output, name)
            added = matrix.error(b.reshape(-1, r), a.reshape(r, -1)) / truncation - 1
            if f"{name}.lowrank_A_scale" in output:
                parts = [output[f"{name}.lowrank_{part}"][2] for part in ("A", "B", "A_scale", "B_scale")]
                share = sum(map(len, parts)) / (4 * r * sum(matrix.W.shape))
                check(added <= 0.05, f"{name}: INT8 adds {added:.2%} at rank {rank}")
                check(share <= 0.26, f"{name}: INT8 takes {share:.2%} of the F32 bytes")
                worst = max(worst, added)
                shares.append(share)
            else:
                check(truncation < 0.1, f"{name}: error {truncation:.3f} and yet no INT8")
                check(plan[name]["int8Increase"] > 0.05, f"{name}: no INT8, and the plan says {plan[name]['int8Increase']}")
                halves.append(plan[name]["int8Increase"])
        print(f"  INT8 at rank {rank}: {len(shares)} tensors, +{worst:.2%} at most, {max(shares, default=0):.2%} of the F32 bytes at most; "
              f"{len(halves)} in half precision" + (f", INT8 would add {min(halves):.1%} or more" if halves else ""))


for source in options.sources:
    print(source)
    tensors = {name: entry for name, entry in load(source).items() if len(entry[1]) > 1}
    matrices = {name: Matrix(entry) for name, entry in tensors.items()}
    with tempfile.TemporaryDirectory() as folder:
        judge_goal(source, matrices, folder, "auto")
        judge_goal(source, matrices, folder, "randomized")
        judge_goal(source, matrices, folder, "exact")
        judge_model(source, matrices, folder)
        judge_int8(source, matrices, folder)
print(f"{faults} faults" if faults else "all of it holds")
sys.exit(1 if faults else 0)
