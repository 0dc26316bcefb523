/** zig's own names for the systems; macOS as in binding.gyp, glibc as old as the oldest that is promised. */
export const targets = /** @type {const} */ ({
  'linux-x64': 'x86_64-linux-gnu.2.28',
  'linux-arm64': 'aarch64-linux-gnu.2.28',
  'linux-x64-musl': 'x86_64-linux-musl',
  'linux-arm64-musl': 'aarch64-linux-musl',
  'darwin-x64': 'x86_64-macos.11.0',
  'darwin-arm64': 'aarch64-macos.11.0',
  'win32-x64': 'x86_64-windows-gnu',
  'win32-arm64': 'aarch64-windows-gnu',
})

/** @typedef {keyof typeof targets} TargetName */

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
