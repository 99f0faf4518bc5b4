/**
 * Vite plugin: writes the licenses of everything bundled - the page, the node entries, the preload - into one text, `licenses.txt` beside
 * the page, so that both hosts serve it and every package carries it. The list is the bundles' own: each module that a chunk contains
 * names the package it was read from, so nothing has to be kept by hand, and what is not bundled is not claimed.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import type { Plugin } from 'vite'
import { assemblyPrefix } from './assemblyscript.ts'

interface Bundled {
  readonly name: string
  readonly version: string
  /** The SPDX expression of its manifest. */
  readonly license: string
  readonly author: string | null
  /** What its license files say, NOTICE files included; empty where it ships none. */
  readonly texts: readonly string[]
}

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly license?: string
  readonly author?: string | { readonly name?: string }
}

const licenseFile = /^(licen[cs]e|copying|notice)([.-]|$)/i
const rule = '-'.repeat(80)

/** @param file where the text is written once all environments are built */
export function licenses(file: string): Plugin {
  // By folder: two versions of a package are two packages.
  const packages = new Map<string, Bundled>()
  return {
    name: 'licenses',
    apply: 'build',
    // One instance sees the bundles of all environments.
    sharedDuringBuild: true,
    generateBundle(_options, bundle) {
      for (const output of Object.values(bundle)) {
        if (output.type !== 'chunk') continue
        for (const id of output.moduleIds) {
          const folder = packageFolder(id)
          if (folder !== null && !packages.has(folder)) packages.set(folder, readPackage(folder))
        }
      }
    },
    buildApp: {
      order: 'post',
      async handler() {
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(file, noticeOf([...packages.values()]))
      },
    },
  }
}

/** Modules that tools generate, by the package whose code they are. Kernels contain what they use of AssemblyScript's library. */
const generated = { '\0rolldown/': 'rolldown', '\0vite/': 'vite', [assemblyPrefix]: 'assemblyscript' }

/** The folder of the package that a module was read from, null for our own. */
function packageFolder(id: string): string | null {
  for (const [prefix, name] of Object.entries(generated))
    if (id.startsWith(prefix)) return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
  // Of nested node_modules the last one counts. Rolldown marks CommonJS wrappers by \0 before the path.
  const match = /^\0?(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(id)
  return match ? resolve(match[1]!) : null
}

function readPackage(folder: string): Bundled {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const author = typeof manifest.author === 'string' ? manifest.author : manifest.author?.name
  return {
    name: manifest.name ?? basename(folder),
    version: manifest.version ?? '',
    license: manifest.license ?? 'not stated',
    author: author ?? null,
    texts: readdirSync(folder)
      .filter((name) => licenseFile.test(name))
      .sort()
      .map((name) => ofItself(readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n'))),
  }
}

/** Without those of what a tool bundles into itself: of Vite we carry the function that loads a chunk, and none of its dependencies. */
const ofItself = (text: string) => text.split('\n# Licenses of bundled dependencies')[0]!.trim()

/** One section a package, by name; identical texts are not folded, since each carries its own copyright line. */
function noticeOf(packages: readonly Bundled[]): string {
  const sorted = packages.toSorted((a, b) => compare(a.name, b.name) || compare(a.version, b.version))
  const sections = sorted.map(({ name, version, license, author, texts }) => {
    const title = `${name} ${version} (${license})`
    // A package without a license file still has a license and an author in its manifest.
    return [title, ...(texts.length > 0 ? texts : [`${license}${author === null ? '' : `, by ${author}`}`])].join(
      '\n\n',
    )
  })
  return `GhostSVD contains parts of ${sorted.length} packages. Their licenses:\n\n${[...new Set(sections)]
    .map((section) => `${rule}\n\n${section}\n`)
    .join('\n')}`
}

/** By code unit, so that the text does not depend on the builder's locale. */
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
