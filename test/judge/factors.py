#!/usr/bin/env python3
"""An independent judge of a compressed file: numpy only, shares no code with the product.

    factors.py SOURCE OUTPUT [--json]

SOURCE and OUTPUT are .safetensors or .npy files (OUTPUT: factors `<name>.lowrank_A` [r,in] and `<name>.lowrank_B` [out,r], with
`.lowrank_A_scale` / `.lowrank_B_scale` (multiplied by broadcasting) where they are INT8, `.sparse_index` (flat, row-major) / `.sparse_value` where there is a
sparse part, stacks [e,r,in] / [e,out,r] for MoE experts, or `<name>.U/.S/.Vt`, or a dense copy). For every tensor of SOURCE it prints its outcome: kept (equal bytes?), dense or factorized, the rank, the true relative Frobenius
error ||W - What||_F / ||W||_F in float64, the Eckart-Young floor at that rank (exact SVD, float64), and the excess over it.
Exit status 1 where a tensor is missing or has the wrong shape, an error is not finite, exceeds 1, or lies under the floor.
"""
import json, struct, sys
import numpy as np

F8 = {}
def f8_table(exp_bits, man_bits, bias, e4m3):
    key = (exp_bits, man_bits)
    if key in F8: return F8[key]
    t = np.zeros(256)
    for b in range(256):
        s = -1.0 if b >> 7 else 1.0
        e = (b >> man_bits) & ((1 << exp_bits) - 1); m = b & ((1 << man_bits) - 1)
        if e4m3 and e == 15 and m == 7: v = np.nan
        elif not e4m3 and e == 31: v = np.inf if m == 0 else np.nan
        elif e == 0: v = m / (1 << man_bits) * 2.0 ** (1 - bias)
        else: v = (1 + m / (1 << man_bits)) * 2.0 ** (e - bias)
        t[b] = s * v
    F8[key] = t
    return t

def decode(dtype, raw):
    plain = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "BOOL": "?"}
    if dtype in plain: return np.frombuffer(raw, plain[dtype]).astype(np.float64)
    if dtype == "BF16": return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    if dtype == "F8_E4M3": return f8_table(4, 3, 7, True)[np.frombuffer(raw, "u1")]
    if dtype == "F8_E5M2": return f8_table(5, 2, 15, False)[np.frombuffer(raw, "u1")]
    raise SystemExit(f"no decoder for {dtype}")

def load(path):
    """name -> (dtype, shape, raw bytes, decode)"""
    with open(path, "rb") as f: data = f.read()
    if data[:6] == b"\x93NUMPY":
        a = np.load(path)
        return {"array": ("npy", list(a.shape), a.tobytes(), a.astype(np.float64))}, {}
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n]); meta = head.pop("__metadata__", {})
    out = {}
    for k, v in head.items():
        a, b = v["data_offsets"]; raw = data[8 + n + a:8 + n + b]
        out[k] = (v["dtype"], v["shape"], raw, None)
    return out, meta

def values(entry):
    dtype, shape, raw, done = entry
    return (decode(dtype, raw) if done is None else done).reshape(shape)

def main():
    args = [a for a in sys.argv[1:] if a != "--json"]
    src, _ = load(args[0]); dst, meta = load(args[1])
    bad = 0; rows = []
    single = {k for k in src} == {"array"}
    for name, entry in src.items():
        A = values(entry); row = {"name": name, "shape": list(A.shape)}
        W = None
        names = [name] if not single else [name] + [k.rsplit(".", 1)[0] for k in dst if "." in k]
        for n in names:
            if n + ".lowrank_A" in dst:
                a, b = values(dst[n + ".lowrank_A"]), values(dst[n + ".lowrank_B"])
                if n + ".lowrank_A_scale" in dst: a, b = a * values(dst[n + ".lowrank_A_scale"]), b * values(dst[n + ".lowrank_B_scale"])
                r = b.shape[-1] if b.ndim == 3 else b.shape[1]
                W = b @ a if b.ndim == 3 else b.reshape(-1, r) @ a.reshape(r, -1); row.update(what="factors", rank=int(r))
                if n + ".sparse_index" in dst:
                    W = W.reshape(-1); W[values(dst[n + ".sparse_index"]).astype(np.int64)] += values(dst[n + ".sparse_value"]).ravel(); row["sparse"] = int(dst[n + ".sparse_value"][1][0])
            elif n + ".U" in dst:
                U, S, Vt = (values(dst[n + s]) for s in (".U", ".S", ".Vt"))
                W = (U * S) @ Vt; row.update(what="factors", rank=int(S.size), orthU=float(np.abs(U.T @ U - np.eye(S.size)).max()), orthV=float(np.abs(Vt @ Vt.T - np.eye(S.size)).max()))
            elif n in dst:
                same = dst[n][2] == entry[2] and (single or dst[n][:2] == entry[:2])
                W = values(dst[n]); row.update(what="kept" if same else "dense")
                if list(W.shape) != list(A.shape): row["what"] = "WRONG SHAPE"
            if W is not None: break
        if W is None:
            row["what"] = "MISSING"; bad += 1; rows.append(row); continue
        if row["what"] == "WRONG SHAPE": bad += 1; rows.append(row); continue
        if row["what"] != "kept":
            stack = row["what"] == "factors" and names and W.ndim == 3
            M = A if stack else A.reshape(A.shape[0], -1) if A.ndim > 1 else A.reshape(1, -1)
            W = W.reshape(M.shape); norm = np.linalg.norm(M)
            row["error"] = float(np.linalg.norm(M - W) / norm) if norm else float(np.linalg.norm(W))
            if not row["error"] <= 1 + 1e-9: bad += 1; row["what"] += " IMPOSSIBLE"
            if "rank" in row:
                tails = [(np.linalg.svd(x, compute_uv=False)[row["rank"]:] ** 2).sum() for x in (M if stack else [M])]
                row["floor"] = float(np.sqrt(sum(tails)) / norm) if norm else 0.0
                row["excess"] = row["error"] / row["floor"] - 1 if row["floor"] > 1e-6 else 0.0
                if row["error"] < row["floor"] * (1 - 1e-4) - 1e-7 and "sparse" not in row: bad += 1; row["what"] += " BELOW THE FLOOR"
        rows.append(row)
    if "--json" in sys.argv: print(json.dumps({"metadata": meta, "tensors": rows}))
    else:
        for r in rows: print("  ".join(f"{k} {v:.6g}" if isinstance(v, float) else f"{k} {v}" for k, v in r.items()))
    sys.exit(1 if bad else 0)

main()
