"""A graph with factors in it held against its source: the dense copy, the source with each changed weight replaced by what the factors or codes in the file say."""
import numpy as np
import onnx
from onnx import numpy_helper


def axes_of(model):
    """Of scales, by the codes that they widen."""
    return {node.input[0]: attribute.i for graph in graphs_of(model.graph) for node in graph.node if node.op_type == "DequantizeLinear" for attribute in node.attribute if attribute.name == "axis"}


def graphs_of(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                yield from graphs_of(inner)


def product(stored, name, shape, axes):
    """W = B A from the factors in the file, in the dtype that the graph computes with."""
    def factor(side):
        array = numpy_helper.to_array(stored[f"{name}.lowrank_{side}"]).astype(np.float64)
        scale = stored.get(f"{name}.lowrank_{side}_scale")
        return array if scale is None else array * shaped(numpy_helper.to_array(scale), array, axes.get(f"{name}.lowrank_{side}"))
    a, b = factor("A"), factor("B")
    return (b.reshape(b.shape[0], -1) @ a.reshape(a.shape[0], -1)).reshape(shape)


def shaped(scale, codes, axis):
    """Scales in as many dimensions as the codes that they widen; along which axis one-dimensional ones go, the node says."""
    scale = scale.astype(np.float64)
    return scale if scale.ndim != 1 or axis is None else scale.reshape([len(scale) if i == axis else 1 for i in range(codes.ndim)])


def widened(stored, name, axes):
    """Codes times scales, and the scales."""
    codes = numpy_helper.to_array(stored[f"{name}.int8"]).astype(np.float64)
    scale = shaped(numpy_helper.to_array(stored[f"{name}.int8_scale"]), codes, axes.get(f"{name}.int8"))
    return codes * scale, scale


def dense_copy(made, stored, axes, found):
    """The source with each factorized weight replaced by its product. Names are told apart by their ends: a weight in a node has a path before its own."""
    copy = onnx.ModelProto()
    copy.CopyFrom(made)
    bases = [name[: -len(end)] for name in stored for end in (".lowrank_A", ".int8") if name.endswith(end)]
    used = set()

    def replace(tensor, names):
        for base in bases:
            if base in used or base not in names:
                continue
            used.add(base)
            source = numpy_helper.to_array(tensor)
            found[base] = source
            value = widened(stored, base, axes)[0] if f"{base}.int8" in stored else product(stored, base, source.shape, axes)
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value.astype(source.dtype)), tensor.name))
            return

    def visit(graph, path):
        for each in graph.initializer:
            replace(each, [".".join(path + [each.name])])
        for node in graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value":
                    replace(attribute.t, [".".join(path + [node.output[0]])])
                for inner in [attribute.g] if attribute.HasField("g") else []:
                    visit(inner, path + [node.name or node.output[0], attribute.name])

    visit(copy.graph, [])
    return copy, len(used), len(bases)
