"""Sums of the inputs of a PyTorch model's linear layers, for `ghostsvd --statistics` (docs/formats.md, Statistics of inputs).

    from collect_statistics import collect
    with collect(model, "statistics.safetensors"):
        for batch in calibration:          # 30 real inputs or more
            model(**batch)

Needs torch alone. `full=False` sums squares only: n numbers a layer instead of n x n.
"""
import contextlib, json, struct
import torch


@contextlib.contextmanager
def collect(model, path, full=True):
    sums, hooks = {}, []

    def watch(name):
        def hook(module, inputs):
            x = inputs[0].detach().reshape(-1, inputs[0].shape[-1]).to(torch.float64)
            new = x.T @ x if full else (x * x).sum(dim=0)
            old, count = sums.get(name, (0, 0))
            sums[name] = (old + new.cpu(), count + len(x))
        return hook

    for name, module in model.named_modules():
        # Linear, and the Conv1D of GPT-2: what takes a vector along the last axis.
        if isinstance(module, torch.nn.Linear) or type(module).__name__ == "Conv1D":
            hooks.append(module.register_forward_pre_hook(watch(name)))
    try:
        with torch.no_grad():
            yield sums
    finally:
        for hook in hooks:
            hook.remove()
    header, data = {}, []
    for name, (total, count) in sums.items():
        for key, value in ((f"{name}.weight.{'gram' if full else 'sum2'}", total), (f"{name}.weight.count", torch.tensor([count], dtype=torch.float64))):
            start = sum(map(len, data))
            data.append(value.contiguous().numpy().tobytes())
            header[key] = {"dtype": "F64", "shape": list(value.shape), "data_offsets": [start, start + len(data[-1])]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + b"".join(data))
