#!/usr/bin/env python3
"""The output "onnx" held against onnx.checker and onnxruntime, on every structure of a graph that a weight can stand in.

    python3 test/judge/graphs.py [NAME ...] [--keep FOLDER]
    python3 test/judge/graphs.py --model FILE.onnx [--share 0.5] [--size DIM=NUMBER ...] [--value INPUT=NUMBER ...]

With --model a model of yours takes the place of the corpus: every weight that the graph takes factors for is factorized at this share of its rank, and
what was left alone is counted.

For each model, at full precision, with INT8 factors where it says so, and with every weight kept in INT8 ("whole", no factors):
  valid    onnx.checker takes what was written (opsets that it knows)
  equal    onnxruntime gives for it what it gives for a dense copy of the source, made here: each factorized weight replaced by B A, multiplied out by
           numpy from the factors in the file, or codes times scales. 1e-4 of the norm of each output; 5e-3 in float16
  rounded  codes and scales are what numpy makes of the source's values, and the error of each weight is the reported one
  left     what had to be left alone was, for the reason that is expected
  planned  the bytes are those that the plan said
Exit status 1 where anything does not hold. Needs numpy, onnx and onnxruntime-node; `npm run build` before.
"""
import argparse, base64, json, os, subprocess, sys, tempfile
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from dense import axes_of, dense_copy, widened
from judge import Engine

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NODE = os.path.join(ROOT, "node_modules", ".bin", "node")
parser = argparse.ArgumentParser()
parser.add_argument("names", nargs="*")
parser.add_argument("--model", action="append", default=[])
parser.add_argument("--share", type=float, default=0.5)
parser.add_argument("--size", action="append", default=[])
parser.add_argument("--value", action="append", default=[])
parser.add_argument("--keep", help="leave the models in this folder")
options = parser.parse_args()
NO_MATRIX = ("plan.one-dimensional", "plan.scalar", "plan.dtype")
NEWEST = 17  # What Debian's onnx 1.12 knows.
rng = np.random.default_rng(7)
FLOAT, HALF, DOUBLE, INT64 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.INT64
NUMPY = {FLOAT: np.float32, HALF: np.float16, DOUBLE: np.float64, INT64: np.int64}
models = {}


def weight(*shape, dtype=FLOAT):
    """Of low rank and a little noise, so that a small rank keeps most of it."""
    rows, cols = shape[0], int(np.prod(shape[1:]))
    low = rng.standard_normal((rows, 6)) @ rng.standard_normal((6, cols)) + 0.1 * rng.standard_normal((rows, cols))
    return (low / np.sqrt(6 * rows)).reshape(shape).astype(NUMPY[dtype])


def tensor(name, array):
    return numpy_helper.from_array(np.ascontiguousarray(array), name)


def value(name, shape, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def constant(name, array):
    return helper.make_node("Constant", [], [name], name=f"constant {name}", value=tensor(f"{name}_value", array))


def model(name, nodes, weights, inputs, outputs, opset=13, ir=8, left=None, feeds=None, int8=True, save=None, values=(), rank=8):
    """left: weight -> part of the reason why it is left alone; all others have to be factorized."""
    graph = helper.make_graph(nodes, name, inputs, outputs, weights, value_info=list(values))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="graphs.py")
    made.ir_version = ir
    models[name] = dict(model=made, opset=opset, left=left or {}, feeds=feeds or {}, int8=int8, save=save, rank=rank)


def linear(name, opset=13, ir=8, dtype=FLOAT, **more):
    w = tensor("w", weight(64, 80, dtype=dtype))
    inputs = [value("x", [3, 64], dtype)] + ([value("w", [64, 80], dtype)] if ir < 4 else [])
    model(name, [helper.make_node("MatMul", ["x", "w"], ["y"], name="layer")], [w], inputs, [value("y", [3, 80], dtype)], opset, ir, **more)


