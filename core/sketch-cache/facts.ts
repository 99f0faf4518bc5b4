/**
 * What was found out about a source and is small: how errors fall with the rank, how many values are not finite. Unlike sketches, all of
 * it stays in memory, and a copy in the cold tier, so that asking again reads no weights.
 */
import { AppError } from '../errors.ts'
import { safetensors, safetensorsHeader } from '../formats/safetensors.ts'
import { memorySource, pickedAlone } from '../io.ts'
import type { ColdStore } from './cold-store.ts'

/** About 10 KB each, so 80 MB at most; what is dropped is still in the cold tier. */
const MOST_IN_MEMORY = 8192

export class FactStore {
  readonly #cold: ColdStore | null
  // A Map keeps insertion order: its first key is the oldest.
  readonly #known = new Map<string, unknown>()

  constructor(cold: ColdStore | null) {
    this.#cold = cold
  }

  /** What was put under `key`, or undefined. */
  async get(key: string): Promise<unknown> {
    if (this.#known.has(key)) return this.#known.get(key)
    const bytes = await this.#cold?.read(key)
    const fact = bytes ? await decodeFact(bytes) : undefined
    if (fact !== undefined) this.#keep(key, fact)
    return fact
  }

  /** `fact` is JSON-safe and is not changed afterwards. */
  async put(key: string, fact: unknown): Promise<void> {
    this.#keep(key, fact)
    await this.#cold?.write(key, encodeFact(fact))
  }

  #keep(key: string, fact: unknown): void {
    this.#known.delete(key)
    this.#known.set(key, fact)
    const oldest = this.#known.size > MOST_IN_MEMORY ? this.#known.keys().next().value : undefined
    if (oldest !== undefined) this.#known.delete(oldest)
  }
}

/** A safetensors file without tensors: the cold tier holds one kind of content. */
function encodeFact(fact: unknown): Uint8Array {
  return safetensorsHeader([], new Map([['facts', JSON.stringify(fact)]]))
}

/** undefined where the bytes are not a whole fact: cut short by a crash, or written by another version. */
async function decodeFact(bytes: Uint8Array): Promise<unknown> {
  try {
    const source = memorySource('facts', bytes)
    const file = await safetensors.open(source, pickedAlone(source).folder)
    return JSON.parse(file.metadata.get('facts') ?? 'null') ?? undefined
  } catch (error) {
    if (error instanceof AppError || error instanceof SyntaxError) return undefined
    throw error
  }
}
