import { targets } from './zig.mjs'

/** @typedef {import('./zig.mjs').TargetName} TargetName */

/**
 * @typedef {object} Prebuild
 * @property {TargetName} name
 * @property {'linux' | 'darwin' | 'win32'} platform as process.platform has it
 * @property {'x64' | 'arm64'} arch as process.arch has it
 * @property {'glibc' | 'musl' | undefined} libc
 * @property {string} file where node-gyp-build looks for it, from the package's root
 */

/** The addons that the package brings along. */
export const prebuilds = /** @type {TargetName[]} */ (Object.keys(targets)).map(describe)

/**
 * @param {TargetName} name
 * @returns {Prebuild}
 */
function describe(name) {
  const [platform, arch, tag] = /** @type {[Prebuild['platform'], Prebuild['arch'], string?]} */ (
    name.split('-')
  )
  const libc = platform !== 'linux' ? undefined : tag === 'musl' ? 'musl' : 'glibc'
  const file = ['reflink-merge', libc, 'node'].filter(Boolean).join('.')
  return { name, platform, arch, libc, file: `prebuilds/${platform}-${arch}/${file}` }
}