def corpus():
    for opset in (7, 9, 11, 13, 15, 17, 18, 19, 21):
        linear(f"matmul opset {opset}", opset, ir=10 if opset > 19 else 8)
    linear("matmul ir 3, initializers among the inputs", 8, ir=3)
    linear("matmul float16", dtype=HALF)
    linear("matmul float16 opset 11", 11, dtype=HALF)
    linear("matmul float64", dtype=DOUBLE)
    model("matmul of a batch", [helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor("w", weight(64, 80))], [value("x", [2, "n", 64])], [value("y", [2, "n", 80])])
    model("matmul of a vector", [helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor("w", weight(64, 80))], [value("x", [64])], [value("y", [80])])
    model("matmul from the left", [helper.make_node("MatMul", ["w", "x"], ["y"])], [tensor("w", weight(64, 80))], [value("x", [80, 5])], [value("y", [64, 5])])
    model("matmul from the left, a batch", [helper.make_node("MatMul", ["w", "x"], ["y"])], [tensor("w", weight(64, 80))], [value("x", [2, 80, 5])], [value("y", [2, 64, 5])])
    model("large rank, a scale for each row", [helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor("w", weight(256, 320))], [value("x", [3, 256])], [value("y", [3, 320])], rank=120)
    for opset in (7, 9, 11, 13):
        for a in (0, 1):
            for b in (0, 1):
                w = weight(80, 64) if b else weight(64, 80)
                node = helper.make_node("Gemm", ["x", "w", "c"], ["y"], transA=a, transB=b, alpha=0.5, beta=2.0)
                shape = [64, 3] if a else [3, 64]
                model(f"gemm opset {opset} transA {a} transB {b}", [node], [tensor("w", w), tensor("c", weight(1, 80)[0])], [value("x", shape)], [value("y", [3, 80])], opset, int8=opset in (9, 13) and a == 0)
    for a in (0, 1):
        for b in (0, 1):
            w = weight(80, 64) if a else weight(64, 80)
            node = helper.make_node("Gemm", ["w", "x"], ["y"], transA=a, transB=b, alpha=0.5)
            model(f"gemm from the left transA {a} transB {b}", [node], [tensor("w", w)], [value("x", [5, 80] if b else [80, 5])], [value("y", [64, 5])])
    linear_gemm = helper.make_node("Gemm", ["x", "w", "c"], ["y"])
    model("gemm ir 3 opset 7", [linear_gemm], [tensor("w", weight(64, 80)), tensor("c", weight(1, 80)[0])], [value("x", [3, 64]), value("w", [64, 80]), value("c", [80])], [value("y", [3, 80])], 7, 3)
    model("gemm whose sum is a weight", [helper.make_node("Gemm", ["x", "v", "w"], ["y"])], [tensor("v", weight(64, 80)), tensor("w", weight(70, 80))], [value("x", [70, 64])], [value("y", [70, 80])], left={"w": "Gemm"})

    for opset in (7, 11, 13, 17):
        model(f"conv opset {opset}", [helper.make_node("Conv", ["x", "w", "b"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])], [tensor("w", weight(72, 64, 3, 3)), tensor("b", weight(1, 72)[0])], [value("x", [1, 64, 9, 8])], [value("y", [1, 72, 9, 8])], opset)
    model("conv strided and dilated", [helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3], strides=[2, 1], dilations=[1, 2], pads=[0, 1, 2, 3])], [tensor("w", weight(72, 64, 3, 3))], [value("x", [2, 64, 17, 15])], [value("y", ["a", "b", "c", "d"])])
    model("conv auto_pad", [helper.make_node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2])], [tensor("w", weight(72, 64, 3, 3))], [value("x", [1, 64, 9, 9])], [value("y", ["a", "b", "c", "d"])])
    model("conv 1-D", [helper.make_node("Conv", ["x", "w", "b"], ["y"], kernel_shape=[5], pads=[2, 2])], [tensor("w", weight(72, 64, 5)), tensor("b", weight(1, 72)[0])], [value("x", [1, 64, 30])], [value("y", [1, 72, 30])])
    model("conv 3-D", [helper.make_node("Conv", ["x", "w"], ["y"])], [tensor("w", weight(72, 64, 2, 2, 2))], [value("x", [1, 64, 4, 4, 4])], [value("y", ["a", "b", "c", "d", "e"])])
    model("conv of one point", [helper.make_node("Conv", ["x", "w"], ["y"])], [tensor("w", weight(72, 64, 1, 1))], [value("x", [1, 64, 4, 4])], [value("y", [1, 72, 4, 4])])
    model("conv whose name says otherwise", [helper.make_node("Conv", ["x", "conv/kernel"], ["y"])], [tensor("conv/kernel", weight(80, 16, 3, 64))], [value("x", [1, 16, 8, 70])], [value("y", ["a", "b", "c", "d"])])
    model("conv large rank, a scale for each row", [helper.make_node("Conv", ["x", "w"], ["y"])], [tensor("w", weight(256, 128, 3, 3))], [value("x", [1, 128, 5, 5])], [value("y", ["a", "b", "c", "d"])], rank=130)
    model("conv large rank opset 9", [helper.make_node("Conv", ["x", "w"], ["y"])], [tensor("w", weight(256, 128, 3, 3))], [value("x", [1, 128, 5, 5])], [value("y", ["a", "b", "c", "d"])], 9, rank=130)
    model("conv float16", [helper.make_node("Conv", ["x", "w"], ["y"])], [tensor("w", weight(72, 64, 3, 3, dtype=HALF))], [value("x", [1, 64, 9, 8], HALF)], [value("y", ["a", "b", "c", "d"], HALF)])
    model("conv of groups", [helper.make_node("Conv", ["x", "w"], ["y"], group=2)], [tensor("w", weight(128, 64, 3, 3))], [value("x", [1, 128, 5, 5])], [value("y", ["a", "b", "c", "d"])], left={"w": "groups"})
    model("transposed conv", [helper.make_node("ConvTranspose", ["x", "w"], ["y"])], [tensor("w", weight(64, 72, 3, 3))], [value("x", [1, 64, 5, 5])], [value("y", ["a", "b", "c", "d"])], left={"w": "ConvTranspose"})

    for opset in (7, 13):
        model(f"gather opset {opset}", [helper.make_node("Gather", ["w", "i"], ["y"])], [tensor("w", weight(100, 80))], [value("i", [2, 3], INT64)], [value("y", [2, 3, 80])], opset, feeds={"i": np.array([[1, 99, 5], [0, 2, 98]])})
    model("gather along columns", [helper.make_node("Gather", ["w", "i"], ["y"], axis=1)], [tensor("w", weight(100, 80))], [value("i", [3], INT64)], [value("y", [100, 3])], left={"w": "Gather"}, feeds={"i": np.array([1, 5, 79])})

    tied = [helper.make_node("Gather", ["w", "i"], ["e"]), helper.make_node("Gemm", ["e", "w"], ["y"], transB=1)]
    model("embedding and head of one weight", tied, [tensor("w", weight(100, 80))], [value("i", [3], INT64)], [value("y", [3, 100])], feeds={"i": np.array([4, 9, 99])})
    shared = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("MatMul", ["w", "h"], ["y"])]
    model("shared by products on both sides", shared, [tensor("w", weight(72, 72))], [value("x", [72, 72])], [value("y", [72, 72])])
    model("shared with a sum", [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Add", ["h", "w"], ["y"])], [tensor("w", weight(72, 72))], [value("x", [72, 72])], [value("y", [72, 72])], left={"w": "Add"})
    model("an output as well", [helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor("w", weight(64, 80))], [value("x", [3, 64])], [value("y", [3, 80]), value("w", [64, 80])], left={"w": "output"})
    model("an input as well", [helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor("w", weight(64, 80))], [value("x", [3, 64]), value("w", [64, 80])], [value("y", [3, 80])], left={"w": "input"})
    model("unused", [helper.make_node("Identity", ["x"], ["y"])], [tensor("w", weight(64, 80))], [value("x", [3, 64])], [value("y", [3, 64])], left={"w": "unused"})
    model("a product of two weights", [helper.make_node("MatMul", ["v", "w"], ["p"]), helper.make_node("MatMul", ["x", "p"], ["y"])], [tensor("v", weight(64, 70)), tensor("w", weight(70, 80))], [value("x", [3, 64])], [value("y", [3, 80])], left={"v": "MatMul", "w": "MatMul"})
    model("through a transpose", [helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]), helper.make_node("MatMul", ["x", "t"], ["y"])], [tensor("w", weight(80, 64))], [value("x", [3, 64])], [value("y", [3, 80])], left={"w": "Transpose"})

    model("constant nodes", [constant("w", weight(64, 80)), constant("b", weight(1, 80)[0]), helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Add", ["h", "b"], ["y"])], [], [value("x", [3, 64])], [value("y", [3, 80])], values=[value("w", [64, 80]), value("h", [3, 80])])
    model("a constant that is left alone", [constant("w", weight(64, 80)), helper.make_node("Mul", ["x", "w"], ["y"])], [], [value("x", [64, 80])], [value("y", [64, 80])], left={"w": "Mul"})
    model("a conv of a constant, opset 9", [constant("w", weight(72, 64, 3, 3)), helper.make_node("Conv", ["x", "w"], ["y"])], [], [value("x", [1, 64, 5, 5])], [value("y", ["a", "b", "c", "d"])], 9)

    def branch(name, w):
        return helper.make_graph([constant(f"w {name}", w), helper.make_node("MatMul", ["x", f"w {name}"], [f"y {name}"])], name, [], [value(f"y {name}", ["a", "b"])])

    def branch_of_initializers(name, w):
        return helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"], name="inner")], name, [], [value("y", ["a", "b"])], [tensor("w", w)])

    for opset in (9, 13):
        nodes = [helper.make_node("If", ["c"], ["y"], name="choice", then_branch=branch("then", weight(64, 80)), else_branch=branch("else", weight(64, 80)))]
        for c in (True, False):
            model(f"if of constants opset {opset} {c}", nodes, [], [value("x", [3, 64]), value("c", [], TensorProto.BOOL)], [value("y", ["a", "b"])], opset, feeds={"c": np.array(c)})
    nodes = [helper.make_node("If", ["c"], ["y"], name="choice", then_branch=branch_of_initializers("then", weight(64, 80)), else_branch=branch_of_initializers("else", weight(64, 80)))]
    model("if of initializers of the same name", nodes, [], [value("x", [3, 64]), value("c", [], TensorProto.BOOL)], [value("y", ["a", "b"])], feeds={"c": np.array(True)})
    outer = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["h"])], "then", [], [value("h", ["a", "b"])])
    none = helper.make_graph([helper.make_node("Identity", ["z"], ["k"])], "else", [], [value("k", ["a", "b"])])
    model("if with a weight of the graph around it", [helper.make_node("If", ["c"], ["y"], then_branch=outer, else_branch=none)], [tensor("w", weight(64, 80)), tensor("z", weight(3, 80))], [value("x", [3, 64]), value("c", [], TensorProto.BOOL)], [value("y", ["a", "b"])], feeds={"c": np.array(True)}, left={"z": "Identity"})
    body = helper.make_graph([helper.make_node("MatMul", ["s", "w"], ["t"]), helper.make_node("MatMul", ["t", "v"], ["n"]), helper.make_node("Identity", ["go"], ["on"])], "body", [value("i", [], INT64), value("go", [], TensorProto.BOOL), value("s", [3, 64])], [value("on", [], TensorProto.BOOL), value("n", [3, 64])], [tensor("v", weight(80, 64))])
    model("loop", [helper.make_node("Loop", ["m", "", "x"], ["y"], name="loop", body=body)], [tensor("w", weight(64, 80)), tensor("m", np.array(3))], [value("x", [3, 64])], [value("y", [3, 64])])
    lstm = helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=64)
    model("lstm", [lstm], [tensor("w", weight(1, 256, 64)), tensor("r", weight(1, 256, 64))], [value("x", [4, 1, 64])], [value("y", ["a", "b", "c", "d"])], left={"w": "LSTM", "r": "LSTM"})
    cut = [helper.make_node("Split", ["w"], ["w0", "w1", "w2", "w3"], axis=0), helper.make_node("Concat", ["w0", "w3", "w1", "w2"], ["wc"], axis=0), helper.make_node("Unsqueeze", ["wc", "zero"], ["wu"]), helper.make_node("Unsqueeze", ["r", "zero"], ["ru"])]
    model("lstm whose gates are put in order", [*cut, helper.make_node("LSTM", ["x", "wu", "ru"], ["y"], hidden_size=64)], [tensor("w", weight(256, 64)), tensor("r", weight(256, 64)), tensor("zero", np.array([0]))], [value("x", [4, 1, 64])], [value("y", ["a", "b", "c", "d"])], left={"w": "Split", "r": "Unsqueeze"})
    model("matrices in a stack", [helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor("w", weight(4, 64, 80))], [value("x", [4, 3, 64])], [value("y", [4, 3, 80])], left={"w": "MatMul"})
    model("external data", [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("MatMul", ["h", "v"], ["y"])], [tensor("w", weight(64, 80)), tensor("v", weight(80, 64))], [value("x", [3, 64])], [value("y", [3, 64])], save="external")
    model("external data of constants", [constant("k", weight(64, 80)), helper.make_node("Mul", ["x", "k"], ["h"]), helper.make_node("MatMul", ["h", "v"], ["y"])], [tensor("v", weight(80, 64))], [value("x", [64, 80])], [value("y", [64, 64])], left={"k": "Mul"}, save="external")


