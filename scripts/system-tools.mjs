import { accessSync, constants } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import { runQuietly } from './run.mjs'

/** What scripts and tests use of the system: a program of it, and Debian's package. */
const tools = {
  btrfs: { program: 'mkfs.btrfs', debian: 'btrfs-progs' },
  xfs: { program: 'mkfs.xfs', debian: 'xfsprogs' },
  exfat: { program: 'mkfs.exfat', debian: 'exfatprogs' },
  exfatFuse: { program: 'mount.exfat-fuse', debian: 'exfat-fuse' },
  bindfs: { program: 'bindfs', debian: 'bindfs' },
  acl: { program: 'setfacl', debian: 'acl' },
  chattr: { program: 'chattr', debian: 'e2fsprogs' },
  zsh: { program: 'zsh', debian: 'zsh' },
  fish: { program: 'fish', debian: 'fish' },
  strace: { program: 'strace', debian: 'strace' },
  clang: { program: 'clang++-19', debian: 'clang-19' },
  // Libraries, in a folder of their own; clang-19 does not bring them along.
  fuzzer: {
    program: '/usr/lib/llvm-19/lib/clang/19/lib/linux',
    debian: 'libclang-rt-19-dev',
  },
  qemu: { program: 'qemu-aarch64-static', debian: 'qemu-user-static' },
  arm64Libraries: { program: 'aarch64-linux-gnu-g++', debian: 'g++-aarch64-linux-gnu' },
  musl: { program: '/lib/ld-musl-x86_64.so.1', debian: 'musl' },
  wine: { program: 'wine', debian: 'wine' },
  wine64: { program: '/usr/lib/wine/wine64', debian: 'wine64' },
  python: { program: 'python3', debian: 'python3' },
  chromium: { program: 'chromium', debian: 'chromium' },
  cmake: { program: 'cmake', debian: 'cmake' },
  clangFormat: { program: 'clang-format-19', debian: 'clang-format-19' },
  clangTidy: { program: 'clang-tidy-19', debian: 'clang-tidy-19' },
}

/** @typedef {Partial<Record<keyof typeof tools, boolean>>} Wanted */

/**
 * Sees to it that these programs are there. As root on Debian or Ubuntu it installs what is not,
 * after saying so.
 * @param {Wanted} wanted
 * @returns {string[]} the programs that are missing all the same
 */
export function ensureSystemTools(wanted) {
  const missing = () =>
    Object.entries(tools)
      .filter(([name]) => wanted[/** @type {keyof typeof tools} */ (name)])
      .map(([, tool]) => tool)
      .filter(({ program }) => !isInstalled(program))
  const packages = missing().map(({ debian }) => debian)
  if (packages.length > 0 && process.getuid?.() === 0 && isInstalled('apt-get')) {
    console.log(`Installing ${packages.join(', ')} (apt-get) …`)
    // A failed update is no reason to give up: the lists may be there already.
    const env = { DEBIAN_FRONTEND: 'noninteractive' }
    runQuietly('apt-get', ['update', '-qq'], env)
    runQuietly('apt-get', ['install', '-y', '--no-install-recommends', ...packages], env)
  }
  return missing().map(({ program }) => program)
}

/** @param {string} program */
function isInstalled(program) {
  // mkfs and mount lie in sbin, which the PATH of an ordinary user lacks.
  const path = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return path.some((dir) => {
    try {
      accessSync(resolve(dir, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
