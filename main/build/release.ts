/**
 * `npm run release -- FOLDER`: lays what is published beside the installers into FOLDER: the command line's tarball, the source maps of this
 * build, the software bill of materials, and SHA256SUMS of everything there. Refuses a release whose manifest still has placeholders.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = join(import.meta.dirname, '../..')
const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('Name the folder of the release.')
const to = resolve(folder)
const { name, version, homepage, author } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string
  version: string
  homepage: string
  author: string
}
// .example belongs to nobody (RFC 2606): it stands where the project's own address has to.
const placeholders = [homepage, author].filter((value) => /\.example\b/.test(value))
const isTag = process.env.GITHUB_REF_TYPE === 'tag'
if (isTag && placeholders.length > 0)
  throw new Error(
    `Set "homepage" and "author" in package.json before a release: ${placeholders.join(', ')} is a placeholder.`,
  )
if (isTag && process.env.GITHUB_REF_NAME !== `v${version}`)
  throw new Error(`The tag ${process.env.GITHUB_REF_NAME} is not the version of package.json, ${version}.`)

mkdirSync(to, { recursive: true })
// On Windows npm is a .cmd, which only a shell runs; as the script it is, it runs everywhere.
const npm = process.env.npm_execpath
if (npm === undefined) throw new Error('Run it by npm: npm run release -- FOLDER')
const options = { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 } as const
execFileSync(process.execPath, [npm, 'pack', '--ignore-scripts', '--silent', '--pack-destination', to], options)

const out = join(root, 'out')
const maps = (readdirSync(out, { recursive: true }) as string[]).filter((path) => path.endsWith('.map')).sort()
execFileSync('tar', ['-czf', join(to, `${name}-${version}-source-maps.tar.gz`), ...maps], { cwd: out })

// Everything is bundled or a tool of the build, so all of it is in the lock file as a devDependency.
writeFileSync(
  join(to, `${name}-${version}.cdx.json`),
  execFileSync(process.execPath, [npm, 'sbom', '--sbom-format', 'cyclonedx'], options),
)

const files = readdirSync(to, { withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name !== 'SHA256SUMS' && !/^builder-.*\.ya?ml$/.test(entry.name))
  .map((entry) => entry.name)
  .sort()
const sums = files.map(
  (file) =>
    `${createHash('sha256')
      .update(readFileSync(join(to, file)))
      .digest('hex')}  ${file}\n`,
)
writeFileSync(join(to, 'SHA256SUMS'), sums.join(''))
console.log(sums.join(''))
