import type { forecast as english } from '../english/forecast.ts'
import type { Translation } from '../english.ts'

export const forecast: Pick<Translation, keyof typeof english> = {
  'forecast.language-plain': (v, w) =>
    `已发表的结果（另一个模型，另一个目标）：去掉 ${w.percent(v.removed)} 的权重后，“LLaMA-7B” 的困惑度由 5.68 变为 ${v.plain}（普通 SVD）或 ${v.weighted}（使用输入统计；“SVD-LLM，arXiv 2403.07378”）。此模型没有统计。`,
  'forecast.language-weighted': (v, w) =>
    `已发表的结果（另一个模型，另一个目标）：去掉 ${w.percent(v.removed)} 的权重后，“LLaMA-7B” 的困惑度由 5.68 变为 ${v.weighted}（使用输入统计；“SVD-LLM，arXiv 2403.07378”）。较新的模型损失更大，而每个权重 4.5 位的量化只损失百分之几。`,
  'forecast.runs-plain': () =>
    '实测（另一个模型）：在 80 % 的字节下，普通 SVD 使文字识别模型只剩 18 % 的字符，使用输入统计可保留 98 至 99 %，单用 INT8 在 28 % 的字节下可保留 99 %。此模型没有统计；它可以运行，请先校准，再看它的回答。',
  'forecast.runs-weighted': () =>
    '实测（另一个模型）：使用输入统计，文字识别模型在 80 % 的字节下保留 99 % 的字符，60 % 时为 98 %，单用 INT8 在 28 % 的字节下为 99 %。此模型可以运行：请看它的回答。',
  'forecast.plain': () => '没有与此模型相近的已发表结果。没有输入统计时，低于 95 % 的字节预计会受损。',
  'forecast.weighted': () => '没有与此模型相近的已发表结果：请评估它。',
  'forecast.spectra': (v, w) => {
    const spread = `${w.percent(v.spread)} 的方向上（稳定秩）。`
    if (v.total === 1) return `它自己的谱${v.noise === 1 ? '结构不多于随机噪声，' : ''}分布在 ${spread}`
    const noise = `${w.count(v.total)} 个矩阵中有 ${w.count(v.noise)} 个的结构不多于随机噪声；全部矩阵的半数`
    return `它自己的谱：${v.noise === 0 ? `${w.count(v.total)} 个矩阵的半数` : noise}分布在至少 ${spread}`
  },
}
