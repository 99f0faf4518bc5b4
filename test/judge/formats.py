#!/usr/bin/env python3
"""Files of other tools held against the libraries that write them.

    python3 test/judge/formats.py [FILE or FOLDER ...]

Without arguments it writes files of every dtype and form that this machine's libraries have (numpy, torch, onnx, h5py), in a folder of its own. Every
file is converted by the product to safetensors, and every array the library sees must be there, value for value; what the library sees and the
product does not, or the other way round, is a fault, and so is a refusal of a file that the library reads as numbers. Files no library here reads
are counted as opened or refused. Exit status 1 where anything does not hold. Needs numpy, the others where they are; `npm run build` before.
"""
import argparse, collections, hashlib, json, os, struct, sys, tempfile
import numpy as np
from judge import Engine

try:
    import torch
except ImportError:
    torch = None
try:
    import onnx
    from onnx import helper, numpy_helper
except ImportError:
    onnx = None

try:
    import h5py
except ImportError:
    h5py = None

parser = argparse.ArgumentParser()
parser.add_argument("paths", nargs="*")
options = parser.parse_args()
NUMPY = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8", "uint16": "U16",
         "uint32": "U32", "uint64": "U64", "bool": "BOOL", "complex64": "C64"}
ENDINGS = (".npy", ".npz", ".pt", ".pth", ".pkl", ".pickle", ".onnx", ".bin", ".ckpt", ".safetensors", ".gguf", ".pb", ".h5", ".hdf5", ".mat", ".nemo", ".pt2")


def key(dtype, shape, data):
    return dtype, tuple(shape), hashlib.sha256(data).hexdigest()


def of_numpy(value):
    value = np.asarray(value)
    dtype = NUMPY.get(value.dtype.name)
    if dtype is None:
        return None
    return key(dtype, value.shape, np.ascontiguousarray(value.astype(value.dtype.newbyteorder("<"))).tobytes())


def of_torch(value):
    value = value.detach()
    if value.is_sparse or value.is_quantized or value.dtype == torch.complex128:
        return None
    if value.dtype == torch.bfloat16:
        return key("BF16", value.shape, value.contiguous().view(torch.int16).numpy().tobytes())
    return of_numpy(value.contiguous().resolve_conj().numpy())


def tensors_in(value, seen):
    """Every tensor or array that a container holds, each container once."""
    if torch is not None and isinstance(value, torch.Tensor):
        return [of_torch(value)]
    if isinstance(value, np.ndarray):
        return [of_numpy(value)]
    if id(value) in seen or isinstance(value, (str, bytes)):
        return []
    seen.add(id(value))
    if isinstance(value, dict):
        return [each for item in value.values() for each in tensors_in(item, seen)]
    if isinstance(value, (list, tuple, set)):
        return [each for item in value for each in tensors_in(item, seen)]
    return []


def onnx_tensors(graph):
    for tensor in graph.initializer:
        yield tensor
    yield from onnx_nodes(graph.node)


def onnx_nodes(nodes):
    for node in nodes:
        for attribute in node.attribute:
            if node.op_type == "Constant":
                if attribute.name == "value":
                    yield attribute.t
                elif attribute.name in ("value_float", "value_floats", "value_int", "value_ints"):
                    value = helper.get_attribute_value(attribute)
                    yield numpy_helper.from_array(np.asarray(value, np.float32 if "float" in attribute.name else np.int64))
            for graph in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                yield from onnx_tensors(graph)


ONNX_PLAIN = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14}


def of_onnx(path):
    model = onnx.load(path)
    found = []
    for tensor in [*onnx_tensors(model.graph), *(each for function in model.functions for each in onnx_nodes(function.node))]:
        if tensor.data_type == 16:
            found.append(key("BF16", tensor.dims, tensor.raw_data))
        else:
            found.append(of_numpy(numpy_helper.to_array(tensor)) if tensor.data_type in ONNX_PLAIN else None)
    return found


def library_view(path):
    """What the library sees; None where no library here reads it, or it is no file of arrays."""
    try:
        if path.endswith(".npy"):
            return [of_numpy(np.load(path))]
        if path.endswith(".npz"):
            with np.load(path) as archive:
                found = []
                for name in archive.files:
                    try:
                        found.append(of_numpy(archive[name]))
                    except ValueError:
                        found.append(None)
                return found
        if path.endswith((".pt", ".pth")) and torch is not None:
            return tensors_in(torch.load(path, map_location="cpu"), set())
        if path.endswith(".onnx") and onnx is not None:
            return of_onnx(path)
        if path.endswith((".h5", ".hdf5")) and h5py is not None:
            found = []
            with h5py.File(path, "r") as file:
                # Arrays of structures, compressed and chunked ones are left out by the product.
                file.visititems(lambda _, item: found.append(of_numpy(item[()])) if isinstance(item, h5py.Dataset) and item.chunks is None else None)
            return found
    except Exception:
        return None
    return None


