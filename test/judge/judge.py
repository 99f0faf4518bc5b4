"""What the judges share: safetensors in and out, the built engine, and the truth by numpy in float64, which shares no code with the product."""
import json, os, struct, subprocess, tempfile
import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NODE = os.path.join(ROOT, "node_modules", ".bin", "node")
NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I8": "i1", "I64": "<i8"}


class Engine:
    """test/judge/engine.ts: reports of jobs on a file. Nothing is cached between jobs."""

    def __init__(self):
        home = tempfile.mkdtemp()
        environment = dict(os.environ, HOME=home, XDG_CONFIG_HOME=home, XDG_CACHE_HOME=home)
        script = os.path.join(ROOT, "test", "judge", "engine.ts")
        self.process = subprocess.Popen([NODE, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def run(self, path, *jobs):
        self.process.stdin.write(json.dumps({"path": path, "jobs": jobs}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["reports"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def to_bf16(values):
    bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + ((bits >> 16) & 1) + 0x7FFF) >> 16).astype("<u2")


def save(path, tensors):
    """tensors: name -> (dtype, array)."""
    header, blobs, at = {}, [], 0
    for name, (dtype, array) in tensors.items():
        blob = (to_bf16(array) if dtype == "BF16" else np.ascontiguousarray(array, NUMPY[dtype])).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [at, at + len(blob)]}
        at += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def load(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: values(entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def values(dtype, shape, raw):
    if dtype == "BF16":
        wide = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        wide = np.frombuffer(raw, NUMPY[dtype])
    return (wide if dtype == "I64" else wide.astype(np.float64)).reshape(shape)


def product(output, name):
    """What the factors of a tensor say, sparse part included, in float64; a kept tensor is itself."""
    if f"{name}.U" in output:
        W = (output[f"{name}.U"] * output[f"{name}.S"]) @ output[f"{name}.Vt"]
    elif f"{name}.lowrank_A" in output:
        a, b = output[f"{name}.lowrank_A"], output[f"{name}.lowrank_B"]
        if f"{name}.lowrank_A_scale" in output:
            a, b = a * output[f"{name}.lowrank_A_scale"], b * output[f"{name}.lowrank_B_scale"]
        W = b @ a
    else:
        return output[name]
    if f"{name}.sparse_index" in output:
        W = W.copy()
        np.add.at(W.reshape(-1), output[f"{name}.sparse_index"], output[f"{name}.sparse_value"])
    return W


def norm(A):
    largest = np.abs(A).max() if A.size else 0.0
    return 0.0 if largest == 0 else largest * np.linalg.norm(A / largest)


def relative_error(A, approximation):
    """In units of the largest entry: 1e-310 has no inverse, and its square no digits."""
    largest = np.abs(A).max()
    if largest == 0:
        return norm(approximation)
    return np.linalg.norm(A / largest - approximation / largest) / np.linalg.norm(A / largest)


def singular_values(A):
    largest = np.abs(A).max()
    return np.zeros(min(A.shape)) if largest == 0 else largest * np.linalg.svd(A / largest, compute_uv=False)


def floors(s):
    """Eckart-Young error at rank 0, 1, ..., tails summed smallest first."""
    if s[0] == 0:
        return np.zeros(len(s) + 1)
    tail = np.append(np.cumsum(((s / s[0]) ** 2)[::-1])[::-1], 0)
    return np.sqrt(tail / tail[0])


def orthonormal(rows, count, rng):
    q, r = np.linalg.qr(rng.standard_normal((rows, count)))
    return q * np.sign(np.diag(r))


def with_spectrum(rows, cols, s, seed=0):
    rng = np.random.default_rng(seed)
    return (orthonormal(rows, len(s), rng) * s) @ orthonormal(cols, len(s), rng).T
