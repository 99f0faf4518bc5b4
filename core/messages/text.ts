/**
 * The three kinds of text that a message may hold beside its own words. Each has one maker, so a path, a raw name out of a file or a control
 * character cannot get into a sentence: a plain string does not compile there.
 */

/** The name of a file or folder, without the folders before it. */
export type FileName = string & { readonly [kind]: 'FileName' }
/** A name out of a file, in quotation marks and cut to a length that leaves a sentence one. */
export type Quoted = string & { readonly [kind]: 'Quoted' }
/** Other people's words as they are: a tensor's name, what the system said, technical English of a reader. */
export type Foreign = string & { readonly [kind]: 'Foreign' }

declare const kind: unique symbol

/** Long enough for any honest tensor name, short enough that a sentence stays one. */
const quotedLength = 100
/** The system's own sentences are shorter. */
const foreignLength = 500

export function fileName(path: string): FileName {
  const name = path.replace(/[/\\]+$/, '')
  return escaped(name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1) || path) as FileName
}

export function quoted(name: string): Quoted {
  return fitToLength(name, quotedLength, (text) => escaped(JSON.stringify(text))) as Quoted
}

export function foreign(text: string): Foreign {
  return fitToLength(text, foreignLength, escaped) as Foreign
}

/** What a file calls a type or a class: no longer than a name. */
export function foreignType(text: string): Foreign {
  return fitToLength(text, quotedLength, escaped) as Foreign
}

/** What quotation marks, dots and a few escapes add. */
const allowance = 32

/** As much of a text as is of this length once it is shown: a control character takes six. */
function fitToLength(text: string, length: number, shown: (text: string) => string): string {
  for (let kept = length; ; kept = Math.floor(kept / 2)) {
    const found = shown(cut(text, kept))
    if (found.length <= length + allowance || kept < 8) return found
  }
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}...` : text
}

/** Control characters could rewrite a terminal, bidirectional overrides a sentence: they are shown as escapes. */
export function escaped(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  )
}
