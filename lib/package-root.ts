import { existsSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The package's directory: with package.json, or, where the library was bundled into an application, with the addons that
 * were copied along. It is above lib/ and dist/, and two levels above dist/cli/.
 */
export const packageRoot: string =
  [join(__dirname, '..'), join(__dirname, '..', '..')].find((dir) =>
    ['package.json', 'prebuilds'].some((name) => isThere(join(dir, name))),
  ) ?? join(__dirname, '..')

/** Where Node's permission model forbids to look, Node 20 throws. */
function isThere(path: string): boolean {
  try {
    return existsSync(path)
  } catch {
    return false
  }
}
