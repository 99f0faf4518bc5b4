#!/usr/bin/env node
/**
 * Stands in for fpm, which electron-builder would download: takes the arguments that it gives (`-s dir -t deb|rpm ... SOURCE=TARGET ...`)
 * and calls the system's own dpkg-deb or rpmbuild. CUSTOM_FPM_PATH names it (package.ts).
 *
 * The packages have no maintainer scripts, so --after-install and --after-remove are left out: the command is a link in the package, the
 * setuid mode of Chromium's sandbox is in the package too, and menus, MIME types and icons are brought up to date by triggers of the
 * packages they belong to. What is installed is therefore exactly what dpkg or rpm lists, and nothing is left when it is removed.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const text = { type: 'string' } as const
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    s: { ...text, short: 's' },
    t: { ...text, short: 't' },
    d: { ...text, short: 'd', multiple: true },
    force: { type: 'boolean' },
    debug: { type: 'boolean' },
    log: text,
    name: text,
    version: text,
    iteration: text,
    architecture: text,
    description: text,
    maintainer: text,
    vendor: text,
    url: text,
    license: text,
    category: text,
    package: text,
    'after-install': text,
    'after-remove': text,
    'deb-priority': text,
    'deb-compression': text,
    'deb-recommends': { ...text, multiple: true },
    'rpm-os': text,
    'rpm-compression': text,
    'rpm-summary': text,
  },
})

/** What dpkg-deb calls the compressions of fpm. */
const debCompression: Readonly<Record<string, string>> = { xz: 'xz', gz: 'gzip', zst: 'zstd', none: 'none' }
/** Payload compression by fpm's names. */
const rpmPayload: Readonly<Record<string, string>> = {
  xz: 'w2.xzdio',
  xzmt: 'w6T0.xzdio',
  gzip: 'w9.gzdio',
  none: 'w0.gzdio',
}
/** Debian's names of processors, which electron-builder gives for both; rpm has its own. */
const rpmArchitectures: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' }

const work = mkdtempSync(join(tmpdir(), 'ghostsvd-package-'))
try {
  const tree = join(work, 'tree')
  for (const mapping of positionals) copy(mapping, tree)
  const command = join(tree, 'usr/bin', required('name'))
  mkdirSync(dirname(command), { recursive: true })
  symlinkSync(programIn(tree), command)
  setModes(tree)
  mkdirSync(dirname(required('package')), { recursive: true })
  if (values.t === 'deb') makeDeb(tree)
  else if (values.t === 'rpm') makeRpm(tree)
  else throw new Error(`fpm: expected -t deb or -t rpm, got ${values.t}`)
} finally {
  rmSync(work, { recursive: true, force: true })
}

function required(name: 'name' | 'version' | 'architecture' | 'package' | 'maintainer' | 'url'): string {
  const value = values[name]
  if (value === undefined) throw new Error(`fpm: expected --${name}`)
  return value
}

/** `SOURCE=TARGET`: a file becomes TARGET; of a folder with a slash at its end the contents go into TARGET. */
function copy(mapping: string, tree: string): void {
  const at = mapping.lastIndexOf('=/')
  if (at < 0) throw new Error(`fpm: expected SOURCE=/TARGET, got ${mapping}`)
  const target = join(tree, mapping.slice(at + 1))
  mkdirSync(dirname(target), { recursive: true })
  cpSync(mapping.slice(0, at), target, { recursive: true, verbatimSymlinks: true })
}

/** Where the command's link leads: /opt/PRODUCT/NAME. */
function programIn(tree: string): string {
  const name = required('name')
  const [product] = readdirSync(join(tree, 'opt')).filter((folder) =>
    lstatSync(join(tree, 'opt', folder, name)).isFile(),
  )
  if (product === undefined) throw new Error(`fpm: expected /opt/*/${name}`)
  return `/opt/${product}/${name}`
}

/** Modes of the builder's umask become those of a package. The sandbox's helper is setuid, as in Chrome's own package. */
function setModes(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) setModes(path)
    else if (entry.isFile()) {
      const executable = (statSync(path).mode & 0o100) !== 0
      chmodSync(path, entry.name === 'chrome-sandbox' ? 0o4755 : executable ? 0o755 : 0o644)
    }
  }
}

