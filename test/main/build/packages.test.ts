/** What packages say about the application in several languages of several systems: all of them say the same. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allWeightEndings } from '../../../core/weight-formats.ts'

const root = resolve(import.meta.dirname, '../../..')
const text = (path: string) => readFileSync(join(root, path), 'utf8')
const builder = text('electron-builder.yml')
const metainfo = text('main/build/linux/org.ghostsvd.GhostSVD.metainfo.xml')
const mime = text('main/build/linux/ghostsvd.xml')
const manifest = JSON.parse(text('package.json')) as { version: string; homepage: string; desktopName: string }

const all = (pattern: RegExp, of: string) => [...of.matchAll(pattern)].map(([, found]) => found!)

describe('packages', () => {
  it('name the version and the home of package.json', () => {
    expect(all(/<release version="([^"]+)"/g, metainfo)[0]).toBe(manifest.version)
    expect(all(/<url type="homepage">([^<]+)</g, metainfo)).toEqual([manifest.homepage])
    expect(all(/<launchable type="desktop-id">([^<]+)</g, metainfo)).toEqual([manifest.desktopName])
  })

  it('offer to open the types that they define', () => {
    const defined = all(/<mime-type type="([^"]+)"/g, mime)
    expect(all(/<mediatype>([^<]+)</g, metainfo)).toEqual(defined)
    expect(all(/^ {4}- (application\/\S+)$/gm, builder)).toEqual(defined)
  })

  it('associate endings that are read, the same ones on every system', () => {
    const onLinux = all(/<glob pattern="\*\.([^"]+)"/g, mime)
    const elsewhere = all(/^ {2}- \{ ext: \[?([^\]{}]+?)\]?, name:/gm, builder).flatMap((endings) =>
      endings.split(', '),
    )
    expect(elsewhere).toEqual(onLinux)
    // Others use these too, or they are opened from the application: a double click is not ours to take.
    const left = [
      'aguf',
      'pt2',
      'metadata',
      'nemo',
      'bin',
      'pkl',
      'pickle',
      'pdparams',
      'index',
      'msgpack',
      'llamafile',
      'h5',
      'hdf5',
      'keras',
    ]
    expect([...onLinux, ...left].map((ending) => `.${ending}`).toSorted()).toEqual(allWeightEndings.toSorted())
  })
})
