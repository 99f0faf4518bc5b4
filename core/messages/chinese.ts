/** The Chinese of every message. What is missing here does not compile. */
import { desktop } from './chinese/desktop.ts'
import { engine } from './chinese/engine.ts'
import { files } from './chinese/files.ts'
import { general } from './chinese/general.ts'
import type { Translation } from './english.ts'

export const chinese: Translation = { ...general, ...desktop, ...engine, ...files }
