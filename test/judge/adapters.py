"""Adapters held against numpy: what each loader would add, by its own formula for the scale, beside what the product says and writes.

    python3 test/judge/adapters.py [resize|forms|extract|verdicts|torch|residual|hostile ...]        (after npm run build)

Every matrix here has a known low rank, or none; forms are read by 20 lines each, which share no code with the product.
"""
import json, os, re, subprocess, sys, tempfile, time
import numpy as np
from judge import NODE, NUMPY, ROOT, load, save, to_bf16

FAILED = []
# As codes.
NUMPY.setdefault("F8_E4M3", np.uint8)


def check(holds, sentence):
    print(("holds   " if holds else "FAILED  ") + sentence)
    if not holds:
        FAILED.append(sentence)


def ghostsvd(*arguments, fails=False):
    home = os.environ.setdefault("GHOSTSVD_JUDGE_HOME", tempfile.mkdtemp())
    environment = dict(os.environ, GHOSTSVD_CONFIG=home, XDG_CACHE_HOME=home)
    done = subprocess.run(
        [NODE, os.path.join(ROOT, "out/main/cli.js"), *map(str, arguments)], capture_output=True, text=True, env=environment
    )
    if fails:
        return done.returncode, done.stderr.strip()
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: {done.stderr}")
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


