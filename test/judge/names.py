"""Our table of names held against the key sets that loaders build, by their own sources.

    python3 test/judge/names.py FOLDER      (FOLDER has checkouts: ComfyUI, sd-scripts, diffusers, llama.cpp, peft; what is missing is said)

ComfyUI's key maps are built by its own functions (comfy/lora.py, comfy/utils.py) over a state dict of the model's names; sd-scripts' from its own
module trees with layers of no size; diffusers' are looked for part by part in its classes; GGUF's by gguf-py's TensorNameMap; PEFT's rule for patterns is executed. Nothing of theirs is copied
here. A name counts where the loader has it, and as right where it means the same tensor and the same rows of it.
"""
import ast, importlib, importlib.util, json, os, re, subprocess, sys, types
from unittest.mock import MagicMock
from judge import NODE, ROOT

FAILED = []


def tell(model, loader, form, names, unknown, wrong=(), beside=False):
    """`beside`: another loader's form, of which it takes what it takes."""
    print(f"{model:12} {form:10} {loader:10} {len(names) - len(unknown):5} of {len(names):5} known" + (f", {len(wrong)} mean another tensor" if wrong else ""))
    for name in [*unknown, *wrong][:3]:
        print("             " + name)
    if (unknown and not beside) or wrong:
        FAILED.append(f"{model} {form} {loader}")


