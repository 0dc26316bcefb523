import { readdirSync } from 'node:fs'
import js from '@eslint/js'
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'
import { noLongSpread } from './scripts/lint/no-long-spread.mjs'

/**
 * The files and folders of lib/, from the bottom up: each may import itself and what stands in the
 * lines above it, neither its neighbours nor what follows.
 */
const layers = [
  ['append.ts', 'traversal.ts', 'errno.ts', 'debug.ts', 'volumes.ts', 'package-root.ts'],
  ['types.ts'],
  ['merge-error.ts'],
  ['errors.ts'],
  ['addon.ts', 'concurrency.ts', 'signal.ts'],
  ['host'],
  ['records'],
  ['scan'],
  ['manifest'],
  ['plan'],
  ['options.ts', 'into-self.ts', 'progress.ts', 'stopwatch.ts', 'thread-words.ts'],
  ['stage', 'commit'],
  ['recover'],
  ['site.ts'],
  ['rerun.ts'],
  ['life.ts'],
  ['planning.ts'],
  ['commit-rules.ts'],
  ['result.ts'],
  ['merging.ts'],
  ['early.ts'],
  ['session.ts'],
  ['verify.ts'],
  ['merge.ts', 'remove.ts', 'clone.ts', 'binding.ts'],
  ['probe.ts', 'copy', 'merge-sync.ts'],
  ['index.ts'],
  ['cp.ts', 'pnpm.ts', 'merge-thread.ts'],
  ['bench'],
  ['cli'],
]
// What has no layer yet stands at the bottom, so that its first import asks for one.
const placed = layers.flat()
const unplaced = readdirSync('lib').filter((name) => !placed.includes(name))

const zones = [unplaced, ...layers].flatMap((layer, height) =>
  layer.map((name) => ({
    target: `./lib/${name}`,
    from: './lib',
    except: [name, ...layers.slice(0, Math.max(0, height - 1)).flat()].map((path) => `./${path}`),
    message: 'The layers in eslint.config.mjs forbid it.',
  })),
)

export default defineConfig(
  { ignores: ['build/', 'coverage/', 'dist/', 'out/', 'docs/api/', 'prebuilds/', 'bench/corpus/'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts', '.mjs', '.cjs'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.mjs', '.cjs'] })],
    },
    rules: {
      'no-undef': 'off', // TypeScript's job, which also checks the scripts
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { zones }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    files: ['lib/**/*.ts'],
    plugins: { own: { rules: { 'no-long-spread': noLongSpread } } },
    rules: { 'own/no-long-spread': 'error' },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', module: 'writable' },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
)