def product_view(engine, path):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.safetensors")
        (report,) = engine.run(path, {"kind": "convert", "target": out, "force": False})
        if "fault" in report:
            return None, report["fault"]
        with open(out, "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
            data = file.read()
        header.pop("__metadata__", None)
        return [key(t["dtype"], t["shape"], data[slice(*t["data_offsets"])]) for t in header.values()], None


def make_files(folder):
    def at(name):
        return os.path.join(folder, name)

    rng = np.random.default_rng(2)
    arrays = {}
    for name in [*NUMPY, ">f4", ">i8", "complex128", "S5", "U4", "M8[s]", "longdouble"]:
        dtype = np.dtype(name)
        value = rng.integers(0, 2, (3, 4)) if dtype.kind in "b" else rng.integers(0, 100, (3, 4))
        arrays[name] = value.astype(dtype)
        np.save(at(f"dtype-{dtype.name}-{dtype.byteorder.replace('>', 'big').strip('<=|')}.npy"), arrays[name])
    np.save(at("fortran.npy"), np.asfortranarray(rng.standard_normal((5, 7))))
    np.save(at("scalar.npy"), np.float32(2))
    np.save(at("records.npy"), np.zeros(3, [("a", "f4", (2,)), ("b", [("c", "i4")])]))
    np.savez(at("all.npz"), **{f"n{i}": value for i, value in enumerate(arrays.values())}, records=np.zeros(2, [("a", "f4")]))
    np.savez_compressed(at("all-deflated.npz"), **{f"n{i}": value for i, value in enumerate(arrays.values())})
    if torch is not None:
        kinds = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64, torch.complex128]
        state = collections.OrderedDict((str(kind), (torch.rand(4, 3) * 90).to(kind)) for kind in kinds)
        base = torch.randn(6, 8)
        state.update(transposed=base.t(), sliced=base[1:5:2, ::3], expanded=base[:1].expand(4, 8), empty=torch.empty(0, 3), scalar=torch.tensor(1.5), parameter=torch.nn.Parameter(torch.randn(3, 3)), buffer=torch.arange(4))
        state["sparse"] = torch.eye(3).to_sparse()
        state["quantized"] = torch.quantize_per_tensor(torch.randn(3, 3), 0.1, 0, torch.qint8)
        state["array"] = np.arange(6.0).reshape(2, 3)
        del state["sparse"], state["quantized"]
        torch.save(state, at("state.pt"))
        torch.save(state, at("state-legacy.pt"), _use_new_zipfile_serialization=False)
        for protocol in (2, 3, 4, 5):
            torch.save(state, at(f"state-{protocol}.pt"), pickle_protocol=protocol)
        torch.save({"model": state, "optimizer": {"state": {0: {"exp_avg": torch.zeros(2, 2)}}, "param_groups": [{"lr": 0.1}]}, "epoch": 3}, at("checkpoint.pth"))
        torch.save(torch.randn(3, 3), at("bare.pt"))
        torch.save([torch.randn(2), (torch.ones(3), {"a": torch.zeros(1)})], at("nested.pt"))
    if h5py is not None:
        with h5py.File(at("all.h5"), "w") as file:
            for name, value in arrays.items():
                # h5py keeps truth values as an enumeration.
                if name in NUMPY and name not in ("bool", "complex64"):
                    file.create_dataset(f"group/{name}", data=value)
            file.create_dataset("scalar", data=np.float32(2))
            file.create_dataset("empty", data=np.zeros((0, 3), "f4"))
    if onnx is not None:
        kinds = [np.dtype(name) for name in NUMPY if np.dtype(name) in onnx.mapping.NP_TYPE_TO_TENSOR_TYPE]
        values = [(rng.integers(0, 2, (3, 4)) if kind.kind == "b" else rng.integers(0, 100, (3, 4))).astype(kind) for kind in kinds]
        initializers = [numpy_helper.from_array(value, f"raw{i}") for i, value in enumerate(values)]
        initializers += [helper.make_tensor(f"typed{i}", onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[value.dtype], value.shape, value.flatten().tolist()) for i, value in enumerate(values)]
        nodes = [helper.make_node("Constant", [], [f"c{i}"], value=numpy_helper.from_array(value)) for i, value in enumerate(values)]
        graph = helper.make_graph(nodes, "g", [], [helper.make_tensor_value_info("y", 1, [1])], initializers)
        onnx.save(helper.make_model(graph), at("all.onnx"))


def files_under(paths):
    for path in paths:
        if os.path.isfile(path):
            yield path
        for folder, _, names in os.walk(path):
            for name in sorted(names):
                if name.endswith(ENDINGS):
                    yield os.path.join(folder, name)


counts, engine = collections.Counter(), Engine()
with tempfile.TemporaryDirectory() as own:
    if not options.paths:
        make_files(own)
    for path in files_under(options.paths or [own]):
        expected = library_view(path)
        actual, refusal = product_view(engine, path)
        numbers = None if expected is None else sorted(each for each in expected if each is not None)
        if actual is None:
            kind = "wrongly refused" if numbers else "refused"
        elif numbers is None:
            kind = "opened, no library here to compare with"
        else:
            # Of an empty array nothing can be compared but that it is there.
            kind = "opened, every value equal" if sorted(actual) == numbers else "WRONG"
        counts[kind] += 1
        if kind in ("wrongly refused", "WRONG") or (refusal and options.paths):
            more = "" if refusal or actual is None else f": the library sees {len(numbers)}, the product {len(actual)}, {len(set(actual) & set(numbers))} equal"
            print(f"{kind}: {path}{more} {refusal or ''}")
engine.close()
for kind, count in sorted(counts.items()):
    print(f"{count:5d}  {kind}")
sys.exit(1 if counts["WRONG"] or counts["wrongly refused"] else 0)