class Stub(types.ModuleType):
    """A library that naming does not need."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock()


def stubbed(*names):
    for name in names:
        parts = name.split(".")
        for i in range(1, len(parts) + 1):
            part = ".".join(parts[:i])
            if part not in sys.modules:
                module = Stub(part)
                module.__path__ = []
                sys.modules[part] = module


def load_source(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# ComfyUI ------------------------------------------------------------------------------------------------------------------------

CONFIGS = {
    "sd1": dict(num_res_blocks=[2] * 4, channel_mult=[1, 2, 4, 4], transformer_depth=[1, 1, 1, 1, 1, 1, 0, 0], transformer_depth_output=[1] * 9 + [0] * 3, transformer_depth_middle=1),
    "sdxl": dict(num_res_blocks=[2] * 3, channel_mult=[1, 2, 4], transformer_depth=[0, 0, 2, 2, 10, 10], transformer_depth_output=[0, 0, 0, 2, 2, 2, 10, 10, 10], transformer_depth_middle=10),
    "sd3": dict(depth=24, num_blocks=24),
    "flux": dict(depth=19, depth_single_blocks=38, hidden_size=3072),
    "wan": {},
    "qwen-image": {},
}
CONFIGS["sd2"] = CONFIGS["sd1"]
CLASSES = {"sd3": "SD3", "flux": "Flux", "qwen-image": "QwenImage"}
# Where ComfyUI keeps text encoders, by what comes before the names of ours.
TEXT = [
    (r"^cond_stage_model\.transformer\.", "clip_l.transformer."),
    (r"^conditioner\.embedders\.0\.transformer\.", "clip_l.transformer."),
    (r"^text_encoders\.clip_l\.transformer\.", "clip_l.transformer."),
    (r"^text_encoders\.clip_g\.transformer\.", "clip_g.transformer."),
    (r"^text_encoders\.t5xxl\.transformer\.", "t5xxl.transformer."),
]
# It converts OpenCLIP's on loading: three names for the rows of one tensor.
OPEN_CLIP = [("attn.in_proj_weight", ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]), ("attn.out_proj.weight", ["self_attn.out_proj"]), ("mlp.c_fc.weight", ["mlp.fc1"]), ("mlp.c_proj.weight", ["mlp.fc2"])]


def comfy_keys(tensor):
    """ComfyUI's names of a checkpoint's tensor: one, or one for each share of its rows."""
    if tensor.startswith("model.diffusion_model."):
        return [tensor[len("model."):]]
    match = re.match(r"^(cond_stage_model|conditioner\.embedders\.1)\.model\.transformer\.(resblocks\.\d+)\.(.+)$", tensor)
    if match:
        prefix = "clip_h" if match.group(1) == "cond_stage_model" else "clip_g"
        layer = match.group(2).replace("resblocks", "layers")
        tails = next(names for end, names in OPEN_CLIP if end == match.group(3))
        return [f"{prefix}.transformer.text_model.encoder.{layer}.{tail}.weight" for tail in tails]
    for pattern, prefix in TEXT:
        if re.match(pattern, tensor):
            return [re.sub(pattern, prefix, tensor)]
    return ["diffusion_model." + tensor]


def comfy(folder, table):
    stubbed("comfy", "comfy.model_management", "comfy.weight_adapter", "comfy.checkpoint_pickle", "safetensors", "safetensors.torch", "PIL", "PIL.Image", "einops", "tqdm", "comfy.cli_args")
    base = Stub("comfy.model_base")
    for name in ("StableCascade_C", "SD3", "AuraFlow", "PixArt", "HunyuanDiT", "Flux", "GenmoMochi", "HunyuanVideo", "HiDream", "ACEStep", "Omnigen2", "QwenImage", "Chroma", "Lumina2"):
        setattr(base, name, type(name, (), {}))
    sys.modules["comfy.model_base"] = base
    root = sys.modules["comfy"]
    root.model_base = base
    root.utils = load_source(os.path.join(folder, "comfy/utils.py"), "comfy.utils")
    lora = load_source(os.path.join(folder, "comfy/lora.py"), "comfy.lora")
    for model, config in CONFIGS.items():
        names = {}
        for row in table[model]:
            for key in comfy_keys(row["tensor"]):
                names[key] = None
        kind = getattr(base, CLASSES[model]) if model in CLASSES else type("Other", (), {})
        instance = kind()
        instance.state_dict = lambda: names
        instance.model_config = types.SimpleNamespace(unet_config=config)
        keys = lora.model_lora_keys_unet(instance, {})
        keys = lora.model_lora_keys_clip(instance, keys)
        for form in ("kohya", "comfy", "diffusers"):
            asked, unknown, wrong = [], [], []
            for row in table[model]:
                targets = comfy_keys(row["tensor"])
                shares = row["names"][form]
                for i, (name, start, end, of) in enumerate(shares):
                    asked.append(name)
                    found = keys.get(name)
                    if found is None:
                        unknown.append(name)
                        continue
                    to, offset = (found, None) if isinstance(found, str) else found[:2]
                    # Of a tensor that it splits on loading each share is a tensor of its own.
                    wanted = targets[i] if len(targets) > 1 and len(targets) == len(shares) else targets[0]
                    rows_right = offset is None or (len(shares) > 1 and (offset[1] == 0) == (start == 0))
                    if to != wanted or not rows_right:
                        wrong.append(f"{name} is {found}, not {wanted}")
            if asked:
                tell(model, "ComfyUI", form, asked, unknown, wrong, beside=form == "diffusers")


# sd-scripts ---------------------------------------------------------------------------------------------------------------------


def sd_scripts(folder, table):
    import torch

    stubbed("einops", "diffusers", "transformers", "library", "library.utils", "library.model_util", "library.attention_processors", "library.device_utils", "library.custom_offloading_utils", "safetensors", "safetensors.torch", "accelerate", "tqdm", "huggingface_hub")

    class Linear(torch.nn.Module):
        def __init__(self, *_, **__):
            super().__init__()

    class Conv2d(Linear):
        pass

    kept = torch.nn.Linear, torch.nn.Conv2d
    torch.nn.Linear, torch.nn.Conv2d = Linear, Conv2d
    flux = dict(in_channels=64, vec_in_dim=768, context_in_dim=4096, hidden_size=3072, mlp_ratio=4.0, num_heads=24, depth=19, depth_single_blocks=38, axes_dim=[16, 56, 56], theta=10000, qkv_bias=True, guidance_embed=True)
    sd3 = dict(patch_size=2, depth=24, num_patches=1, pos_embed_max_size=1, adm_in_channels=2048, qk_norm=None, x_block_self_attn_layers=[], context_embedder_in_features=4096, context_embedder_out_features=1536, model_type="sd3m")
    try:
        models = {
            "sd1": ("original_unet", "lora", lambda m: m.UNet2DConditionModel(64, 8, 768, False, False)),
            "sdxl": ("sdxl_original_unet", "lora", lambda m: m.SdxlUNet2DConditionModel()),
            "flux": ("flux_models", "lora_flux", lambda m: m.Flux(m.FluxParams(**flux))),
            "sd3": ("sd3_models", "lora_sd3", lambda m: m.create_sd3_mmdit(m.SD3Params(**sd3))),
        }
        for model, (file, network, build) in models.items():
            built = build(load_source(os.path.join(folder, f"library/{file}.py"), f"library.{file}"))
            layers = lambda tree: {name for name, child in tree.named_modules() if child.__class__.__name__ in ("Linear", "Conv2d", "LoRACompatibleLinear", "LoRACompatibleConv")}
            key = lambda name: "lora_unet_" + name.replace(".", "_")
            # Where its network looks for modules: in blocks of these classes, and, for a file that has them, around them by these filters.
            source = open(os.path.join(folder, f"networks/{network}.py")).read()
            classes = {name for found in re.findall(r"^    (?!TEXT_)\w*TARGET_REPLACE_MODULE\w* = (\[.*\])", source, re.M) for name in ast.literal_eval(found)}
            filters = re.findall(r'"(_\w+|\w+_embedder|final_\w+)"', "".join(re.findall(r"self\.(?:in|emb)_dims:\n(.*?)loras, _ = create_modules", source, re.S)))
            inside = {key(f"{at}.{name}") for at, block in built.named_modules() if block.__class__.__name__ in classes for name in layers(block)}
            around = {key(name) for name in layers(built) if any(part in key(name) for part in filters)}
            names = [name for row in table[model] if row["part"] == "unet" for name, *_ in row["names"]["kohya"]]
            keys = {key(name) for name in layers(built)}
            tell(model, "sd-scripts", "kohya", names, [name for name in names if name not in keys])
            left = sorted(set(names) - inside - around)
            print(f"{'':34} {len(set(names) & inside)} in {', '.join(sorted(classes))}, {len(set(names) & around - inside)} around them")
            if left:
                FAILED.append(f"{model} kohya sd-scripts")
                print(f"{'':13} it never looks for {', '.join(left[:5])}")
    finally:
        torch.nn.Linear, torch.nn.Conv2d = kept


# diffusers ----------------------------------------------------------------------------------------------------------------------

MODELS = {"wan": "transformer_wan", "flux": "transformer_flux", "sd3": "transformer_sd3", "qwen-image": "transformer_qwenimage", "sd1": "", "sd2": "", "sdxl": ""}
SHARED = ["attention.py", "attention_processor.py", "embeddings.py", "normalization.py", "activations.py"]
UNET = ["unets/unet_2d_condition.py", "unets/unet_2d_blocks.py", "resnet.py", "downsampling.py", "upsampling.py", "transformers/transformer_2d.py"]


def diffusers(folder, table):
    """Each part of a module's path is an attribute that the model's own classes set; text encoders are transformers' business."""
    for model, file in MODELS.items():
        paths = [*SHARED, *([f"transformers/{file}.py"] if file else UNET)]
        text = "\n".join(open(os.path.join(folder, "src/diffusers/models", path)).read() for path in paths)
        attributes = set(re.findall(r"self\.(\w+)\s*(?::[^=\n]+)?=", text)) | {"net"}
        names = [name for row in table[model] if row["part"] == "unet" for name, *_ in row["names"]["diffusers"]]
        unknown = [name for name in names if any(not part.isdigit() and part not in attributes for part in name.split(".")[1:])]
        tell(model, "diffusers", "diffusers", names, unknown)


