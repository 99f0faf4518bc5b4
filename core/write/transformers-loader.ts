/**
 * The Python that loads the output "transformers", and factors into any torch module: written beside the weights as `ghostsvd_loader.py`. Held against torch by
 * test/core/write/styles/transformers.test.ts. Contract of its quantizer: transformers' quantizers/base.py and quantizers/auto.py.
 */
export const loaderName = 'ghostsvd_loader.py'

export const loaderText = `"""Loads low-rank models written by GhostSVD.

    import ghostsvd_loader                                   # registers the quantization method "ghostsvd"
    model = AutoModelForCausalLM.from_pretrained(FOLDER)     # this folder

    from ghostsvd_loader import apply_factors                # any torch.nn.Module: diffusers, your own
    apply_factors(model, "model.lowrank.safetensors")        # an output "factors", or this folder's weights

A weight W [m, n] is B A with B [m, r] and A [r, n]; a Linear computes B (A x), a Conv1D of GPT-2, whose weight is [in, out], (x B) A.
"""
import json, os, struct
import torch
from torch import nn
from torch.nn import functional as F


class LowRank(nn.Module):
    """A Linear or Conv1D with two factors for its weight."""

    def __init__(self, module, rank):
        super().__init__()
        self.turned = type(module).__name__ == "Conv1D"
        rows, cols = module.weight.shape
        like = dict(device=module.weight.device, dtype=module.weight.dtype)
        self.A, self.B = nn.Module(), nn.Module()
        self.A.weight = nn.Parameter(torch.empty(rank, cols, **like), requires_grad=False)
        self.B.weight = nn.Parameter(torch.empty(rows, rank, **like), requires_grad=False)
        self.bias = module.bias

    @property
    def weight(self):
        """B A, multiplied out for whoever asks: models look at the weights of their layers before they load them, and at their dtype when they run."""
        return self.B.weight @ self.A.weight

    def forward(self, x):
        if self.turned:
            y = (x @ self.B.weight) @ self.A.weight
            return y if self.bias is None else y + self.bias
        return F.linear(F.linear(x, self.A.weight), self.B.weight, self.bias)


def module_of(model, name):
    try:
        return model.get_submodule(name)
    except AttributeError:
        return None


def swap(model, ranks):
    """Puts a LowRank of its rank in the place of each module."""
    for name, rank in ranks.items():
        parent, _, child = name.rpartition(".")
        module = module_of(model, name)
        if module is None:
            raise TypeError(f"{name}: the model has no such module. transformers 5 stacks experts as it loads them: compress with --exclude '*.experts.*'")
        if not is_linear(module):
            raise TypeError(f"{name} is a {type(module).__name__}: only a Linear or a Conv1D has factors")
        setattr(model.get_submodule(parent), child, LowRank(module, rank))


def is_linear(module):
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I8": torch.int8, "I64": torch.int64}


def tensors_of(path):
    """The tensors of a safetensors file, or of all that lie in a folder, in a dtype that torch knows."""
    if os.path.isdir(path):
        found = {}
        for file in sorted(os.listdir(path)):
            if file.endswith(".safetensors"):
                found.update(tensors_of(os.path.join(path, file)))
        return found
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    found = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] not in DTYPES:
            continue
        start, end = entry["data_offsets"]
        values = torch.frombuffer(data, dtype=torch.uint8)[start:end].clone() if end > start else torch.empty(0, dtype=torch.uint8)
        found[name] = values.view(DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return found


def apply_factors(model, path, strict=True):
    """Swaps the modules whose factors the file has, and loads those and every other parameter of the file. INT8 factors are widened."""
    stored, factors, others = tensors_of(path), {}, {}
    for key, value in stored.items():
        if key.endswith((".lowrank_A", ".lowrank_B")):
            name, side = key[: -len(".lowrank_A")], key[-1]
            scale = stored.get(f"{key}_scale")
            factors.setdefault(name, {})[side] = value if scale is None else value.float() * scale
        elif key.endswith((".A.weight", ".B.weight")) and key[:-8] + "A.weight" in stored and key[:-8] + "B.weight" in stored:
            factors.setdefault(key[:-9] + ".weight", {})[key[-8]] = value
        elif key.endswith((".U", ".S", ".Vt", ".sparse_index")):
            raise ValueError(f"{key}: apply_factors takes factors A and B without a sparse part")
        elif not key.endswith("_scale"):
            others[key] = value
    modules = {name[: -len(".weight")]: pair for name, pair in factors.items() if name.endswith(".weight") and pair["A"].dim() == 2}
    whole = {name: pair for name, pair in factors.items() if name[: -len(".weight")] not in modules}
    whole.update({f"{name}.weight": pair for name, pair in modules.items() if not is_linear(module_of(model, name))})
    modules = {name: pair for name, pair in modules.items() if is_linear(module_of(model, name))}
    swap(model, {name: pair["A"].shape[0] for name, pair in modules.items()})
    state = model.state_dict()
    for name, pair in modules.items():
        for side in "AB":
            others[f"{name}.{side}.weight"] = pair[side]
    # What is no Linear, such as a convolution or an embedding, gets its matrix multiplied out.
    for name, pair in whole.items():
        product = pair["B"].float().flatten(1) @ pair["A"].float().flatten(1)
        others[name] = product.reshape(state[name].shape) if name in state else product
    unknown = [name for name in others if name not in state]
    if strict and unknown:
        raise KeyError(f"{len(unknown)} tensors have no place in the model: {unknown[:3]}. transformers renames and stacks some as it loads them, experts above all: there from_pretrained opens the folder")
    with torch.no_grad():
        for name, value in others.items():
            if name in state:
                state[name].copy_(value.reshape(state[name].shape))
    return model


def register():
    """Makes the method known to transformers; without transformers apply_factors works all the same."""
    from transformers.quantizers import auto
    from transformers.quantizers.base import HfQuantizer
    from transformers.utils.quantization_config import QuantizationConfigMixin

    class GhostsvdConfig(QuantizationConfigMixin):
        def __init__(self, ranks=None, **kwargs):
            self.quant_method = "ghostsvd"
            self.ranks = dict(ranks or {})

    class GhostsvdQuantizer(HfQuantizer):
        requires_calibration = True
        requires_parameters_quantization = False

        def _process_model_before_weight_loading(self, model, **kwargs):
            swap(model, self.quantization_config.ranks)
            return model

        def _process_model_after_weight_loading(self, model, **kwargs):
            return model

        def is_serializable(self, *args, **kwargs):
            return True

        @property
        def is_trainable(self):
            return False

    auto.AUTO_QUANTIZATION_CONFIG_MAPPING["ghostsvd"] = GhostsvdConfig
    auto.AUTO_QUANTIZER_MAPPING["ghostsvd"] = GhostsvdQuantizer


try:
    register()
except ImportError:
    pass
`
