import type { Translation } from '../english.ts'

export const engine = {
  'engine.connection-lost': () => '与引擎的连接已断开。',
} satisfies Partial<Translation>
