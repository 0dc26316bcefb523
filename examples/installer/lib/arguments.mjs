import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { InstallError } from './install-error.mjs'
import { defaultStore } from './store-place.mjs'

export const usage = `Installs what package-lock.json names into node_modules.

install [options] [project]

  --store <dir>      where packages are kept (default: a place on the project's volume)
  --link <mode>      clone (default), hardlink or copy
  --changed <what>   files in node_modules that somebody has changed: error (default), keep or replace
  --omit <type>      dev, optional or peer; may be given more than once
  --registry <url>   instead of registry.npmjs.org
  --cache <dir>      npm's cache (its _cacache): tarballs are taken from there, and put there
  --help`

/** @typedef {Omit<import('./install.mjs').InstallOptions, 'signal' | 'progress'>} Given */

/**
 * @param {string[]} args
 * @returns {Given | undefined} nothing where the user asks for help
 */
export function readArguments(args) {
  const { values, positionals } = parse(args)
  if (values.help) return undefined
  const [given = '.', ...more] = positionals
  if (more.length > 0) throw new InstallError(`one project, not ${positionals.join(' and ')}`)
  const project = resolve(given)
  return {
    project,
    store: values.store === undefined ? defaultStore(project) : resolve(values.store),
    link: oneOf('--link', values.link ?? 'clone', ['clone', 'hardlink', 'copy']),
    changed: oneOf('--changed', values.changed ?? 'error', ['error', 'keep', 'replace']),
    omit: (values.omit ?? []).map((each) => oneOf('--omit', each, ['dev', 'optional', 'peer'])),
    registry: { registry: values.registry, cache: values.cache && resolve(values.cache) },
  }
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        store: { type: 'string' },
        link: { type: 'string' },
        changed: { type: 'string' },
        omit: { type: 'string', multiple: true },
        registry: { type: 'string' },
        cache: { type: 'string' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new InstallError(/** @type {Error} */ (error).message, { cause: error })
  }
}

/**
 * @template {string} T
 * @param {string} option
 * @param {string} value
 * @param {readonly T[]} values
 * @returns {T}
 */
function oneOf(option, value, values) {
  const found = values.find((each) => each === value)
  if (found !== undefined) return found
  throw new InstallError(`${option}: one of ${values.join(', ')}, not ${value}`)
}
