// Merges of all kinds, one after the other, to be traced. Says in the trace where each of them begins.

/* eslint-disable @typescript-eslint/no-unsafe-assignment -- what is required and parsed has the type that its comment tells */

const fs = require('node:fs')
const path = require('node:path')

/** @type {typeof import('../../lib/index')} */
const { merge, openMerge, planMerge, recover } = require(path.resolve(__dirname, '../../dist'))

/** @type {import('./audit-trace').AuditOrder} */
const { dest, missing, sources, others, content, internals } = JSON.parse(
  fs.readFileSync(0, 'utf8'),
)
const files = new Map([
  ['map/index.js', path.join(content, 'one')],
  ['map/lib/run', path.join(content, 'two')],
])

/** @type {Record<string, () => Promise<unknown>>} */
const phases = {
  plan: () => planMerge(sources, dest),
  fresh: () => merge(sources, missing, { conflicts: 'first' }),
  existing: () => merge(sources, dest, { conflicts: 'last', preserveTimestamps: true }),
  again: () => merge(sources, dest, { conflicts: 'last', preserveTimestamps: true }),
  'again in a session': () => session(sources, { conflicts: 'last' }),
  conflict: () =>
    merge(others, dest).then(
      () => Promise.reject(new Error('no conflict')),
      () => undefined,
    ),
  keep: () => merge(others, dest, { existing: 'keep', linkModes: 'copy' }),
  'replacing by copy': () =>
    merge(others, dest, { existing: 'replace', linkModes: 'copy', writable: true }),
  'replacing by hard link': () =>
    merge(sources, dest, { existing: 'replace', linkModes: 'hardlink', conflicts: 'last' }),
  'replacing by symlink': () => merge(others, dest, { existing: 'replace', linkModes: 'symlink' }),
  'replacing in a session': () => session(sources, { existing: 'replace', conflicts: 'last' }),
  'a file map': () => merge([{ name: 'map', files }], dest),
  durable: () => merge([{ name: 'durable', files, to: 'durable' }], dest, { durability: 'full' }),
  'without a lock': () => merge([{ name: 'free', files, to: 'free' }], dest, { lock: false }),
  'replacing, cut off': () => cutOff(),
  'replacing, recovered': async () => {
    const { undone } = await recover(dest)
    if (undone !== 1) throw new Error('nothing was undone')
  },
}

/**
 * @param {import('../../lib/index').Source[]} all
 * @param {import('../../lib/index').MergeOptions} options
 */
async function session(all, options) {
  const opened = await openMerge(dest, options)
  await Promise.all(all.map((source, rank) => opened.add(source, { rank })))
  return opened.commit()
}

/** A merge that stops in the midst of publishing, as if it were killed, and leaves its staging directory. */
async function cutOff() {
  /** @type {typeof import('./internals')} */
  const { defaultHost, mergeOn } = require(internals)
  let over = false
  /** @param {number} count */
  const failed = (count) => ({ errnos: new Int32Array(count).fill(5), syscall: () => 'rename' })
  const host = {
    ...defaultHost,
    /** @type {typeof defaultHost.rename} */
    rename: async (jobs, replace) =>
      over ? failed(countOf(jobs)) : defaultHost.rename(jobs, replace),
    /** @type {typeof defaultHost.exchange} */
    async exchange(jobs) {
      if (over) return failed(countOf(jobs))
      const [first] = jobs
      if (first === undefined || first.to.path !== 'shared') return defaultHost.exchange(jobs)
      // Of the first batch that goes there only the first entry gets through.
      over = true
      const { errnos } = await defaultHost.exchange([{ ...first, names: first.names.slice(0, 1) }])
      const outcomes = failed(countOf(jobs))
      outcomes.errnos.set(errnos)
      return outcomes
    },
    /** @type {typeof defaultHost.unlink} */
    unlink: async (jobs) => (over ? failed(countOf(jobs)) : defaultHost.unlink(jobs)),
    /** @type {typeof defaultHost.rmdir} */
    rmdir: async (jobs) => (over ? failed(countOf(jobs)) : defaultHost.rmdir(jobs)),
  }
  await mergeOn(host, others, dest, { existing: 'replace' }).then(
    () => Promise.reject(new Error('was not cut off')),
    () => undefined,
  )
}

/** @param {readonly { names: readonly string[] }[]} jobs */
function countOf(jobs) {
  return jobs.reduce((sum, { names }) => sum + names.length, 0)
}

async function main() {
  for (const [name, run] of Object.entries(phases)) {
    fs.existsSync(`/phase/${name}`)
    await run()
  }
  fs.existsSync('/phase/end')
}

void main()
