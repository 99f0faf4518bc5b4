import type { answers as english } from '../english/answers.ts'
import type { Translation } from '../english.ts'

export const answers: Pick<Translation, keyof typeof english> = {
  'answers.missing': (v) =>
    `模型由 onnxruntime-node 运行，但尚未安装。请装在 ghostsvd 旁边：“npm install onnxruntime-node@${v.version}”（若 ghostsvd 是全局安装，请加 “-g”）。其余功能不受影响。`,
  'answers.refused': (v) => `onnxruntime 无法载入 ${v.name}：${v.detail}`,
  'answers.run-failed': (v) => `${v.name} 在这些输入上运行失败：${v.detail}`,
  'answers.no-memory': (v) => `${v.name} 需要的内存超出可用内存。请减少或缩小输入。`,
  'answers.model-too-large': (v, w) =>
    `${v.name} 连同全部数值有 ${w.bytes(v.bytes)}；此处最多运行 ${w.bytes(v.most)} 的模型。`,
  'answers.inputs-too-large': (v, w) =>
    `${v.name} 的输入有 ${w.bytes(v.bytes)}；最多可向模型提供 ${w.bytes(v.most)}。请使用较小的输入。`,
  'answers.outputs-too-large': (v, w) =>
    `${v.name} 的输出有 ${w.bytes(v.bytes)}；最多比较 ${w.bytes(v.most)}。请使用较小的输入。`,
  'answers.ended': (v, w) => `运行 ${v.name} 的进程已结束。${w.text(v.why)}`,
  'answers.not-a-model': (v) => `${v.name} 不是可运行的模型：只有权重，没有计算图。可运行的模型是 ONNX 文件。`,
  'answers.input-type': (v) => `输入 ${v.input} 的类型是 ${v.type}，这里无法生成该类型的值。`,
  'answers.input-size': (v) =>
    `加上输入 ${v.input}，一个样本将有 ${v.count} 个值；最多生成 ${v.most} 个。请用 “--size NAME=NUMBER” 指定未定的尺寸。`,
  'answers.no-input': (v) => `${v.name} 中没有输入 ${v.input} 的数组。`,
  'answers.input-differs': (v) => `输入 ${v.input}：应为 ${v.wanted}，实为 ${v.got}。`,
  'answers.inputs-changed': (v) => `${v.original} 与 ${v.compressed} 的输入和输出不同：它们不是同一个模型。`,
  'answers.outputs-differ': (v) => `输出 ${v.output} 在两个模型中的大小不同。`,
  'answers.no-output': (v) => `模型没有名为 ${v.output} 的输出。`,
  'answers.no-classes': () => '所看的输出都没有类别，因此无从保持。请改用最大误差作为目标，或选择其他输出。',
  'answers.only-zeros': () => '对用于选择的输入，原模型只输出零：无法据此区分各种形式。请提供其他输入。',
  'answers.drawn': () => '输入是随机生成的：换成真实输入，各行的顺序可能不同。请提供几十个自己的输入。',
  'answers.same-samples': () => '输入太少，无法留出一部分：这里的结果来自用于选择的那些输入。',
  'answers.no-statistics': () => '没有输入统计时，秩只由权重决定：低于 95 % 的字节时可能受损。请先校准。',
  'answers.goal-missed': () => '所试的大小中没有一个能使回答满足目标。',
  'answers.none-finite': () => '每种低秩形式都在原模型没有的地方给出 NaN 或无穷大，或者相反：没有选用任何一种。',
  'answers.int8-wins': (v, w) =>
    `单用 INT8 更小也更接近：以 ${w.percent(v.share)} 的字节得到 ${w.percent(v.error)} 的误差，而低秩以 ${w.percent(v.other)} 的字节得到 ${w.percent(v.otherError)}。低秩的好处在于运行更快，或叠加在 INT8 之上。`,
  'answers.int8-wins-classes': (v, w) =>
    `单用 INT8 更小且保留同样多：以 ${w.percent(v.share)} 的字节保留 ${w.percent(v.same)} 的类别，而低秩以 ${w.percent(v.other)} 的字节保留 ${w.percent(v.otherSame)}。低秩的好处在于运行更快，或叠加在 INT8 之上。`,
  'answers.not-finite': (v) =>
    `${v.name}：输出 ${v.output} 中有 ${v.count} 个数为 NaN 或无穷大，而原模型的不是，或者相反。这样的输出没有误差可言。`,
  'answers.forms-not-finite': (v) =>
    `这些形式中有 ${v.count} 个给出 NaN 或无穷大，而原模型没有，或者相反。这样的形式没有误差，也不会被选中。`,
  'answers.calibration-not-finite': (v) =>
    `在这些输入上，流入 ${v.name} 各权重的全是 NaN、无穷大或过大的数：没有统计数据可言。请检查输入。`,
  'answers.calibration-all-zero': (v) => `在这些输入上，流入 ${v.name} 各权重的全是零：没有统计数据可言。请检查输入。`,
  'answers.nothing-to-calibrate': () => '没有节点同时使用权重和可观察的值：没有可校准的内容。',
}
