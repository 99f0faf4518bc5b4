/** How the tensors of an adapter are called after the module they belong to: every spelling that is in use. */

/** What a tensor is to its module. */
export type Role =
  | 'down'
  | 'up'
  | 'mid'
  | 'embedding-down'
  | 'embedding-up'
  | 'alpha'
  | 'magnitude'
  | `hada_${'w1_a' | 'w1_b' | 'w2_a' | 'w2_b' | 't1' | 't2'}`
  | `lokr_${'w1' | 'w1_a' | 'w1_b' | 'w2' | 'w2_a' | 'w2_b' | 't2'}`

const endings: readonly (readonly [ending: RegExp, role: Role])[] = [
  [/\.lora_down\.weight$/, 'down'],
  [/\.lora_up\.weight$/, 'up'],
  [/\.lora_mid\.weight$/, 'mid'],
  [/\.lora_A(\.default)?(\.weight)?$/, 'down'],
  [/\.lora_B(\.default)?(\.weight)?$/, 'up'],
  [/\.lora_embedding_A(\.default)?$/, 'embedding-down'],
  [/\.lora_embedding_B(\.default)?$/, 'embedding-up'],
  // GGUF has them after the tensor's whole name.
  [/(\.weight)?\.lora_a$/, 'down'],
  [/(\.weight)?\.lora_b$/, 'up'],
  // diffusers before it took PEFT's names.
  [/(_lora|\.lora|\.lora_linear_layer)\.down\.weight$/, 'down'],
  [/(_lora|\.lora|\.lora_linear_layer)\.up\.weight$/, 'up'],
  [/\.alpha$/, 'alpha'],
  [/\.(dora_scale|lora_magnitude_vector(\.default)?(\.weight)?)$/, 'magnitude'],
]

/** The module and the role that a name says; null for a tensor of no low-rank module. */
export function takeApart(name: string): { readonly module: string; readonly role: Role } | null {
  const product = /^(.+)\.((?:hada_(?:w[12]_[ab]|t[12]))|(?:lokr_(?:w[12](?:_[ab])?|t2)))$/.exec(name)
  if (product) return { module: product[1]!, role: product[2] as Role }
  for (const [ending, role] of endings) {
    const found = ending.exec(name)
    if (found && found.index > 0) return { module: name.slice(0, found.index), role }
  }
  return null
}

/** `b.c` and `c` of `a.b.c`, those of one of these lengths: a name may have a million dots, and all of its ends would be a terabyte. */
export function* endsAfterDots(name: string, lengths: ReadonlySet<number>): Generator<string> {
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
    if (lengths.has(name.length - dot - 1)) yield name.slice(dot + 1)
}