def metadata(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return header.get("__metadata__", {})


# What each loader adds to the weight of a module: {module: D}.


def added_by_kohya(tensors):
    """sd-scripts, ComfyUI, A1111: up (mid) down, times alpha / rank; no alpha: 1."""
    found = {}
    for name in [name[: -len(".lora_down.weight")] for name in tensors if name.endswith(".lora_down.weight")]:
        down, up = tensors[name + ".lora_down.weight"], tensors[name + ".lora_up.weight"]
        rank = down.shape[0]
        scale = float(tensors.get(name + ".alpha", np.float64(rank))) / rank
        if name + ".lora_mid.weight" in tensors:
            D = np.einsum("or,rskl,si->oikl", up[:, :, 0, 0], tensors[name + ".lora_mid.weight"], down[:, :, 0, 0])
        else:
            D = (up.reshape(up.shape[0], -1) @ down.reshape(rank, -1)).reshape(up.shape[0], *down.shape[1:])
        found[name] = scale * D
    return found


def added_by_diffusers(tensors, header={}):
    found = {}
    for name in [name[: -len(".lora_A.weight")] for name in tensors if name.endswith(".lora_A.weight")]:
        A, B = tensors[name + ".lora_A.weight"], tensors[name + ".lora_B.weight"]
        scale = float(tensors[name + ".alpha"]) / A.shape[0] if name + ".alpha" in tensors else 1.0
        found[name] = scale * (B.reshape(B.shape[0], -1) @ A.reshape(A.shape[0], -1)).reshape(B.shape[0], *A.shape[1:])
    return found


def peft_key(patterns, module):
    """PEFT's own rule (tuners_utils.get_pattern_key): the first pattern that matches the end of the name."""
    return next((key for key in patterns if re.match(rf"(.*\.)?({key})$", module)), module)


def added_by_peft(folder):
    tensors = load(os.path.join(folder, "adapter_model.safetensors"))
    config = json.load(open(os.path.join(folder, "adapter_config.json")))
    found = {}
    for key in tensors:
        match = re.match(r"base_model\.model\.(.+)\.lora_(embedding_)?A(\.weight)?$", key)
        if not match:
            continue
        module, embedding = match.group(1), match.group(2)
        A = tensors[key]
        B = tensors[key.replace("lora_A", "lora_B").replace("lora_embedding_A", "lora_embedding_B")]
        r = config["rank_pattern"].get(peft_key(config["rank_pattern"], module), config["r"])
        alpha = config["alpha_pattern"].get(peft_key(config["alpha_pattern"], module), config["lora_alpha"])
        assert r == A.shape[0], f"{module}: the configuration says rank {r}, the tensor {A.shape[0]}"
        D = alpha / (np.sqrt(r) if config.get("use_rslora") else r) * (B @ A)
        found[module] = D.T if embedding or config.get("fan_in_fan_out") else D
    return found


def added_by_gguf(path):
    """llama.cpp: adapter.lora.alpha over the tensor's own rank, 0: 1."""
    tensors, pairs = read_gguf(path)
    assert pairs["general.type"] == "adapter" and pairs["adapter.type"] == "lora"
    alpha, found = pairs["adapter.lora.alpha"], {}
    for key in tensors:
        if not key.endswith(".lora_a"):
            continue
        a, b = tensors[key], tensors[key[:-1] + "b"]
        # token_embd: a is looked up by token, and not transposed.
        rank = a.shape[1] if key.startswith("token_embd") else a.shape[0]
        D = a @ b.T if key.startswith("token_embd") else b @ a
        found[key[: -len(".lora_a")]] = (alpha / rank if alpha else 1.0) * D
    return found


def read_gguf(path):
    data, at = open(path, "rb").read(), 0

    def number(kind):
        nonlocal at
        value = np.frombuffer(data, kind, 1, at)[0]
        at += np.dtype(kind).itemsize
        return value.item()

    def text():
        nonlocal at
        length = number("<u8")
        at += length
        return data[at - length : at].decode()

    assert data[:4] == b"GGUF"
    at = 4
    assert number("<u4") == 3
    count, pairs, described = number("<u8"), {}, []
    for _ in range(number("<u8")):
        key, kind = text(), number("<u4")
        pairs[key] = text() if kind == 8 else number("<f4")
    for _ in range(count):
        name, dims = text(), number("<u4")
        shape = [number("<u8") for _ in range(dims)][::-1]
        described.append((name, shape, number("<u4"), number("<u8")))
    start = (at + 31) // 32 * 32
    tensors = {}
    for name, shape, kind, offset in described:
        dtype = {0: "<f4", 1: "<f2", 30: "<u2"}[kind]
        values = np.frombuffer(data, dtype, int(np.prod(shape)), start + offset)
        if kind == 30:
            values = (values.astype(np.uint32) << 16).view(np.float32)
        tensors[name] = values.astype(np.float64).reshape(shape)
    return tensors, pairs


def relative(found, true):
    return np.linalg.norm(found - true) / np.linalg.norm(true)


def kohya_adapter(path, modules, rank, rng, alpha=None, dtype="BF16", shape=lambda i: (640, 640)):
    tensors = {}
    for i, name in enumerate(modules):
        out, width = shape(i)
        s = np.arange(1, rank + 1) ** -0.8
        U, V = np.linalg.qr(rng.standard_normal((out, rank)))[0], np.linalg.qr(rng.standard_normal((width, rank)))[0]
        mix = rng.standard_normal((rank, rank)) / np.sqrt(rank)
        tensors[name + ".lora_up.weight"] = (dtype, (U * s) @ mix)
        tensors[name + ".lora_down.weight"] = (dtype, np.linalg.inv(mix) @ V.T)
        if alpha is not None:
            tensors[name + ".alpha"] = (dtype, np.array(float(alpha)))
    save(path, tensors)


def sdxl_names(count):
    names = []
    for block, depth in [(4, 2), (5, 2), (7, 10), (8, 10)]:
        for i in range(depth):
            for attn in ("attn1", "attn2"):
                names += [f"lora_unet_input_blocks_{block}_1_transformer_blocks_{i}_{attn}_to_{x}" for x in ("q", "k", "v", "out_0")]
    return (names * (count // len(names) + 1))[:count] if count <= len(names) else names + [f"{n}x" for n in names]


def singular(D):
    return np.linalg.svd(D.reshape(D.shape[0], -1), compute_uv=False)


def rule_rank(rule, value, s):
    """The least rank that does what the rule says."""
    if rule == "ratio":
        return max(1, int(np.sum(s > s[0] / value)))
    weight = s if rule == "cumulative" else s**2
    enough = value * weight.sum() if rule == "cumulative" else value**2 * weight.sum()
    return int(np.argmax(np.cumsum(weight) >= enough)) + 1


def judge_resize(folder):
    rng = np.random.default_rng(1)
    source = os.path.join(folder, "lora.safetensors")
    names = sdxl_names(9)
    kohya_adapter(source, names, 32, rng, alpha=16, shape=lambda i: [(160, 160), (320, 160), (160, 256)][i % 3])
    true = added_by_kohya(load(source))
    spectra = {name: singular(D)[:32] for name, D in true.items()}
    before = os.path.getsize(source)
    sizes = []
    for rank in (4, 8, 16):
        out = os.path.join(folder, f"r{rank}.safetensors")
        report = ghostsvd("resize", source, "--out", out, "--rank", rank, "--json")
        found = added_by_kohya(load(out))
        sizes.append(sum(v.size for v in load(out).values()))
        excess = 0
        for module in report["modules"]:
            D, s = true[module["name"]], spectra[module["name"]]
            floor = np.sqrt(np.sum(s[rank:] ** 2)) / np.linalg.norm(s)
            e = relative(found[module["name"]], D)
            excess = max(excess, (e - floor) / floor)
            assert abs(module["relativeError"] - e) < 1e-6 + 1e-4 * e, (module, e)
            assert np.allclose(module["singularValues"][:32], s, rtol=2e-5, atol=1e-7 * s[0]), module["name"]
        check(excess < 0.02, f"resize to rank {rank}: errors are numpy's, at most {100 * excess:.2f} % above the floor (BF16)")
        check(all(v.dtype == np.float64 and float(v) == rank for k, v in load(out).items() if k.endswith(".alpha")), f"alpha is {rank} everywhere")
    check(abs(sizes[1] / sizes[0] - 2) < 0.01 and abs(sizes[2] / sizes[1] - 2) < 0.01, f"values in proportion to the rank: {sizes}")
    check(metadata(os.path.join(folder, "r8.safetensors"))["ss_network_dim"] == "8", "ss_network_dim is the new rank")
    for rule, value in [("ratio", 5), ("ratio", 10), ("cumulative", 0.6), ("cumulative", 0.9), ("fro", 0.9), ("fro", 0.99)]:
        out = os.path.join(folder, f"{rule}{value}.safetensors")
        report = ghostsvd("resize", source, "--out", out, f"--sv-{rule}", value, "--json")
        wrong = [m["name"] for m in report["modules"] if m["rank"] != rule_rank(rule, value, spectra[m["name"]])]
        check(not wrong, f"sv_{rule} {value}: ranks are numpy's, {min(m['rank'] for m in report['modules'])} to {max(m['rank'] for m in report['modules'])}")
    out = os.path.join(folder, "goal.safetensors")
    report = ghostsvd("resize", source, "--out", out, "--goal-error", "0.2", "--json")
    found = added_by_kohya(load(out))
    worst = max(relative(found[name], true[name]) for name in true)
    check(worst <= 0.2 * 1.001, f"goal error 20 %: {100 * worst:.3f} % at the most")
    out = os.path.join(folder, "size.safetensors")
    ghostsvd("resize", source, "--out", out, "--goal-size", "30%", "--min-rank", 1, "--json")
    check(0.28 * before < os.path.getsize(out) <= 0.3 * before, f"goal size 30 %: {os.path.getsize(out) / before:.4f}")
    out = os.path.join(folder, "one.safetensors")
    ghostsvd("resize", source, "--out", out, "--goal-error", "0.2", "--one-rank", "--json")
    one = load(out)
    check(len({v.shape[0] for k, v in one.items() if "lora_down" in k}) == 1, "one rank everywhere")
    check(max(relative(d, true[n]) for n, d in added_by_kohya(one).items()) <= 0.2 * 1.001, "and the same product")


def judge_forms(folder):
    """Every form the product writes adds the same; every form it reads is read as its loader reads it."""
    rng = np.random.default_rng(2)
    flux = [f"lora_unet_double_blocks_{i}_img_attn_qkv" for i in range(2)] + [f"lora_unet_single_blocks_{i}_linear2" for i in range(2)] + ["lora_te1_text_model_encoder_layers_0_mlp_fc1"]
    source = os.path.join(folder, "flux.safetensors")
    kohya_adapter(source, flux, 8, rng, alpha=4, dtype="F32", shape=lambda i: (384, 128) if i < 2 else (128, 256))
    true = added_by_kohya(load(source))
    comfy = os.path.join(folder, "comfy.safetensors")
    ghostsvd("convert", source, "--out", comfy, "--to", "comfy")
    found = added_by_kohya(load(comfy))
    check(all(np.array_equal(found["diffusion_model." + n], true["lora_unet_" + n.replace(".", "_")]) for n in ["double_blocks.0.img_attn.qkv", "single_blocks.1.linear2"]), "kohya to ComfyUI: the same bits")
    diffusers = os.path.join(folder, "diffusers.safetensors")
    ghostsvd("convert", source, "--out", diffusers, "--to", "diffusers")
    found = added_by_diffusers(load(diffusers))
    whole = np.concatenate([found[f"transformer.transformer_blocks.1.attn.to_{x}"] for x in "qkv"])
    check(np.array_equal(whole, true["lora_unet_double_blocks_1_img_attn_qkv"]), "kohya to diffusers: qkv by thirds, the same bits")
    header = json.loads(metadata(diffusers)["lora_adapter_metadata"])
    check(header["transformer.r"] == 8 and header["transformer.lora_alpha"] == 8, "diffusers' header: r 8, lora_alpha 8")
    back = os.path.join(folder, "back.safetensors")
    ghostsvd("convert", diffusers, "--out", back, "--to", "kohya")
    found = added_by_kohya(load(back))
    check(all(relative(found[n], true[n]) < 1e-6 for n in flux), "and back: joined, nothing lost")
    check(load(back)["lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight"].shape[0] == 24, "ranks of joined modules add up")
    # LoCon with a core, LoHa, LoKr.
    unit = lambda *shape: rng.standard_normal(shape) / np.sqrt(shape[-1])
    name = "lora_unet_down_blocks_0_resnets_0_conv1"
    other = os.path.join(folder, "lycoris.safetensors")
    tensors = {
        f"{name}.lora_down.weight": ("F32", unit(6, 64, 1, 1)),
        f"{name}.lora_up.weight": ("F32", unit(96, 6, 1, 1)),
        f"{name}.lora_mid.weight": ("F32", unit(6, 6, 3, 3)),
        f"{name}.alpha": ("F32", np.array(3.0)),
    }
    attn = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_"
    loha = {x: unit(*s) for x, s in [("w1_a", (96, 4)), ("w1_b", (4, 64)), ("w2_a", (96, 4)), ("w2_b", (4, 64))]}
    tensors |= {f"{attn}q.hada_{x}": ("F32", v) for x, v in loha.items()} | {f"{attn}q.alpha": ("F32", np.array(2.0))}
    w1, w2a, w2b = unit(4, 4), unit(24, 3), unit(3, 16)
    tensors |= {f"{attn}k.lokr_w1": ("F32", w1), f"{attn}k.lokr_w2_a": ("F32", w2a), f"{attn}k.lokr_w2_b": ("F32", w2b), f"{attn}k.alpha": ("F32", np.array(6.0))}
    save(other, tensors)
    out = os.path.join(folder, "as-lora.safetensors")
    ghostsvd("resize", other, "--out", out, "--rank", 16, "--json")
    found = added_by_kohya(load(out))
    check(relative(found[name], added_by_kohya(load(other))[name]) < 1e-5, "LoCon with lora_mid: exact at its rank")
    check(found[name].shape == (96, 64, 3, 3), "and a convolution again")
    f32 = lambda v: v.astype(np.float32).astype(np.float64)
    D = 2.0 / 4 * (f32(loha["w1_a"]) @ f32(loha["w1_b"])) * (f32(loha["w2_a"]) @ f32(loha["w2_b"]))
    check(relative(found[attn + "q"], D) < 1e-5, "LoHa of rank 4 as LoRA of rank 16: exact")
    D = 6.0 / 3 * np.kron(f32(w1), f32(w2a) @ f32(w2b))
    check(relative(found[attn + "k"], D) < 1e-5, "LoKr, alpha over the rank of its second factor: exact")
    # PEFT with patterns and rslora.
    peft = os.path.join(folder, "peft")
    os.makedirs(peft)
    ranks = {"model.layers.0.self_attn.q_proj": 8, "model.layers.0.mlp.up_proj": 4, "proj": 6, "block.0.proj": 2}
    tensors = {}
    for module, r in ranks.items():
        tensors[f"base_model.model.{module}.lora_A.weight"] = ("F32", unit(r, 64))
        tensors[f"base_model.model.{module}.lora_B.weight"] = ("F32", unit(96, r))
    save(os.path.join(peft, "adapter_model.safetensors"), tensors)
    config = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "use_rslora": True, "rank_pattern": {"up_proj": 4, "block.0.proj": 2, "^proj": 6}, "alpha_pattern": {"mlp.up_proj": 12}}
    json.dump(config, open(os.path.join(peft, "adapter_config.json"), "w"))
    true = added_by_peft(peft)
    out = os.path.join(folder, "peft-out")
    ghostsvd("resize", peft, "--out", out, "--rank", 64, "--json")
    found = added_by_peft(out)
    check(all(relative(found[m], true[m]) < 1e-5 for m in ranks), "PEFT with rank_pattern, alpha_pattern and rslora, by PEFT's own rule on `proj` and `block.0.proj`")


def fine_tune(folder, names, ranks, rng, shape=(192, 128), noise=0.0, scale=0.02, size=1.0):
    """Base and tuned in BF16, so that rounding noise is in the difference; and the true differences."""
    base, tuned, true = {}, {}, {}
    for i, name in enumerate(names):
        out, width = shape(i) if callable(shape) else shape
        W = from_bf16(rng.standard_normal((out, width)) * 0.05)
        r = ranks[i % len(ranks)]
        D = scale * rng.standard_normal((out, r)) @ rng.standard_normal((r, width)) / np.sqrt(r) if r else 0
        D = D + noise * rng.standard_normal((out, width))
        base[name], tuned[name] = ("BF16", W), ("BF16", size * W + D)
        true[name] = from_bf16(size * W + D) - W
    for label, tensors in (("base", base), ("tuned", tuned)):
        os.makedirs(os.path.join(folder, label), exist_ok=True)
        save(os.path.join(folder, label, "model.safetensors"), tensors)
    return os.path.join(folder, "base"), os.path.join(folder, "tuned"), true


def from_bf16(values):
    return (to_bf16(values).astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def llama_names(layers):
    tails = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
    return [f"model.layers.{i}.{tail}" for i in range(layers) for tail in tails]


def floor_of(D, rank):
    s = singular(D)
    return np.sqrt(np.sum(s[rank:] ** 2)) / np.linalg.norm(s)


def judge_extract(folder):
    rng = np.random.default_rng(3)
    modules = llama_names(2)
    ranks = [4, 8, 16, 32, 64]
    base, tuned, true = fine_tune(folder, [m + ".weight" for m in modules], ranks, rng)
    for form, read, named in [
        ("peft", added_by_peft, lambda m: m),
        ("gguf", added_by_gguf, None),
    ]:
        out = os.path.join(folder, "out." + form)
        if form == "gguf":
            json.dump({"architectures": ["Qwen2ForCausalLM"], "num_attention_heads": 4}, open(os.path.join(base, "config.json"), "w"))
        report = ghostsvd("extract", base, tuned, "--to", form, "--out", out, "--rank", 64, "--factor-dtype", "F32", "--json")
        found = list(read(out).values())
        worst = 0
        for i, (m, D) in enumerate(zip(modules, found)) if form == "gguf" else enumerate((m, read(out)[m]) for m in modules):
            T = true[m + ".weight"]
            worst = max(worst, relative(D, T) - floor_of(T, 64))
        check(worst < 2e-3, f"extract to {form}: base + adapter is tuned to the floor of rank 64, over it at most {worst:.1e}")
        says = {t["name"]: t["relativeError"] for t in report["tensors"]}
        if form == "peft":
            gap = max(abs(says[m + ".weight"] - relative(read(out)[m], true[m + ".weight"])) for m in modules)
            check(gap < 1e-5, f"and says so: to {gap:.1e}")
            kept = 1 - sum(np.sum((read(out)[m] - true[m + ".weight"]) ** 2) for m in modules) / sum(np.sum(D**2) for D in true.values())
            check(abs(report["retained"] - kept) < 1e-6, f"retained {report['retained']:.6f}, numpy {kept:.6f}")
    # At the true rank, module by module, only rounding noise is left.
    out = os.path.join(folder, "true")
    ghostsvd("extract", base, tuned, "--to", "peft", "--out", out, "--rank", 4, "--factor-dtype", "F32", "--include", modules[0] + ".weight", "--json")
    T = true[modules[0] + ".weight"]
    D = added_by_peft(out)[modules[0]]
    check(abs(relative(D, T) - floor_of(T, 4)) < 1e-4, f"a module of rank 4 at rank 4: error {relative(D, T):.4f}, the rounding of BF16 {floor_of(T, 4):.4f}")
    # The merged model.
    merged = os.path.join(folder, "merged")
    peft = os.path.join(folder, "out.peft")
    for f32 in (False, True):
        ghostsvd("apply", base, peft, "--out", merged + ".safetensors", "--force", "--json")
        model, T = load(merged + ".safetensors"), load(os.path.join(tuned, "model.safetensors"))
        W = load(os.path.join(base, "model.safetensors"))
        D = added_by_peft(peft)
        same = all(np.array_equal(model[m + ".weight"], from_bf16(W[m + ".weight"] + D[m]) ) for m in modules) 
        close = max(np.abs(model[m + ".weight"] - (W[m + ".weight"] + D[m])).max() for m in modules)
        break
    check(close < 2e-3, f"apply: W + B A in BF16, off by at most {close:.1e}")


def judge_verdicts(folder):
    rng = np.random.default_rng(4)
    names = [m + ".weight" for m in llama_names(1)]
    for label, options, words in [
        ("low-rank", dict(ranks=[8]), ["A fine-tune"]),
        ("full-rank", dict(ranks=[0], noise=0.002), ["A fine-tune", "No low-rank structure"]),
    ]:
        inner = os.path.join(folder, label)
        base, tuned, true = fine_tune(inner, names, rng=rng, **options)
        report = ghostsvd("extract", base, tuned, "--to", "peft", "--out", os.path.join(inner, "out"), "--rank", 16, "--json")
        said = " ".join(report["verdict"])
        check(all(w in said for w in words) and (len(words) > 1 or "No low-rank" not in said), f"{label}: cosine {report['cosine']:.4f}, retained {100 * report['retained']:.1f} %: {said}")
    for label, size in [("unrelated", 1.0), ("unrelated, three times as large", 3.0)]:
        inner = os.path.join(folder, label)
        base, tuned, _ = fine_tune(inner, names, [0], rng)
        save(os.path.join(tuned, "model.safetensors"), {n: ("BF16", size * 0.05 * rng.standard_normal((192, 128))) for n in names})
        report = ghostsvd("extract", base, tuned, "--to", "peft", "--out", os.path.join(inner, "out"), "--rank", 16, "--json")
        check("unrelated" in " ".join(report["verdict"]), f"{label}: cosine {report['cosine']:.4f}: {report['verdict'][0]}")
    inner = os.path.join(folder, "identical")
    base, tuned, _ = fine_tune(inner, names, [0], rng)
    code, said = ghostsvd("extract", base, base, "--to", "peft", "--out", os.path.join(inner, "out"), fails=True)
    check(code == 1 and "identical" in said, f"identical: {said}")
    save(os.path.join(tuned, "model.safetensors"), {n: ("BF16", rng.standard_normal((200, 128))) for n in names})
    code, said = ghostsvd("extract", base, tuned, "--to", "peft", "--out", os.path.join(inner, "out2"), fails=True)
    check(code == 1, f"other shapes: {said}")


def judge_torch(folder):
    """A tree of torch modules with the family's names: adapter applied by plain torch, outputs equal those of tuned within the error."""
    import torch

    rng = np.random.default_rng(5)

    def tree(modules, weights):
        root = torch.nn.Module()
        for m in modules:
            at = root
            for part in m.split(".")[:-1]:
                if part not in dict(at.named_children()):
                    at.add_module(part, torch.nn.Module())
                at = getattr(at, part)
            layer = torch.nn.Linear(96, 96, bias=False).double()
            layer.weight.data = torch.from_numpy(weights[m + ".weight"])
            at.add_module(m.split(".")[-1], layer)
        return dict(root.named_modules())

    flux = [f"double_blocks.{i}.{tail}" for i in range(2) for tail in ("img_attn.proj", "txt_attn.proj", "img_mod.lin")]
    # What each loader calls the same module: kohya with underscores, diffusers by its own paths.
    own = lambda m: m.replace("double_blocks", "transformer_blocks").replace("img_attn.proj", "attn.to_out.0").replace("txt_attn.proj", "attn.to_add_out").replace("img_mod.lin", "norm1.linear")
    llama = llama_names(1)[:4]
    for form, read, modules, called in [
        ("peft", added_by_peft, llama, lambda m: m),
        ("gguf", added_by_gguf, llama, None),
        ("kohya", lambda out: added_by_kohya(load(out)), flux, lambda m: "lora_unet_" + m.replace(".", "_")),
        ("comfy", lambda out: added_by_kohya(load(out)), flux, lambda m: "diffusion_model." + m),
        ("diffusers", lambda out: added_by_diffusers(load(out)), flux, lambda m: "transformer." + own(m)),
    ]:
        place = os.path.join(folder, form)
        os.makedirs(place)
        base, tuned, true = fine_tune(place, [m + ".weight" for m in modules], [4], rng, shape=(96, 96), scale=0.05)
        W, T = load(os.path.join(base, "model.safetensors")), load(os.path.join(tuned, "model.safetensors"))
        # Every direction once: over these inputs the error of the outputs is that of the weights, which is what a report states.
        basis = torch.from_numpy(np.linalg.qr(rng.standard_normal((96, 96)))[0])
        drawn = torch.from_numpy(rng.standard_normal((4096, 96)))
        truth, model = tree(modules, T), tree(modules, W)
        out = os.path.join(place, "out." + form)
        if form == "gguf":
            json.dump({"architectures": ["Qwen2ForCausalLM"]}, open(os.path.join(base, "config.json"), "w"))
        report = ghostsvd("extract", base, tuned, "--to", form, "--out", out, "--rank", 16, "--factor-dtype", "F32", "--json")
        found = read(out)
        added = list(found.values()) if called is None else [found[called(m)] for m in modules]
        off, few, many = 0, 0, 0
        for m, D in zip(modules, added):
            stated = next(e["relativeError"] for e in report["tensors"] if e["name"] == m + ".weight")
            D = torch.from_numpy(np.asarray(D, np.float64))

            def ratio(x):
                y, t = model[m](x) + x @ D.T, truth[m](x)
                return (torch.norm(y - t) / torch.norm(t - model[m](x)) / stated).item()

            off = max(off, abs(ratio(basis) - 1))
            few = max(few, ratio(drawn[:16]))
            # ||x E||^2 over n drawn inputs has the mean n ||E||^2 and the deviation sqrt(2 n) ||Et E||; half of that, relatively, has its root.
            E, whole = truth[m].weight.data - model[m].weight.data - D, truth[m].weight.data - model[m].weight.data
            spread = lambda X: (torch.norm(X.T @ X) / torch.norm(X) ** 2).item()
            deviation = np.sqrt(2 / len(drawn)) * np.hypot(spread(E), spread(whole)) / 2
            many = max(many, abs(ratio(drawn) - 1) / deviation)
        check(off < 1e-4, f"torch: over a basis of inputs, outputs with the {form} adapter miss those of tuned by what the report states, to {off:.1e} of it")
        check(many < 4, f"and over 4096 drawn inputs, to {many:.1f} deviations (over 16 of them up to {few:.2f} times it: they are few)")


def f8_e4m3():
    """All 256 values; NaN where there is none."""
    codes = np.arange(256)
    sign, exponent, fraction = np.where(codes & 128, -1.0, 1.0), (codes >> 3) & 15, codes & 7
    values = sign * np.where(exponent == 0, fraction / 8 * 2.0**-6, (1 + fraction / 8) * 2.0 ** (exponent - 7.0))
    return np.where((codes & 127) == 127, np.nan, values)


def as_f8(W):
    """Codes, the scale of all, and the values they mean."""
    table, scale = f8_e4m3(), np.abs(W).max() / 448
    order = np.argsort(np.nan_to_num(table, nan=1e9))
    ladder = table[order][:254]
    at = np.clip(np.searchsorted(ladder, W / scale), 1, 253)
    nearer = np.where(np.abs(ladder[at] - W / scale) < np.abs(ladder[at - 1] - W / scale), at, at - 1)
    return order[nearer].astype(np.uint8), np.float32(scale), ladder[nearer] * float(np.float32(scale))


def gguf_base(path, weights, bits):
    """Blocks of 32: Q8_0, or Q4_0. Answers with the values they mean."""
    names = {m: "blk.0." + to + ".weight" for m, to in (("model.layers.0.mlp.gate_proj.weight", "ffn_gate"), ("model.layers.0.mlp.up_proj.weight", "ffn_up"), ("model.layers.0.self_attn.v_proj.weight", "attn_v"))}
    text = lambda t: len(t.encode()).to_bytes(8, "little") + t.encode()
    pair = lambda key, value: text(key) + (8).to_bytes(4, "little") + text(value)
    values, blobs, infos, at = {}, [], b"", 0
    for m, name in names.items():
        W = weights[m]
        blocks = W.reshape(-1, 32)
        if bits == 8:
            d = (np.abs(blocks).max(1) / 127).astype(np.float16)
            q = np.round(blocks / np.maximum(d.astype(np.float64), 1e-12)[:, None]).clip(-127, 127)
            blob = b"".join(d[i].tobytes() + q[i].astype(np.int8).tobytes() for i in range(len(q)))
            values[m] = (q * d.astype(np.float64)[:, None]).reshape(W.shape)
        else:
            most = blocks[np.arange(len(blocks)), np.abs(blocks).argmax(1)]
            d = (most / -8).astype(np.float16)
            q = np.floor(blocks / np.where(d == 0, 1, d).astype(np.float64)[:, None] + 8.5).clip(0, 15)
            packed = (q[:, :16].astype(np.uint8) | (q[:, 16:].astype(np.uint8) << 4))
            blob = b"".join(d[i].tobytes() + packed[i].tobytes() for i in range(len(q)))
            values[m] = ((q - 8) * d.astype(np.float64)[:, None]).reshape(W.shape)
        infos += text(name) + (2).to_bytes(4, "little") + W.shape[1].to_bytes(8, "little") + W.shape[0].to_bytes(8, "little") + (8 if bits == 8 else 2).to_bytes(4, "little") + at.to_bytes(8, "little")
        blobs.append(blob + b"\0" * (-len(blob) % 32))
        at += len(blobs[-1])
    head = b"GGUF" + (3).to_bytes(4, "little") + len(names).to_bytes(8, "little") + (1).to_bytes(8, "little") + pair("general.architecture", "qwen2") + infos
    open(path, "wb").write(head + b"\0" * (-len(head) % 32) + b"".join(blobs))
    return values


def judge_residual(folder):
    """An adapter that repairs a quantized base: the error of the base alone, with it, and the bytes of both, by numpy."""
    rng = np.random.default_rng(8)
    modules = ["model.layers.0.mlp.gate_proj", "model.layers.0.mlp.up_proj", "model.layers.0.self_attn.v_proj"]
    # Weights with outliers of low rank, which quantizers lose.
    weights = {m + ".weight": from_bf16(0.02 * rng.standard_normal((256, 128)) + np.outer(rng.standard_normal(256), rng.standard_normal(128)) * 0.05) for m in modules}
    tuned = os.path.join(folder, "tuned.safetensors")
    save(tuned, {name: ("BF16", W) for name, W in weights.items()})
    for label in ("FP8", "Q8_0", "Q4_0"):
        if label == "FP8":
            base, stored, values = os.path.join(folder, "fp8.safetensors"), {}, {}
            for name, W in weights.items():
                codes, scale, values[name] = as_f8(W)
                stored[name] = ("F8_E4M3", codes)
                stored[name.replace(".weight", ".weight_scale")] = ("F32", np.array(scale))
            save(base, stored)
        else:
            base = os.path.join(folder, label + ".gguf")
            values = gguf_base(base, weights, 8 if label == "Q8_0" else 4)
        out = os.path.join(folder, "repair-" + label)
        report = ghostsvd("extract", base, tuned, "--to", "peft", "--out", out, "--rank", 8, "--factor-dtype", "F32", "--json")
        added = added_by_peft(out)
        norm = np.sqrt(sum(np.sum(W**2) for W in weights.values()))
        without = np.sqrt(sum(np.sum((weights[n] - values[n]) ** 2) for n in weights)) / norm
        repaired = np.sqrt(sum(np.sum((weights[n] - values[n] - added[n[: -len(".weight")]]) ** 2) for n in weights)) / norm
        said = " ".join(report["verdict"])
        numbers = [float(found) / 100 for found in re.findall(r"([\d.]+)[\s\u202f\u00a0]?%", said)][-2:]
        check(len(numbers) == 2 and abs(numbers[0] - without) < 2e-4 and abs(numbers[1] - repaired) < 2e-4, f"{label} base: error {without:.4%} without, {repaired:.4%} with the adapter; the report says {numbers}; {os.path.getsize(base)} and {report['bytesAfter']} bytes")


def judge_hostile(folder):
    rng = np.random.default_rng(6)
    unit = lambda *shape: ("F32", rng.standard_normal(shape))
    name = "lora_unet_single_blocks_0_linear2"
    for label, tensors, words in [
        ("scale NaN", {f"{name}.lora_down.weight": unit(2, 8), f"{name}.lora_up.weight": unit(8, 2), f"{name}.alpha": ("F32", np.array(np.nan))}, "alpha that is a number"),
        ("rank 0", {f"{name}.lora_down.weight": unit(0, 8), f"{name}.lora_up.weight": unit(8, 0)}, "at least one entry"),
        ("up and down that do not fit", {f"{name}.lora_down.weight": unit(2, 8), f"{name}.lora_up.weight": unit(8, 3)}, "fit together"),
        ("100,000 modules", {f"lora_unet_x{i}.lora_down.weight": ("F32", np.ones((1, 1))) for i in range(100_000)}, "at most 65536 modules"),
    ]:
        path = os.path.join(folder, "hostile.safetensors")
        save(path, tensors)
        code, said = ghostsvd("resize", path, "--out", os.path.join(folder, "out.safetensors"), "--rank", 4, fails=True)
        check(code == 1 and words in said, f"{label}: {said[:140]}")


SECTIONS = {"resize": judge_resize, "forms": judge_forms, "extract": judge_extract, "verdicts": judge_verdicts, "torch": judge_torch, "residual": judge_residual, "hostile": judge_hostile}


def main():
    for name in sys.argv[1:] or SECTIONS:
        with tempfile.TemporaryDirectory() as folder:
            start = time.time()
            SECTIONS[name](folder)
            print(f"        {name}: {time.time() - start:.1f} s")
    print(f"{len(FAILED)} failed")
    sys.exit(1 if FAILED else 0)


main()
