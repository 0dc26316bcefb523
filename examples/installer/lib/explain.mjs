import { isMergeError } from 'reflink-merge'
import { InstallError } from './install-error.mjs'

const shown = 20

/**
 * What to tell the user about an error; node_modules is as it was.
 * @param {unknown} error
 * @returns {string}
 */
export function explain(error) {
  if (error instanceof InstallError) return error.message
  if (!isMergeError(error)) return String(/** @type {Error} */ (error).stack ?? error)
  if (error.code !== 'ERR_MERGE_CONFLICT') return error.message
  const lines = error.conflicts.map(({ path, kind, sources }) => {
    return `  ${path}: ${reasons[kind]} (${sources.join(', ')})`
  })
  const more = lines.length > shown ? [`  and ${lines.length - shown} more`] : []
  return [
    'nothing was installed:',
    ...lines.slice(0, shown),
    ...more,
    '--changed decides about what somebody has put or changed there: keep or replace.',
  ].join('\n')
}

/** @type {Record<import('reflink-merge').Conflict['kind'], string>} */
const reasons = {
  content: 'two packages have different files there',
  type: 'a file and a directory want this place',
  case: 'two names that are one on this file system',
  existing: 'something else is there, or it was changed',
}

/**
 * @param {import('./install.mjs').Installed} installed
 * @returns {string} what was done
 */
export function summary({ packages, fetched, leftOut, unchanged, result }) {
  if (result === undefined)
    return `${packages} packages, up to date: ${unchanged} files as installed`
  const { created, replaced, removed, kept, fallbacks, modified } = result
  const counts = { fetched, created, replaced, removed, kept, unchanged: result.unchanged }
  return [
    `${packages} packages`,
    ...Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : [])),
  ]
    .join(', ')
    .concat(
      ...leftOut.map((name) => `\n${name}: could not be fetched, and is optional`),
      ...modified.map(({ path, kept }) => `\n${path}: was changed, ${kept ? 'kept' : 'put back'}`),
      ...fallbacks.map(
        ({ from, to, code, files }) => `\n${files} files by ${to}, not ${from}: ${code}`,
      ),
    )
}
