import Table from 'cli-table3'

/** @typedef {import('./measured-merge.mjs').Run & { loaded: readonly string[] }} Run */

/**
 * Prints what was measured, and what to make of it.
 * @param {{ packages: number, bytes: number, byClone: Run, byCopy: Run, place: import('./place.mjs').Place }} demo
 */
export function report({ packages, bytes, byClone, byCopy, place }) {
  const table = new Table({
    head: ['', 'by clone', 'by copy'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  /** @type {[string, (run: Run) => string][]} */
  const rows = [
    ['packages', () => count(packages)],
    ['files', ({ result }) => count(result.files)],
    ['placed by', ({ result }) => modes(result.linkModes)],
    ['time', ({ seconds }) => duration(seconds)],
    ['time until all is on disk', ({ settledSeconds }) => duration(settledSeconds)],
    [
      `of ${size(bytes)}, shared with the store`,
      ({ shared }) => (shared === null ? 'not known' : size(shared)),
    ],
    ['disk space taken', ({ disk }) => size(disk)],
  ]
  for (const [what, of] of rows) table.push([what, of(byClone), of(byCopy)])
  console.log(`\n${table.toString()}`)
  for (const paragraph of conclusions(byClone, byCopy, place)) console.log(`\n${wrap(paragraph)}`)
}

/**
 * @param {Run} byClone
 * @param {Run} byCopy
 * @param {import('./place.mjs').Place} place
 */
function* conclusions(byClone, byCopy, place) {
  const { linkModes, fallbacks } = byClone.result
  if (linkModes.clone > 0) {
    yield (
      `Cloning took ${duration(byClone.settledSeconds)} and ${size(byClone.disk)} of disk, ` +
      `copying ${duration(byCopy.settledSeconds)} and ${size(byCopy.disk)}. ` +
      'What clones take is names, inodes, and files so small that the file system keeps them with ' +
      'these; all other contents stay where the store has them, until somebody changes a file.' +
      (place.inMemory
        ? ' This volume lies in memory; on a real disk copies wait for the disk, too.'
        : '')
    )
  }
  for (const { code, syscall, files } of fallbacks)
    yield `${count(files)} files were copied as they could not be cloned here: ${code} from ${syscall}.`
  if (place.lacking !== null) {
    yield (
      `This was ${place.what}. Others may have written to it meanwhile: take the disk space as ` +
      `an estimate. There was no Btrfs volume to show clones on: ${place.lacking}.`
    )
  }
  yield (
    'Checked: both results have every file and byte of the packages in the store, and Node loads ' +
    `${byClone.loaded.join(', ')} from both.`
  )
}

/**
 * In lines of at most 100 columns.
 * @param {string} text
 */
function wrap(text) {
  return text.replaceAll(/(.{1,100})(?: |$)/g, '$1\n').trimEnd()
}

/** @param {Record<string, number>} linkModes */
function modes(linkModes) {
  const used = Object.entries(linkModes).filter(([, files]) => files > 0)
  return used.map(([mode, files]) => `${mode} ${count(files)}`).join(', ')
}

/** @param {number} n */
function count(n) {
  return n.toLocaleString('en')
}

/** @param {number} bytes */
function size(bytes) {
  return `${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 0 })} MB`
}

/** @param {number} seconds */
function duration(seconds) {
  return `${seconds.toLocaleString('en', { maximumFractionDigits: 1, minimumFractionDigits: 1 })} s`
}
