#!/usr/bin/env python3
"""Folders of --output transformers, loaded by transformers (HfQuantizer and apply_factors), and PEFT adapters, loaded by peft: a line PASS, FAIL or SKIP for each check.

    GHOSTSVD="node out/main/cli.js" python3 test/judge/hugging_face.py [FOLDER]     after npm run build; FOLDER: where the models go, and stay

Models are tiny, random and made here: no network. Where transformers is missing, the command line and apply_factors are tried on modules of the same names.
"""
import importlib, json, os, shlex, shutil, struct, subprocess, sys, tempfile, time, traceback

for key in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
    os.environ[key] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
WORK = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="ghostsvd-hf-")
os.makedirs(WORK, exist_ok=True)
os.environ["HF_HOME"] = os.path.join(WORK, "hf")
GHOSTSVD = shlex.split(os.environ.get("GHOSTSVD", "node out/main/cli.js"))
HERE = os.getcwd()
STARTED = time.time()
LIMIT = float(os.environ.get("CHECK_SECONDS", "60"))
import torch
from torch import nn

torch.manual_seed(7)
torch.set_num_threads(max(1, min(8, os.cpu_count() or 1)))
if hasattr(torch.backends, "cuda"):
    torch.backends.cuda.matmul.allow_tf32 = False
results = []


def version(name):
    try:
        return importlib.import_module(name).__version__
    except Exception as error:
        return f"none ({type(error).__name__}: {str(error)[:80]})"


def check(name, body, *arguments):
    """body gives (whether it holds, what was seen); an exception is printed and the next one begins."""
    if time.time() - STARTED > LIMIT:
        results.append(("SKIP", name))
        print(f"SKIP {name}: the time is up", flush=True)
        return None
    began = time.time()
    try:
        good, seen = body(*arguments)
    except Exception as error:
        results.append(("FAIL", name))
        print(f"FAIL {name}: {type(error).__name__}: {str(error)[:300]}", flush=True)
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        return None
    word = "SKIP" if good is None else "PASS" if good else "FAIL"
    results.append((word, name))
    print(f"{word} {name}: {seen} ({time.time() - began:.1f} s)", flush=True)
    return good


def ghostsvd(*arguments):
    environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(WORK, "cache"), GHOSTSVD_CONFIG=os.path.join(WORK, "config"))
    done = subprocess.run([*GHOSTSVD, *map(str, arguments), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, env=environment, cwd=HERE, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"ghostsvd {' '.join(map(str, arguments))}: status {done.returncode}: {done.stderr[-600:]} {done.stdout[-200:]}")
    return json.loads(done.stdout)


DTYPES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}


