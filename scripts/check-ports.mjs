// npm run check:ports: compiles and links the addon for macOS and Windows on a Linux machine (x64), and what
// systems without its calls get. Every warning is an error.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourcesFor } from './gyp-sources.mjs'
import { readMachO } from './mach-o.mjs'
import { addonFlags, buildAddon, ensureZig, out, runTool } from './zig.mjs'

const strict = ['-Wall', '-Wextra', '-Werror']

// Of <sys/clonefile.h> and <sys/stdio.h>, and what nobody asked for by name.
const calls = ['clonefileat', 'fclonefileat', 'renameatx_np']

ensureZig()

/** @type {readonly { name: string, check: () => string }[]} */
const checks = [
  { name: 'darwin-x64', check: () => checkMacos('x64', 'x86_64') },
  { name: 'darwin-arm64', check: () => checkMacos('arm64', 'arm64') },
  { name: 'win32-x64', check: () => checkWindows('x64', 0x8664) },
  { name: 'win32-arm64', check: () => checkWindows('arm64', 0xaa64) },
  { name: 'other', check: checkOther },
]
for (const { name, check } of checks) {
  try {
    console.log(`${name}: ${check()}`)
  } catch (error) {
    console.log(`${name}: FAILED`)
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

/**
 * @param {'x64' | 'arm64'} arch
 * @param {'x86_64' | 'arm64'} cpu
 */
function checkMacos(arch, cpu) {
  const file = join(out, `darwin-${arch}.node`)
  buildAddon(`darwin-${arch}`, sourcesFor('mac'), file, strict)
  const found = readMachO(file)
  if (found.cpu !== cpu) throw new Error(`${file} is for ${String(found.cpu)}`)
  const lost = found.imports.filter(({ name, anywhere }) => anywhere && !name.startsWith('_napi_'))
  if (lost.length > 0) {
    throw new Error(`macOS has no ${lost.map(({ name }) => name).join(', ')}`)
  }
  if (!found.exports.includes('_napi_register_module_v1')) throw new Error('Node finds no entry')
  if (cpu === 'arm64' && !found.signed) throw new Error('not signed: macOS would not load it')
  const imported = calls.map((call) => {
    const there = found.imports.some(({ name }) => name === `_${call}`)
    return `${call} ${there ? 'imported' : 'MISSING'}`
  })
  if (imported.some((line) => line.endsWith('MISSING'))) throw new Error(imported.join(', '))
  const signed = found.signed ? 'signed' : 'not signed'
  return `Mach-O 64-bit ${String(found.type)} ${cpu}, ${signed}, ${imported.join(', ')}`
}

/**
 * @param {'x64' | 'arm64'} arch
 * @param {number} machine as the PE header has it
 */
function checkWindows(arch, machine) {
  const file = join(out, `win32-${arch}.node`)
  buildAddon(`win32-${arch}`, sourcesFor('win'), file, strict)
  const bytes = readFileSync(file)
  const header = bytes.readUInt32LE(0x3c)
  const isLibrary = bytes.toString('latin1', header, header + 4) === 'PE\0\0'
  if (!isLibrary || bytes.readUInt16LE(header + 4) !== machine) {
    throw new Error(`${file} is no library for Windows on ${arch}`)
  }
  return `PE32+ dynamic library ${arch}`
}

/** Systems that are neither: with the compiler and the headers of this machine. */
function checkOther() {
  const file = join(out, 'other.node')
  runTool('g++', [...addonFlags, ...strict, '-shared', '-o', file, ...sourcesFor('freebsd')])
  const lost = runTool('nm', ['--dynamic', '--undefined-only', '--demangle', file])
    .split('\n')
    .filter((line) => line.includes('reflink_merge'))
  if (lost.length > 0) throw new Error(`none.cc does not define:\n${lost.join('\n')}`)
  return 'ELF shared library, none of the calls'
}
