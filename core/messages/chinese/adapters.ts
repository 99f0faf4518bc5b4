import { formOf, productOf } from '../english/adapters.ts'
import type { Translation } from '../english.ts'

const nonFinite = ({ nan, inf }: { readonly nan: number; readonly inf: number }) =>
  [...(nan > 0 ? [`${nan} 个 NaN`] : []), ...(inf > 0 ? [`${inf} 个 Inf`] : [])].join('、')

export const adapters = {
  'adapter.none': (v) => `${v.name} 不含低秩适配器：没有一个张量按 LoRA、LoHa 或 LoKr 的方式命名因子。`,
  'adapter.multiplied-out': (v) => `${v.dtype} 的 ${productOf(v.kind)} 所表示的乘积。`,
  'adapter.tucker': (v) => `${v.name}：这里不读取带 Tucker 核的 LoHa 和 LoKr。`,
  'adapter.too-large': (v, w) => `${v.name}：其乘积为 ${w.shape([v.rows, v.cols])}，比任何权重都大，因此不展开。`,
  'adapter.no-alpha': (v) =>
    `${v.total} 个模块中有 ${v.count} 个没有 alpha，而秩又各不相同：与 ComfyUI 一样，按比例 1 处理。`,
  'adapter.dora': (v) => `DoRA：${v.count} 个幅值原样保留。它们是针对原乘积的方向训练的；新乘积与之接近，但不相等。`,
  'adapter.dora-lost': (v) => `DoRA：${v.count} 个幅值在这种形式中没有位置，已略去：写出的只是差值本身。`,
  'adapter.others': (v, w) => `${v.count} 个张量不属于任何低秩模块（${w.list(v.some, v.count)}）。`,
  'adapter.others-kept': (v) => `${v.count} 个不属于低秩模块的张量原样复制。`,
  'adapter.others-left': (v, w) =>
    `${v.count} 个不属于低秩模块的张量已略去，因为这种形式没有它们的位置：${w.list(v.some, v.count)}。`,
  'adapter.no-place': (v) => `${formOf(v.form)} 适配器的加载器不为它建立模块。`,
  'adapter.no-module': () => '这是参数而不是模块：适配器按模块命名。',
  'adapter.other-shape': (v) => `形状不同：基础模型为 [${v.base.join(', ')}]，微调模型为 [${v.tuned.join(', ')}]。`,
  'adapter.part-missing': (v) => `${v.name} 所属矩阵的其余部分缺失。`,
  'adapter.turned': () => '其中一个模型存储的是它的转置。',
  'adapter.heads-unknown': () => 'GGUF 中注意力头的行顺序不同，而两个模型都没有说明头的数目（config.json）。',
  'adapter.family': (v) => `名称属于 ${v.family}。`,
  'adapter.family-unknown': (v) =>
    `这些名称不属于任何已知的模型族；模块按张量命名。请试一试 ${formOf(v.form)} 适配器的加载器是否接受。`,
  'adapter.unplaced': (v, w) =>
    `${v.total} 个模块中有 ${v.count} 个在 ${formOf(v.form)} 适配器中没有位置，已略去：${w.list(v.some, v.count)}。`,
  'adapter.no-names': (v) => `其模块名称不属于任何已知的模型族，无法改写为 ${formOf(v.form)} 的名称。`,
  'adapter.no-architecture': () =>
    'GGUF 适配器要写明其模型的架构。请给出它所属的模型（GGUF，或带有 config.json 的文件夹）。',
  'adapter.int8': () => '适配器的因子为浮点数。请选择 F32、F16 或 BF16。',
  'adapter.empty': () => '没有可写的内容：没有一个模块在这种形式中有位置。',
  'adapter.deselected': (v) => `按您的选择略去了 ${v.count} 个模块。`,
  'adapter.rank-of-joined': (v) => `${v.count} 个模块由多个合并而成：秩相加，没有任何损失。`,

  'extract.identical': () => '两个模型中完全相同：没有差值。',
  'extract.non-finite': (v) => `其差值含有 ${nonFinite(v)}。`,
  'extract.packed': (v) => `${v.dtype} 数值不是权重，这里无法求差。`,
  'extract.embedding': (_, w) => `嵌入：并非所有加载器都接受。已略去，除非${w.act('include')}。`,
  'extract.conv': () => '卷积：除非指定卷积的秩，否则略去。',
  'extract.only-base': (v, w) => `${v.count} 个张量只在基础模型中：${w.list(v.some, v.count)}。`,
  'extract.only-tuned': (v, w) => `${v.count} 个张量只在微调模型中，没有适配器能添加它们：${w.list(v.some, v.count)}。`,
  'extract.whole-left': (v, w) => `${v.count} 个不是矩阵的张量有差异，但不写出：${w.list(v.some, v.count)}。`,
  'extract.no-pairs': () => '两个模型没有一个张量能够对应：它们不属于同一模型族。',
  'extract.not-a-pair': () => '这不是由两个模型得来的。',
  'extract.other-form': (v) => `这些矩阵是按 ${formOf(v.form)} 适配器的加载器划分的。请先按另一种形式打开。`,
  'extract.nothing': () => '在适配器所能容纳的范围内没有可提取的内容。',
  'extract.for-one': (v, w) => `${v.name}：${w.text(v.why)}`,
  'extract.verdict-none': () => '两个模型没有可以比较的张量。',
  'extract.no-whole': (v) => `${formOf(v.form)} 适配器的加载器不接受整个差值。请选择 comfy 或 peft，或略去它们。`,
  'extract.one-rank': () => '统一的秩只能与给定的秩一起使用，不能与目标一起使用。',
  'extract.rules': () => '一次只用一条规则：一个目标，或 sv_ratio、sv_cumulative、sv_fro 之一。',
  'extract.verdict-identical': () => '两个模型完全相同。',
  'extract.verdict-fine-tune': (v) => `是微调：两个模型的余弦为 ${v.cosine.toFixed(4)}。`,
  'extract.verdict-between': (v) => `两个模型的余弦为 ${v.cosine.toFixed(4)}：既不是普通的微调，也不是毫无关系。`,
  'extract.verdict-unrelated': (v) => `两个模型没有关系：余弦为 ${v.cosine.toFixed(4)}。适配器无法把一个变成另一个。`,
  'extract.no-structure': (v, w) =>
    `差值没有低秩结构：其中 ${w.percent(v.share)} 的误差随秩下降的方式与随机噪声相同，就像以 BF16 微调全部权重之后那样。`,
  'extract.residual': (v, w) =>
    `与微调模型相比，基础模型的误差为 ${w.percent(v.without)}，加上适配器为 ${w.percent(v.with)}；大小分别为 ${w.bytes(v.model)} 和 ${w.bytes(v.adapter)}。用同样的字节做更好的量化也许更合适。`,

  'apply.none': () => '这个适配器没有一个模块属于基础模型的张量。',
  'apply.unmatched': (v, w) =>
    `${v.total} 个模块中有 ${v.count} 个不属于基础模型的任何张量，已略去：${w.list(v.some, v.count)}。`,
  'apply.misfit': (v, w) =>
    `${v.module}：其乘积为 [${w.shape(v.module_shape)}]，所属张量为 [${w.shape(v.tensor)}]。这个适配器是为另一个模型制作的。`,
  'apply.applied': (v) => `改变了 ${v.count} 个矩阵，每个加上适配器内容${v.scale === 1 ? '' : `的 ${v.scale} 倍`}。`,
  'apply.widened': () => '基础模型已量化：写出的是 BF16。',
  'apply.dora': () => 'DoRA 的幅值只能由其自身的加载器应用；这里不合并。',
} satisfies Partial<Translation>