def random_feeds(made, feeds):
    weights = {each.name for each in made.graph.initializer}
    found = {}
    for each in made.graph.input:
        if each.name in weights:
            continue
        if each.name in feeds:
            found[each.name] = feeds[each.name]
            continue
        sizes = [d.dim_value or 3 for d in each.type.tensor_type.shape.dim]
        found[each.name] = rng.standard_normal(sizes).astype(NUMPY[each.type.tensor_type.elem_type])
    return found


class Runtime:
    def __init__(self):
        self.process = subprocess.Popen([NODE, os.path.join(ROOT, "test", "judge", "graphs-run.ts")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, path, feeds):
        wire = {name: dict(type=str(array.dtype), dims=array.shape, base64=base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()) for name, array in feeds.items()}
        self.process.stdin.write(json.dumps(dict(model=path, inputs=wire)) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "refused" in answer:
            raise RuntimeError(answer["refused"])
        return {name: np.frombuffer(base64.b64decode(each["base64"]), each["type"]).reshape(each["dims"]).astype(np.float64) for name, each in answer["outputs"].items()}


def check_codes(name, stored, base, source, axes, report):
    ours, scale = widened(stored, base, axes)
    wide = source.astype(np.float64)
    along = tuple(i for i in range(wide.ndim) if scale.shape[i] == 1)
    theirs = np.abs(wide).max(axis=along, keepdims=True) / 127
    check(np.allclose(scale, theirs, rtol=1e-6), name, f"{base}: scales are off")
    check(np.all(np.abs(ours - wide) <= 0.5001 * scale + 1e-12), name, f"{base}: codes are not the nearest")
    error = np.linalg.norm(ours - wide) / np.linalg.norm(wide)
    said = next(each for each in report["tensors"] if each["name"] == base)
    check(said.get("factorDType") == "INT8" and abs(said["relativeError"] - error) <= 1e-5, name, f"{base}: an error of {error:.6f}, {said['relativeError']:.6f} reported")


faults = 0
checked = 0


def check(holds, name, sentence):
    global faults, checked
    checked += 1
    if not holds:
        faults += 1
        print(f"  FAULT  {name}: {sentence}")


def judge(engine, runtime, folder, name, made, opset, left, feeds, int8, save, rank, dtype):
    stem = "".join(c if c.isalnum() else "_" for c in f"{name} {dtype}")
    path, out, dense = (os.path.join(folder, f"{stem}.{end}.onnx") for end in ("source", "small", "dense"))
    if save == "external":
        onnx.save_model(made, path, save_as_external_data=True, all_tensors_to_one_file=True, location=f"{stem}.data", size_threshold=0, convert_attribute=True)
        made = onnx.load(path)
    else:
        onnx.save(made, path)
    whole = dtype == "whole"
    params = dict(denseDType="INT8") if whole else dict(rank=rank, factorDType=dtype, int8Always=dtype == "INT8")
    wish = dict(kind="compress", target=out, output="onnx", params=params, include=["(none)" if whole else "*"], exclude=[], force=True)
    (report,) = engine.run(path, wish)
    if "fault" in report:
        return check(False, name, f"not written: {report['fault']}")
    check(report["bytesAfter"] == report["plannedBytes"] == os.path.getsize(out), name, f"{report['plannedBytes']} bytes planned, {os.path.getsize(out)} written")
    kept = {each["name"]: json.dumps(each["reason"]) for each in report["tensors"] if each["action"] == "kept"}
    for each in [] if whole else report["tensors"]:
        reason = next((reason for end, reason in left.items() if each["name"].endswith(end)), None)
        if reason is not None:
            check(reason in kept.get(each["name"], ""), name, f"{each['name']} should be left alone ({reason}): {kept.get(each['name'])}")
        elif each["name"] in kept:
            check(any(key in kept[each["name"]] for key in NO_MATRIX), name, f"{each['name']} was kept: {kept[each['name']]}")
    written = onnx.load(out)
    if opset <= NEWEST:
        try:
            onnx.checker.check_model(written, full_check=opset >= 9)
        except Exception as error:
            check(False, name, f"onnx.checker: {error}")
    stored = {each.name: each for each in written.graph.initializer}
    axes, sources = axes_of(written), {}
    copy, replaced, factorized = dense_copy(made, stored, axes, sources)
    check(replaced == factorized, name, f"{replaced} of {factorized} products found their place")
    if whole:
        check(factorized > 0 or left or "float64" in name, name, "nothing is kept in INT8")
        for base, source in sources.items():
            check_codes(name, stored, base, source, axes, report)
    onnx.save(copy, dense)
    given = random_feeds(made, feeds)
    try:
        ours, theirs = runtime.run(out, given), runtime.run(dense, given)
    except RuntimeError as error:
        return check(False, name, f"onnxruntime: {error}")
    check(list(ours) == list(theirs), name, f"outputs {list(ours)}, expected {list(theirs)}")
    worst = max(np.linalg.norm(ours[key] - theirs[key]) / max(np.linalg.norm(theirs[key]), 1e-30) for key in theirs)
    half = "float16" in name
    check(worst <= (5e-3 if half else 1e-4), name, f"{dtype}: output off by {worst:.2e}")
    return worst


def before_sigmoid(path, folder):
    """The model with what goes into a last Sigmoid as its output: near zero a sigmoid in float32 has steps of 2^-25, which say nothing of its input."""
    made = onnx.load(path)
    makers = {name: node for node in made.graph.node for name in node.output}
    for output in made.graph.output:
        node = makers.get(output.name)
        if node is not None and node.op_type == "Sigmoid":
            output.CopyFrom(onnx.ValueInfoProto(name=node.input[0]))
    opened = os.path.join(folder, f"{os.path.basename(path)}.logits.onnx")
    onnx.save(made, opened)
    return opened


def yours(engine, runtime, folder, path):
    """One model by its file: written, valid, equal to its dense copy."""
    made = onnx.load(path)
    name, out, dense = os.path.basename(path), os.path.join(folder, "small.onnx"), os.path.join(folder, "dense.onnx")
    wish = dict(kind="compress", target=out, output="onnx", params=dict(goalSize=options.share), include=["*"], exclude=[], force=True)
    (report,) = engine.run(path, wish)
    if "fault" in report:
        return check(False, name, f"not written: {report['fault']}")
    check(report["bytesAfter"] == report["plannedBytes"] == os.path.getsize(out), name, "bytes as planned")
    written = onnx.load(out)
    opset = next(each.version for each in made.opset_import if each.domain in ("", "ai.onnx"))
    if opset <= NEWEST:
        try:
            onnx.checker.check_model(written)
        except Exception as error:
            try:
                onnx.checker.check_model(made)
                check(False, name, f"onnx.checker: {error}")
            except Exception:
                print(f"  {name}: onnx.checker refuses the source as well")
    copy, replaced, factorized = dense_copy(made, {each.name: each for each in written.graph.initializer}, axes_of(written), {})
    check(replaced == factorized, name, f"{replaced} of {factorized} products found their place")
    onnx.save(copy, dense)
    sizes = dict(each.split("=") for each in options.size)
    values = dict(each.split("=") for each in options.value)
    weights = {each.name for each in made.graph.initializer}
    feeds = {}
    for each in made.graph.input:
        if each.name in weights:
            continue
        kind = NUMPY[each.type.tensor_type.elem_type]
        dims = [int(sizes.get(f"{each.name}.{i}", d.dim_value or 1)) for i, d in enumerate(each.type.tensor_type.shape.dim)]
        feeds[each.name] = np.full(dims, float(values[each.name])).astype(kind) if each.name in values else rng.standard_normal(dims).astype(kind)
    ours, theirs, whole = (runtime.run(before_sigmoid(each, folder), feeds) for each in (out, dense, path))
    far = lambda a, b: max(np.linalg.norm(a[key] - b[key]) / max(np.linalg.norm(b[key]), 1e-30) for key in b)
    worst = far(ours, theirs)
    check(worst <= 1e-4, name, f"output off by {worst:.2e}")
    kept = sum(1 for each in report["tensors"] if each["action"] == "kept" and "graph." in json.dumps(each["reason"]))
    print(f"{name}: {report['bytesBefore']} -> {report['bytesAfter']} bytes, {factorized} weights factorized, {kept} left alone by the graph; off its dense copy by {worst:.1e}, off the source by {far(ours, whole):.2f}")


if not options.model:
    corpus()
runtime = Runtime()
engine = Engine()
with tempfile.TemporaryDirectory() as scratch:
    folder = options.keep or scratch
    os.makedirs(folder, exist_ok=True)
    worst = {"keep": 0.0, "INT8": 0.0, "whole": 0.0, "float16": 0.0}
    for path in options.model:
        yours(engine, runtime, folder, os.path.abspath(path))
    chosen = {name: each for name, each in models.items() if not options.names or any(part in name for part in options.names)}
    for name, each in chosen.items():
        for dtype in ("keep", "INT8", "whole") if each["int8"] and not each["left"] else ("keep", "whole"):
            off = judge(engine, runtime, folder, name, each["model"], each["opset"], each["left"], each["feeds"], each["int8"], each["save"], each["rank"], dtype)
            key = "float16" if "float16" in name else dtype
            if off is not None:
                worst[key] = max(worst[key], off)
print(f"{len(chosen) + len(options.model)} models, {checked} checks, {faults} faults; outputs off by at most {worst['keep']:.1e}, INT8 {worst['INT8']:.1e}, whole in INT8 {worst['whole']:.1e}, float16 {worst['float16']:.1e}")
sys.exit(1 if faults else 0)
