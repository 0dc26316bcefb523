import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, runStep } from './run.mjs'

/**
 * Installs what scripts/<name>/package-lock.json pins, with its integrity, into out/<name>.
 * @param {string} name
 * @param {string} announcement
 * @param {readonly string[]} [options] for npm
 */
export function installPinned(name, announcement, options = []) {
  const dir = join(root, 'out', name)
  mkdirSync(dir, { recursive: true })
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    copyFileSync(join(root, 'scripts', name, file), join(dir, file))
  }
  runStep(announcement, 'npm', ['ci', '--prefix', dir, ...options])
}