# llama.cpp ----------------------------------------------------------------------------------------------------------------------

ARCHITECTURES = {"llama": ("LLAMA", 32), "mixtral": ("LLAMA", 4), "deepseek": ("DEEPSEEK2", 3), "gpt2": ("GPT2", 12), "t5": ("T5", 12)}


def llama_cpp(folder, table):
    package = types.ModuleType("gguf")
    package.__path__ = [os.path.join(folder, "gguf-py/gguf")]
    sys.modules["gguf"] = package
    constants = importlib.import_module("gguf.constants")
    mapping = importlib.import_module("gguf.tensor_mapping")
    for model, (architecture, layers) in ARCHITECTURES.items():
        known = mapping.get_tensor_name_map(constants.MODEL_ARCH[architecture], layers)
        asked, unknown, wrong = [], [], []
        for row in table[model]:
            # Of all experts of a layer there is one tensor, which its converter calls as if they had no numbers.
            stacks = [[row["stack"]]] if row["stack"] else []
            for name, *_ in row["names"]["gguf"] + stacks:
                asked.append(name)
                found = known.get_name(re.sub(r"\.experts\.\d+\.", ".experts.", row["tensor"]), try_suffixes=(".weight",))
                if found is None:
                    unknown.append(row["tensor"])
                elif found != name + ".weight":
                    wrong.append(f"{name} is {found}")
        if asked:
            tell(model, "llama.cpp", "gguf", asked, unknown, wrong)


# PEFT ---------------------------------------------------------------------------------------------------------------------------


def peft(folder, table):
    source = open(os.path.join(folder, "src/peft/utils/other.py")).read()
    rule = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "get_pattern_key")
    space = {"re": re, "Sequence": list}
    exec(compile(ast.Module([rule], []), "peft", "exec"), space)
    own = space["get_pattern_key"]
    patterns = {"^proj": 3, "block.0.proj": 4, "x.proj": 5}
    held = [own(list(patterns), module) for module in ("proj", "block.0.proj", "x.proj", "y.proj")]
    print(f"PEFT's own rule: proj, block.0.proj, x.proj, y.proj are {held}")
    if held != ["^proj", "block.0.proj", "x.proj", "y.proj"]:
        FAILED.append("PEFT's rule")
    for model in table:
        names = [name for row in table[model] for name, *_ in row["names"]["peft"]]
        outside = [name for name in names if not name.startswith("base_model.model.")]
        if names:
            tell(model, "PEFT", "peft", names, outside)


def main(folder):
    table = json.loads(subprocess.run([NODE, os.path.join(ROOT, "test/judge/adapter-names.ts")], capture_output=True, text=True, check=True).stdout)
    for name, check in {"ComfyUI": comfy, "sd-scripts": sd_scripts, "diffusers": diffusers, "llama.cpp": llama_cpp, "peft": peft}.items():
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            check(path, table)
        else:
            print(f"{name}: no checkout in {folder}")
    print("all of it holds" if not FAILED else "not known: " + ", ".join(FAILED))
    sys.exit(1 if FAILED else 0)


if __name__ == "__main__":
    main(sys.argv[1])
