#!/usr/bin/python3
"""The libraries GhostSVD is measured against, as a process that answers one JSON line per JSON line.

    {"op": "load", "path": "a.npy"}                                  -> {"peers": {"numpy": "1.24.2", ...}, "kernels": ["SkylakeX"]}
    {"op": "product", "columns": k, "transposed": bool}             -> {"ms": ...}              numpy A @ X or A.T @ Y
    {"op": "randomized", "peer": "numpy" | "sklearn" | "torch", "rank", "oversample", "nIter", "seed", "warm"} -> {"ms", "error", "orthogonality"}
    {"op": "values"}                                                 -> {"ms": ...}              scipy.linalg.svdvals
    {"op": "full"}                                                   -> {"ms": ...}              numpy.linalg.svd, thin

Times are wall time from the array in memory to U, s, Vt. `error` is ||A - U S Vt||_F / ||A||_F, measured on the residual in float64.
numpy computes the QR and SVD of float32 input in float64 inside numpy.linalg; scikit-learn, scipy and torch stay in float32.
Debian: apt-get install python3-numpy python3-scipy python3-sklearn python3-torch libopenblas0. A missing library is left out.
"""
import ctypes
import json
import sys
import time

import numpy as np

peers = {"numpy": np.__version__}
try:
    import sklearn
    from sklearn.utils.extmath import randomized_svd
    peers["sklearn"] = sklearn.__version__
except ImportError:
    pass
try:
    import torch
    peers["torch"] = torch.__version__
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else torch.get_num_threads())
except ImportError:
    pass


def openblas_kernels():
    """What each copy of OpenBLAS in this process chose: "SkylakeX", "Haswell"; none where there is another library, or where it does not say."""
    found = []
    with open("/proc/self/maps") as maps:
        paths = sorted({line.split(maxsplit=5)[-1].strip() for line in maps if "openblas" in line})
    for path in paths:
        library = ctypes.CDLL(path)
        for name in ("openblas_get_corename", "openblas_get_corename64_", "scipy_openblas_get_corename64_"):
            if hasattr(library, name):
                say = getattr(library, name)
                say.restype = ctypes.c_char_p
                found.append(say().decode())
                break
    return found


def numpy_reference(A, rank, oversample, n_iter, rng):
    """Gaussian sketch; n_iter times [Y = A (At Y), QR]; Q = qr(Y); B = QtA; small SVD; U = Q Ub."""
    omega = rng.standard_normal((A.shape[1], rank + oversample)).astype(np.float32)
    Y = A @ omega
    for _ in range(n_iter):
        Y = A @ (A.T @ Y)
        Y, _ = np.linalg.qr(Y)
    Q, _ = np.linalg.qr(Y)
    U, s, Vt = np.linalg.svd(Q.T @ A, full_matrices=False)
    return Q @ U[:, :rank], s[:rank], Vt[:rank]


def randomized(request):
    rank, p, q, seed = request["rank"], request["oversample"], request["nIter"], request["seed"]
    peer = request["peer"]
    found = []

    def run():
        if peer == "numpy":
            found[:] = numpy_reference(A, rank, p, q, np.random.default_rng(seed))
        elif peer == "sklearn":
            found[:] = randomized_svd(A, rank, n_oversamples=p, n_iter=q, random_state=seed)
        else:
            torch.manual_seed(seed)
            u, s, v = torch.svd_lowrank(torch_A, rank + p, q)
            found[:] = u[:, :rank], s[:rank], v[:, :rank].T

    ms = (timed if request["warm"] else clocked)(run)["ms"]
    U, s, Vt = (np.asarray(part) for part in found)
    return {"ms": ms, "error": residual(U, s, Vt), "orthogonality": orthogonality(U)}


def residual(U, s, Vt):
    total = 0.0
    scaled = U.astype(np.float64) * s.astype(np.float64)
    right = Vt.astype(np.float64)
    for i in range(0, A.shape[0], 512):
        total += ((A[i:i + 512] - scaled[i:i + 512] @ right) ** 2).sum()
    return float(np.sqrt(total) / norm)


def orthogonality(U):
    wide = U.astype(np.float64)
    return float(np.abs(wide.T @ wide - np.eye(U.shape[1])).max())


def timed(work):
    # Like the other side: once untimed, so that caches are filled and every core is awake, then at once again by the clock.
    work()
    return clocked(work)


def clocked(work):
    start = time.perf_counter()
    work()
    return {"ms": 1000 * (time.perf_counter() - start)}


def product(request):
    X = np.random.default_rng(0).standard_normal((A.shape[0 if request["transposed"] else 1], request["columns"])).astype(np.float32)
    return timed(lambda: A.T @ X if request["transposed"] else A @ X)


def values(request):
    import scipy.linalg
    return clocked(lambda: scipy.linalg.svdvals(A))


for line in sys.stdin:
    request = json.loads(line)
    if request["op"] == "load":
        A = np.load(request["path"])
        norm = np.sqrt(sum((A[i:i + 512].astype(np.float64) ** 2).sum() for i in range(0, A.shape[0], 512)))
        if "torch" in peers:
            torch_A = torch.from_numpy(A)
        reply = {"peers": peers, "kernels": openblas_kernels() if sys.platform == "linux" else []}
    elif request["op"] == "randomized":
        reply = randomized(request)
    elif request["op"] == "product":
        reply = product(request)
    elif request["op"] == "values":
        reply = values(request)
    else:
        reply = clocked(lambda: np.linalg.svd(A, full_matrices=False))
    print(json.dumps(reply), flush=True)
