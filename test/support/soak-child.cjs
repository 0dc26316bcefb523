// Merges and failures of all kinds, over and over in one process, which tells what it holds of the system after some
// of them. Run with --expose-gc. Plain JavaScript on dist/.

/* eslint-disable @typescript-eslint/no-unsafe-assignment -- what is required and parsed has the type that its comment tells */

const fs = require('node:fs')
const path = require('node:path')

/** @type {typeof import('../../lib/index')} */
const lib = require(path.resolve(__dirname, '../../dist'))
const { merge, openMerge, planMerge, recover, probe } = lib

/** @type {{ base: string, sources: import('../../lib/index').Source[], others: import('../../lib/index').Source[], rounds: number }} */
const { base, sources, others, rounds } = JSON.parse(fs.readFileSync(0, 'utf8'))
const dest = path.join(base, 'dest')

/** For what is made once: threads, code, pools of memory, and V8's heap, which reaches its size after twenty. */
const toWarmUp = Math.max(20, Math.floor(rounds / 3))

/**
 * @param {Promise<unknown>} failing
 * @param {string} code
 */
async function fails(failing, code) {
  const error = await failing.then(
    () => new Error('did not fail'),
    (/** @type {unknown} */ reason) => /** @type {NodeJS.ErrnoException} */ (reason),
  )
  if (!('code' in error) || error.code !== code) throw error
}

async function aborted() {
  const stop = new AbortController()
  const merging = merge(sources, `${dest}-aborted`, { signal: stop.signal })
  setImmediate(() => {
    stop.abort(Object.assign(new Error('stop'), { code: 'STOP' }))
  })
  await merging.catch(() => undefined)
  fs.rmSync(`${dest}-aborted`, { recursive: true, force: true })
}

async function session(/** @type {boolean} */ commits) {
  const opened = await openMerge(dest, { existing: 'replace' })
  for (const source of sources) void opened.add(source)
  await (commits ? opened.commit() : opened.abort())
}

async function round() {
  await merge(sources, dest, { existing: 'replace' })
  await merge(sources, dest)
  await merge(others, dest, { existing: 'replace', linkModes: 'copy' })
  await session(true)
  await session(false)
  await planMerge(others, dest)
  await recover(dest)
  await probe(sources[0]?.dir ?? '', dest)
  await aborted()
  await fails(merge(others, dest), 'ERR_MERGE_CONFLICT')
  await fails(merge([...sources, { name: 'gone', dir: path.join(base, 'gone') }], dest), 'ENOENT')
  await fails(merge([{ name: 'self', dir: dest }], dest), 'ERR_MERGE_INTO_SELF')
  const files = new Map([['../out', path.join(base, 'x')]])
  await fails(merge([{ name: 'bad', files }], dest), 'ERR_MERGE_INVALID_PATH')
  await fails(merge(sources, path.join(base, 'a-file', 'in')), 'ENOTDIR')
}

function held() {
  global.gc?.()
  return { descriptors: fs.readdirSync('/proc/self/fd').length, rss: process.memoryUsage.rss() }
}

async function main() {
  fs.writeFileSync(path.join(base, 'a-file'), '')
  const reports = []
  for (let done = 0; done < rounds; done++) {
    if (done === toWarmUp) reports.push(held())
    await round()
  }
  reports.push(held())
  process.stdout.write(JSON.stringify(reports))
}

void main()