def write_safetensors(path, tensors):
    header, offset, parts = {"__metadata__": {"format": "pt"}}, 0, []
    for name, value in tensors.items():
        value = value.detach().cpu().contiguous()
        data = value.view(torch.int16).numpy().tobytes() if value.element_size() == 2 else value.numpy().tobytes()
        header[name] = {"dtype": DTYPES[value.dtype], "shape": list(value.shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
        parts.append(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def off(a, b, beside=None):
    a, b = a.detach().double().cpu(), b.detach().double().cpu()
    return float((a - b).norm() / (a if beside is None else a - beside.detach().double().cpu()).norm())


def loader_of(folder):
    """ghostsvd_loader.py as it lies in the folder."""
    sys.modules.pop("ghostsvd_loader", None)
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("ghostsvd_loader")
    finally:
        sys.path.remove(folder)


print(f"python {sys.version.split()[0]}, torch {torch.__version__}, transformers {version('transformers')}, peft {version('peft')}, accelerate {version('accelerate')}, safetensors {version('safetensors')}, cuda {torch.cuda.is_available()}", flush=True)
print(f"ghostsvd: {' '.join(GHOSTSVD)}; work in {WORK}", flush=True)
try:
    import transformers
except Exception as error:
    transformers = None
    print(f"no transformers ({error}): a dry run", flush=True)
try:
    import peft
except Exception as error:
    peft = None

RANK = 16


# --- models --------------------------------------------------------------------------------------------------------------------------------------

def configurations():
    from transformers import AutoConfig
    small = dict(vocab_size=320, hidden_size=96, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128)
    ids = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    return {
        "Llama": (AutoConfig.for_model("llama", tie_word_embeddings=False, **small, **ids), torch.float32, None),
        "GPT-2": (AutoConfig.for_model("gpt2", vocab_size=320, n_positions=128, n_embd=96, n_layer=2, n_head=4, **ids), torch.float32, None),
        "Llama, tied, BF16": (AutoConfig.for_model("llama", tie_word_embeddings=True, **small, **ids), torch.bfloat16, None),
        "Llama, in shards": (AutoConfig.for_model("llama", tie_word_embeddings=False, **small, **ids), torch.float32, "300KB"),
        "Qwen2 (biases)": (AutoConfig.for_model("qwen2", tie_word_embeddings=False, **small, **ids), torch.float32, None),
        "OPT": (AutoConfig.for_model("opt", vocab_size=320, hidden_size=96, word_embed_proj_dim=96, ffn_dim=256, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128, **ids), torch.float32, None),
        "GPT-NeoX": (AutoConfig.for_model("gpt_neox", vocab_size=320, hidden_size=96, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128, **ids), torch.float32, None),
        "GPT-BigCode": (AutoConfig.for_model("gpt_bigcode", vocab_size=320, n_positions=128, n_embd=96, n_layer=2, n_head=4, **ids), torch.float32, None),
        "Mixtral, experts kept": (AutoConfig.for_model("mixtral", tie_word_embeddings=False, num_local_experts=4, num_experts_per_tok=2, **small, **ids), torch.float32, None),
    }


def make(name, config, dtype, shards):
    """A folder with a random model whose matrices have falling spectra, and the model."""
    from transformers import AutoModelForCausalLM
    torch.manual_seed(len(name))
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() >= 2:
                wild = torch.randn(parameter.shape)
                u, s, v = torch.linalg.svd(wild, full_matrices=False)
                s = s[..., :1] * torch.arange(1, s.shape[-1] + 1) ** -0.8
                parameter.copy_(((u * s.unsqueeze(-2)) @ v) * 0.12)
            else:
                parameter.add_(0.05 * torch.randn(parameter.shape))
    model = model.to(dtype)
    folder = os.path.join(WORK, "".join(c for c in name if c.isalnum()))
    model.save_pretrained(folder, **({} if shards is None else dict(max_shard_size=shards)))
    return folder, model


def load(folder, **more):
    from transformers import AutoModelForCausalLM
    try:
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **more).eval()
    except TypeError:
        return AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32, **more).eval()


IDS = torch.randint(3, 320, (2, 24), generator=torch.Generator().manual_seed(3))


def logits(model):
    with torch.no_grad():
        return model(input_ids=IDS.to(next(model.parameters()).device)).logits.float()


def dense_copy(folder, name, flags):
    """A model of the same truncated weights, as any program loads it."""
    out = folder + "-dense"
    shutil.rmtree(out, ignore_errors=True)
    is_sharded = os.path.exists(os.path.join(folder, "model.safetensors.index.json"))
    if is_sharded:
        ghostsvd("compress", folder, "--output", "dense", "--out", out, "--force", *flags)
    else:
        os.makedirs(out)
        ghostsvd("compress", folder, "--output", "dense", "--out", os.path.join(out, "model.safetensors"), "--force", *flags)
    for file in os.listdir(folder):
        if file.endswith(".json") and not file.endswith(".index.json") and not os.path.exists(os.path.join(out, file)):
            shutil.copy(os.path.join(folder, file), out)
    return out


def judge(name, config, dtype, shards):
    flags = ["--rank", RANK, "--device", "cpu", *(["--exclude", "*.experts.*"] if "experts" in name else [])]
    limit = 2e-5 if dtype == torch.float32 else 2e-2
    held = {}

    def written():
        folder, model = make(name, config, dtype, shards)
        held["original"], held["folder"] = logits(model.float()), folder
        out = folder + "-small"
        shutil.rmtree(out, ignore_errors=True)
        report = ghostsvd("compress", folder, "--output", "transformers", "--out", out, "--force", *flags)
        with open(os.path.join(out, "config.json")) as file:
            held["ranks"] = json.load(file)["quantization_config"]["ranks"]
        held["small"] = out
        return len(held["ranks"]) > 0, f"{report['bytesBefore']} -> {report['bytesAfter']} bytes, {len(held['ranks'])} modules, {sorted(os.listdir(out))}"

    def dense():
        held["dense"] = logits(load(dense_copy(held["folder"], name, flags)))
        return off(held["original"], held["dense"]) > 1e-4, f"the truncation itself moves the logits by {off(held['original'], held['dense']):.3f}"

    def by_quantizer():
        held["loader"] = loader = loader_of(held["small"])
        model = load(held["small"])
        modules = [each for each, module in model.named_modules() if type(module).__name__ == "LowRank"]
        error = off(held["dense"], logits(model))
        held["model"] = model
        metas = [each for each, parameter in model.named_parameters() if parameter.device.type == "meta"]
        good = error < limit and sorted(modules) == sorted(held["ranks"]) and not metas and getattr(model, "hf_quantizer", None) is not None
        return good, f"logits off by {error:.1e} (bar {limit:.0e}); {len(modules)} LowRank modules; quantizer {type(getattr(model, 'hf_quantizer', None)).__name__}; on meta: {metas[:2]}"

    def by_apply():
        from transformers import AutoConfig, AutoModelForCausalLM
        plain = AutoModelForCausalLM.from_config(config).float().eval()
        loader = held.get("loader") or loader_of(held["small"])
        loader.apply_factors(plain, held["small"])
        error = off(held["dense"], logits(plain))
        return error < limit, f"logits off by {error:.1e} (bar {limit:.0e})"

    def by_names(take):
        """transformers 5 renames and stacks some tensors as it loads and saves them: load_state_dict has no place for the source's own then."""
        def body():
            from transformers import AutoModelForCausalLM
            places = AutoModelForCausalLM.from_config(config).state_dict()
            if all(key in places for key in held["loader"].tensors_of(held["folder"])):
                return take()
            try:
                take()
            except KeyError as error:
                return "from_pretrained" in str(error), f"refused: {str(error)[:200]}"
            return False, "taken, whatever its names"
        return body

    def by_file():
        from transformers import AutoModelForCausalLM
        out = held["folder"] + ".lowrank.safetensors"
        ghostsvd("compress", held["folder"], "--output", "factors", "--out", out, "--force", *flags)
        plain = AutoModelForCausalLM.from_config(config).float().eval()
        (held.get("loader") or loader_of(held["small"])).apply_factors(plain, out)
        error = off(held["dense"], logits(plain))
        return error < limit, f"logits off by {error:.1e} (bar {limit:.0e})"

    def generated():
        tokens = [model.generate(input_ids=IDS[:1, :8], attention_mask=torch.ones(1, 8, dtype=torch.long), max_new_tokens=8, do_sample=False) for model in (held["model"], load(held["folder"] + "-dense"))]
        same = tokens[0].tolist() == tokens[1].tolist()
        return same, f"{tokens[0][0, 8:].tolist()} against {tokens[1][0, 8:].tolist()}"

    def saved_again():
        again = held["folder"] + "-again"
        shutil.rmtree(again, ignore_errors=True)
        held["model"].save_pretrained(again)
        error = off(held["dense"], logits(load(again)))
        return error < limit, f"logits off by {error:.1e}; {sorted(os.listdir(again))}"

    def on_gpu():
        if not torch.cuda.is_available():
            return None, "no GPU"
        importlib.import_module("accelerate")
        model = load(held["small"], device_map={"": 0})
        error = off(held["dense"], logits(model))
        return error < max(limit, 1e-4), f"device_map on the GPU: logits off by {error:.1e}"

    def experts():
        """transformers 5 stacks experts when it loads: factors of single ones have no module there."""
        out = held["folder"] + "-experts"
        shutil.rmtree(out, ignore_errors=True)
        ghostsvd("compress", held["folder"], "--output", "transformers", "--out", out, "--force", *flags[:4])
        loader_of(out)
        try:
            model = load(out)
        except Exception as error:
            return "experts" in str(error), f"refused: {type(error).__name__}: {str(error)[:200]}"
        held["whole"] = logits(load(dense_copy(held["folder"], name, flags[:4])))
        error = off(held["whole"], logits(model))
        return error < limit, f"logits off by {error:.1e}"

    if check(f"{name}: compress --output transformers", written) is None:
        return
    if check(f"{name}: dense copy", dense) is None:
        return
    check(f"{name}: from_pretrained by HfQuantizer", by_quantizer)
    check(f"{name}: apply_factors, the folder", by_names(by_apply))
    if shards is None and "experts" not in name:
        check(f"{name}: apply_factors, an output factors", by_names(by_file))
    if "experts" in name:
        check(f"{name}: experts as factors", experts)
    if name in ("Llama", "GPT-2") and "model" in held:
        check(f"{name}: generate", generated)
        check(f"{name}: save_pretrained and from_pretrained again", saved_again)
        check(f"{name}: from_pretrained on a GPU", on_gpu)


# --- adapters ------------------------------------------------------------------------------------------------------------------------------------

def adapters(name, config, dtype, shards):
    held = {}

    def extracted():
        base, model = make(f"base {name}", config, torch.float32, None)
        held["base"], before = base, logits(model)
        torch.manual_seed(11)
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                inner = parameter.dim() == 2 and "emb" not in key and "wte" not in key and "wpe" not in key and "lm_head" not in key
                if inner:
                    rows, cols = parameter.shape
                    parameter.add_(0.02 * torch.randn(rows, 4) @ torch.randn(4, cols))
        tuned = base + "-tuned"
        model.save_pretrained(tuned)
        held["before"], held["tuned"] = before, logits(model)
        held["adapter"] = base + "-peft"
        shutil.rmtree(held["adapter"], ignore_errors=True)
        report = ghostsvd("extract", base, tuned, "--to", "peft", "--out", held["adapter"], "--rank", 8, "--force", "--device", "cpu")
        errors = [each for each in find(report, "relativeError") if isinstance(each, (int, float))]
        held["stated"] = max(errors) if errors else 0.0
        with open(os.path.join(held["adapter"], "adapter_config.json")) as file:
            told = json.load(file)
        return True, f"stated error {held['stated']:.1e}; r {told.get('r')}, lora_alpha {told.get('lora_alpha')}, fan_in_fan_out {told.get('fan_in_fan_out')}, {len(told.get('target_modules') or [])} target modules; the tuning moves the logits by {off(before, held['tuned']):.3f}"

    def loaded():
        if peft is None:
            return None, "no peft here"
        model = peft.PeftModel.from_pretrained(load(held["base"]), held["adapter"]).eval()
        held["model"] = model
        return near(model)

    def merged():
        if peft is None or "model" not in held:
            return None, "no adapted model"
        return near(held["model"].merge_and_unload())

    def near(model):
        error = off(held["tuned"], logits(model), held["before"])
        bar = 10 * held["stated"] + 1e-4
        return error < bar, f"of what the tuning does to the logits {error:.1e} is missed (stated {held['stated']:.1e} of the weights; bar {bar:.1e})"

    if check(f"{name}: extract --to peft", extracted) is None:
        return
    check(f"{name}: PeftModel.from_pretrained", loaded)
    check(f"{name}: merge_and_unload", merged)


def find(value, key):
    """All values under the key, wherever it stands."""
    if isinstance(value, dict):
        return [each for name, inner in value.items() for each in ([inner] if name == key else find(inner, key))]
    if isinstance(value, list):
        return [each for inner in value for each in find(inner, key)]
    return []


# --- without transformers ---------------------------------------------------------------------------------------------------------------------------

class Conv1D(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(inputs, outputs)), nn.Parameter(torch.randn(outputs))

    def forward(self, x):
        return x @ self.weight + self.bias


def dry(kind):
    """Modules of the names of a Llama or a GPT-2, one after another."""
    def tree():
        root = nn.Module()
        def put(name, module):
            at = root
            *path, last = name.split(".")
            for part in path:
                if not hasattr(at, part):
                    at.add_module(part, nn.Module())
                at = getattr(at, part)
            at.add_module(last, module)
        for i in range(2):
            if kind == "Llama":
                for part, (inputs, outputs) in {"self_attn.q_proj": (96, 96), "self_attn.o_proj": (96, 96), "mlp.up_proj": (96, 256), "mlp.down_proj": (256, 96)}.items():
                    put(f"model.layers.{i}.{part}", nn.Linear(inputs, outputs, bias=False))
            else:
                for part, (inputs, outputs) in {"attn.c_attn": (96, 288), "mlp.c_fc": (96, 384), "mlp.c_proj": (384, 96)}.items():
                    put(f"transformer.h.{i}.{part}", Conv1D(inputs, outputs))
        put("model.norm" if kind == "Llama" else "transformer.ln_f", nn.LayerNorm(96))
        return root

    def body():
        torch.manual_seed(5)
        model = tree()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.randn(parameter.shape))
        folder = os.path.join(WORK, f"dry{''.join(filter(str.isalnum, kind))}")
        os.makedirs(folder, exist_ok=True)
        write_safetensors(os.path.join(folder, "model.safetensors"), model.state_dict())
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump({"model_type": "llama" if kind == "Llama" else "gpt2", "architectures": ["LlamaForCausalLM" if kind == "Llama" else "GPT2LMHeadModel"]}, file)
        flags = ["--rank", RANK, "--device", "cpu"]
        small = folder + "-small"
        shutil.rmtree(small, ignore_errors=True)
        ghostsvd("compress", folder, "--output", "transformers", "--out", small, "--force", *flags)
        dense = dense_copy(folder, kind, flags)
        loader = loader_of(small)
        a, b = tree(), tree()
        loader.apply_factors(a, small)
        b.load_state_dict(loader.tensors_of(dense))
        worst = 0.0
        for name, module in b.named_modules():
            if isinstance(module, (nn.Linear, Conv1D)):
                x = torch.randn(5, module.weight.shape[1] if isinstance(module, nn.Linear) else module.weight.shape[0])
                worst = max(worst, off(module(x), a.get_submodule(name)(x)))
        tuned = folder + "-tuned"
        os.makedirs(tuned, exist_ok=True)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() == 2:
                    parameter.add_(0.02 * torch.randn(parameter.shape[0], 4) @ torch.randn(4, parameter.shape[1]))
        write_safetensors(os.path.join(tuned, "model.safetensors"), model.state_dict())
        shutil.copy(os.path.join(folder, "config.json"), tuned)
        adapter = folder + "-peft"
        shutil.rmtree(adapter, ignore_errors=True)
        report = ghostsvd("extract", folder, tuned, "--to", "peft", "--out", adapter, "--rank", 8, "--force", "--device", "cpu")
        with open(os.path.join(adapter, "adapter_config.json")) as file:
            told = json.load(file)
        return worst < 1e-5, f"modules off by {worst:.1e}; dense {sorted(os.listdir(dense))}; small {sorted(os.listdir(small))}; peft {sorted(os.listdir(adapter))} {told}; stated {max(find(report, 'relativeError'), default=0)}"

    return body


if transformers is None:
    for kind in ("Llama", "GPT-2"):
        check(f"dry {kind}", dry(kind))
else:
    transformers.logging.set_verbosity_error()
    try:
        made = configurations()
    except Exception:
        traceback.print_exc(file=sys.stdout)
        made = {}
    for name in ("Llama", "GPT-2"):
        if name in made:
            judge(name, *made[name])
    for name in ("Llama", "GPT-2"):
        if name in made:
            adapters(name, *made[name])
    for name in made:
        if name not in ("Llama", "GPT-2"):
            judge(name, *made[name])
count = lambda word: sum(1 for each, _ in results if each == word)
print(f"{count('PASS')} PASS, {count('FAIL')} FAIL, {count('SKIP')} SKIP in {time.time() - STARTED:.0f} s", flush=True)
if len(sys.argv) <= 1:
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(1 if count("FAIL") else 0)
