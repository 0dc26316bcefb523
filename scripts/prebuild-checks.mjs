// What a prebuilt addon must be, by the kind of file that its platform loads. Gives what it is, or throws.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { readElf } from './elf.mjs'
import { readMachO } from './mach-o.mjs'
import { readPe } from './pe.mjs'
import { musl, nodeApi } from './zig.mjs'

/** The oldest glibc that is promised: RHEL 8's, Debian 10's. */
const oldestGlibc = [2, 28]
const oldestMacos = '11.0'
const entry = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']
// Of glibc, and its dynamic linker: part of every system that has it.
const glibcLibraries = /^(?:lib(?:c|dl|m|pthread|rt)\.so\.\d|ld-linux-.*\.so\.\d)$/
const windowsLibraries = /^(?:kernel32|ntdll|advapi32|msvcrt|api-ms-win-crt-[a-z]+-l1-1-0)\.dll$/i
// A weak symbol that profilers define.
const nobodyNeeds = '__gmon_start__'

/**
 * @typedef {object} Found
 * @property {string} format
 * @property {string} needs the system that it asks for
 * @property {readonly string[]} libraries
 * @property {number} imports how many functions of others it calls
 */

/** @typedef {import('./prebuilds.mjs').Prebuild} Prebuild */

/**
 * @param {Prebuild} prebuild
 * @param {string} file
 * @returns {Found}
 */
export function checkPrebuild(prebuild, file) {
  if (prebuild.platform === 'linux') return checkLinux(prebuild, file)
  return prebuild.platform === 'darwin' ? checkMacos(prebuild, file) : checkWindows(prebuild, file)
}

/**
 * @param {Prebuild} prebuild
 * @param {string} file
 * @returns {Found}
 */
function checkLinux({ arch, libc }, file) {
  const { imports, libraries, ...elf } = readElf(file)
  same('architecture', elf.arch, arch)
  same('exports', elf.exports.sort().join(), entry.join())
  // Its own errno, say, instead of libc's: see scripts/zig/stat-before-2.33.cc.
  none('thread-local variables', elf.threadLocal ? ['some'] : [])
  const others = withoutNode(imports.filter(({ name }) => name !== nobodyNeeds))
  const common = { format: 'ELF', libraries, imports: imports.length }
  if (libc === 'musl') {
    none(
      'other libraries',
      libraries.filter((name) => name !== 'libc.so'),
    )
    const known = muslFunctions()
    none('functions that musl lacks', namesOf(others.filter(({ name }) => !known.has(name))))
    return { ...common, needs: 'musl' }
  }
  none(
    'other libraries',
    libraries.filter((name) => !glibcLibraries.test(name)),
  )
  none('functions of no library', namesOf(others.filter(({ version }) => version === undefined)))
  const newest =
    others
      .map(({ version = '' }) => glibcVersion(version))
      .sort(compare)
      .at(-1) ?? []
  if (compare(newest, oldestGlibc) > 0) throw new Error(`needs glibc ${newest.join('.')}`)
  return { ...common, needs: `glibc ${newest.join('.')}` }
}

/**
 * @param {Prebuild} prebuild
 * @param {string} file
 * @returns {Found}
 */
function checkMacos({ arch }, file) {
  const { imports, libraries, ...machO } = readMachO(file)
  same('architecture', machO.cpu, arch === 'x64' ? 'x86_64' : arch)
  for (const name of entry) {
    if (!machO.exports.includes(`_${name}`)) throw new Error(`does not export ${name}`)
  }
  none(
    'other libraries',
    libraries.filter((name) => name !== '/usr/lib/libSystem.B.dylib'),
  )
  // The linker knows the library of all but Node's.
  const ofNobody = imports.filter(({ anywhere }) => anywhere)
  const named = ofNobody.map(({ name }) => ({ name: name.slice(1) }))
  none('functions that macOS lacks', namesOf(withoutNode(named)))
  const calls = ['clonefileat', 'fclonefileat', 'renameatx_np']
  const missing = calls.filter((call) => !imports.some(({ name }) => name === `_${call}`))
  none('calls that it does without', missing)
  if (arch === 'arm64' && !machO.signed) throw new Error('not signed: macOS would not load it')
  same('oldest macOS', machO.oldest, oldestMacos)
  return { format: 'Mach-O', needs: `macOS ${machO.oldest}`, libraries, imports: imports.length }
}

/**
 * @param {Prebuild} prebuild
 * @param {string} file
 * @returns {Found}
 */
function checkWindows({ arch }, file) {
  const { imports, ...pe } = readPe(file)
  same('architecture', pe.arch, arch)
  // Others, of the unwinder, do no harm: Windows looks a name up in the library that it was linked to.
  for (const name of entry) {
    if (!pe.exports.includes(name)) throw new Error(`does not export ${name}`)
  }
  const node = imports.filter(({ library }) => library.toLowerCase() === 'node.exe')
  none('functions that Node lacks', namesOf(withoutNode(node)))
  const libraries = [...new Set(imports.map(({ library }) => library))]
  const others = libraries.filter((name) => name.toLowerCase() !== 'node.exe')
  none(
    'other libraries',
    others.filter((name) => !windowsLibraries.test(name)),
  )
  return { format: 'PE32+', needs: 'Windows 10', libraries, imports: imports.length }
}

/**
 * Leaves out what Node brings: the functions of Node-API version 8.
 * @template {{ name: string }} Import
 * @param {readonly Import[]} imports
 */
function withoutNode(imports) {
  const require = createRequire(import.meta.url)
  /** @type {unknown} */
  const headers = require(nodeApi)
  const { symbols } = /** @type {{ symbols: { v8: Record<string, string[]> } }} */ (headers)
  const known = new Set(Object.values(symbols.v8).flat())
  return imports.filter(({ name }) => !known.has(name))
}

/** As zig, which brings musl along, knows them. */
function muslFunctions() {
  return new Set(
    [...readFileSync(musl, 'utf8').matchAll(/^(?:\.globl|\.weak|WEAK64) (\S+)$/gm)].map(
      ([, name]) => name,
    ),
  )
}

/** @param {string} version such as GLIBC_2.2.5 */
function glibcVersion(version) {
  const [, numbers] = /^GLIBC_([\d.]+)$/.exec(version) ?? []
  if (numbers === undefined) throw new Error(`wants ${version}`)
  return numbers.split('.').map(Number)
}

/**
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 */
function compare([major = 0, minor = 0], [otherMajor = 0, otherMinor = 0]) {
  return major - otherMajor || minor - otherMinor
}

/** @param {readonly { name: string }[]} imports */
function namesOf(imports) {
  return imports.map(({ name }) => name)
}

/**
 * @param {string} what
 * @param {string | undefined} found
 * @param {string} wanted
 */
function same(what, found, wanted) {
  if (found !== wanted) throw new Error(`${what}: ${String(found)}, not ${wanted}`)
}

/**
 * @param {string} what
 * @param {readonly string[]} found
 */
function none(what, found) {
  if (found.length > 0) throw new Error(`${what}: ${found.join(', ')}`)
}