function filesIn(tree: string): string[] {
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(tree, join(entry.parentPath, entry.name)))
    .sort()
}

function makeDeb(tree: string): void {
  const files = filesIn(tree).filter((file) => lstatSync(join(tree, file)).isFile())
  const kibibytes = files.reduce((sum, file) => sum + Math.ceil(statSync(join(tree, file)).size / 1024), 0)
  const [summary = '', ...body] = (values.description ?? '').trim().split('\n')
  const fields = {
    Package: required('name'),
    Version: values.iteration === undefined ? required('version') : `${required('version')}-${values.iteration}`,
    Architecture: required('architecture'),
    Maintainer: required('maintainer'),
    'Installed-Size': String(kibibytes),
    Depends: values.d?.join(', '),
    Recommends: values['deb-recommends']?.join(', '),
    Section: values.category,
    Priority: values['deb-priority'],
    Homepage: required('url'),
    Description: [summary.trim(), ...body.map((line) => ` ${line.trim()}`)].join('\n'),
  }
  const control = join(tree, 'DEBIAN')
  mkdirSync(control)
  const lines = Object.entries(fields).flatMap(([field, value]) => (value ? [`${field}: ${value}\n`] : []))
  writeFileSync(join(control, 'control'), lines.join(''))
  const sums = execFileSync('md5sum', ['--', ...files], { cwd: tree, encoding: 'utf8' })
  writeFileSync(join(control, 'md5sums'), sums)
  const compression = debCompression[values['deb-compression'] ?? 'xz']
  if (compression === undefined) throw new Error(`fpm: unknown --deb-compression ${values['deb-compression']}`)
  run('dpkg-deb', '--root-owner-group', `-Z${compression}`, '--build', tree, resolve(required('package')))
}

function makeRpm(tree: string): void {
  const spec = join(work, 'package.spec')
  const payload = rpmPayload[values['rpm-compression'] ?? 'xzmt']
  if (payload === undefined) throw new Error(`fpm: unknown --rpm-compression ${values['rpm-compression']}`)
  // Folders of the application are its own; those above belong to the system.
  const folders = readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `/${relative(tree, join(entry.parentPath, entry.name))}`)
    .filter((folder) => /^\/opt\/./.test(folder))
    .map((folder) => `%dir "${folder}"`)
  const files = filesIn(tree).map(
    (file) => `${file.endsWith('/chrome-sandbox') ? '%attr(4755,root,root) ' : ''}"/${file}"`,
  )
  writeFileSync(
    spec,
    [
      `%define _binary_payload ${payload}`,
      // Electron's program is shipped as it is: no stripping, no links to build ids, no compiling of what looks like Python.
      '%define __os_install_post %{nil}',
      '%define debug_package %{nil}',
      '%define _build_id_links none',
      `Name: ${required('name')}`,
      `Version: ${required('version')}`,
      `Release: ${values.iteration ?? '1'}`,
      `Summary: ${values['rpm-summary'] ?? values.description ?? ''}`,
      `License: ${values.license ?? ''}`,
      `URL: ${required('url')}`,
      `Packager: ${required('maintainer')}`,
      ...(values.vendor === undefined ? [] : [`Vendor: ${values.vendor}`]),
      // The runtime brings its own libraries and must not offer them to others.
      'AutoReqProv: no',
      ...(values.d ?? []).map((requirement) => `Requires: ${requirement}`),
      '%description',
      (values.description ?? '').trim(),
      '%files',
      '%defattr(-,root,root,-)',
      ...folders,
      ...files,
      '',
    ].join('\n'),
  )
  const architecture = rpmArchitectures[required('architecture')] ?? required('architecture')
  const defines = { _topdir: join(work, 'rpm'), _rpmdir: join(work, 'packages'), _rpmfilename: 'package.rpm' }
  run(
    'rpmbuild',
    ...['-bb', '--quiet', '--target', `${architecture}-${values['rpm-os'] ?? 'linux'}`, '--buildroot', tree],
    ...Object.entries(defines).flatMap(([name, value]) => ['--define', `${name} ${value}`]),
    spec,
  )
  cpSync(join(work, 'packages/package.rpm'), required('package'))
}

function run(program: string, ...parameters: string[]): void {
  execFileSync(program, parameters, { stdio: ['ignore', 'inherit', 'inherit'] })
}
