"""Stands in for the package safetensors where that is not installed: reads a file by its specification."""
import json
import struct

import numpy
import torch as pytorch

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I8": "<i1"}


class safe_open:
    def __init__(self, path, framework):
        assert framework == "pt"
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            self.header = json.loads(file.read(length))
            self.data = file.read()
        self.header.pop("__metadata__", None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def keys(self):
        return self.header.keys()

    def get_tensor(self, name):
        entry = self.header[name]
        start, end = entry["data_offsets"]
        values = numpy.frombuffer(self.data[start:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        if entry["dtype"] == "BF16":
            return pytorch.from_numpy((values.astype("<u4") << 16).view("<f4").copy()).to(pytorch.bfloat16)
        return pytorch.from_numpy(values.copy())
