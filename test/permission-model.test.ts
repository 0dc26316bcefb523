import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { startCommand } from './support/child'
import { describeOn } from './support/describe-on'
import { assertTree, snapshot } from './support/snapshot'
import { writeTree } from './support/tree'

const dist = fs.realpathSync('dist')
const dependency = path.dirname(require.resolve('node-gyp-build/package.json'))
// Its name since Node 23.5.
const flag = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

interface Rights {
  readonly read: readonly string[]
  readonly write: readonly string[]
}

/** What a script writes that Node's permission model allows this and no more, and no addons. */
async function run(code: string, { read, write }: Rights): Promise<unknown> {
  const command = [
    ...[process.execPath, '--no-warnings', flag],
    ...[dist, dependency, ...read].map((each) => `--allow-fs-read=${each}/`),
    ...write.map((each) => `--allow-fs-write=${each}/`),
    ...['--eval', `(async () => { ${code} })().then((told) => console.log(JSON.stringify(told)))`],
  ]
  const env = { NODE_OPTIONS: undefined, NODE_V8_COVERAGE: undefined }
  const { stdout, stderr } = await startCommand(command, { env }).done
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

const library = `require(${JSON.stringify(dist)})`
const quoted = (...values: unknown[]): string => values.map((each) => JSON.stringify(each)).join()

describe("under Node's permission model", () => {
  describeOn(['ext4', 'btrfs', 'tmpfs', 'exfat'], (volume) => {
    // Where files have no modes of their own, they are given the one that they will have.
    const mode = volume.kind === 'exfat' ? 0o777 : 0o640
    const tree = {
      'lib/run': { data: 'run', mode: volume.kind === 'exfat' ? 0o777 : 0o755 },
      'lib/deep/file': { data: 'x'.repeat(100_000), mode },
      nothing: { data: '', mode },
    }

    function scene(): { base: string; store: string; dest: string } {
      const base = fs.realpathSync(volume.fresh())
      const store = writeTree(path.join(base, 'store'), { ...tree })
      return {
        base,
        store,
        dest: writeTree(path.join(base, 'dest'), { own: { data: 'own', mode } }),
      }
    }

    it('merges into what may be written, and looks at nothing above it', async () => {
      const { store, dest } = scene()
      const sources = [{ name: 'a', dir: store }]
      const told = await run(
        `const result = await ${library}.merge(${quoted(sources, dest, { preserveTimestamps: true })})
         const again = await ${library}.merge(${quoted(sources, dest)})
         return [result.created, again.unchanged, result.locking, result.containment]`,
        { read: [store, dest], write: [dest] },
      )
      assert.deepEqual(told, [3, 3, 'degraded', 'best-effort'])
      const its = snapshot(store)
      assertTree(dest, [...its, ...snapshot(dest).filter(({ path: at }) => at === 'own')])
    })

    it('makes a dest that is missing, replaces, takes packages one by one, and recovers', async () => {
      const { store, dest } = scene()
      fs.writeFileSync(path.join(dest, 'nothing'), 'something')
      const told = await run(
        `const { merge, openMerge, planMerge, recover } = ${library}
         const sources = ${quoted([{ name: 'a', dir: store }])}
         const session = await openMerge(${quoted(path.join(dest, 'new/deep'))})
         await session.add(sources[0])
         const made = await session.commit()
         const plan = await planMerge(sources, ${quoted(dest, { existing: 'keep' })})
         const replaced = await merge(sources, ${quoted(dest, { existing: 'replace' })})
         await recover(${quoted(dest)})
         return [made.created, plan.files, replaced.created, replaced.replaced]`,
        { read: [store, dest], write: [dest] },
      )
      assert.deepEqual(told, [3, 3, 2, 1])
      assertTree(path.join(dest, 'new/deep'), snapshot(store))
    })

    it('fails with what was refused, and leaves dest as it was', async () => {
      const { store, dest } = scene()
      const before = snapshot(dest)
      const told = await run(
        `const error = await ${library}.merge(${quoted([{ name: 'a', dir: store }], dest)}).catch((e) => e)
         return [error.code, error.permission, require(${quoted(path.join(dist, 'binding'))}).loaded]`,
        { read: [store, dest], write: [store] },
      )
      assert.deepEqual(told, ['ERR_ACCESS_DENIED', 'FileSystemWrite', false])
      assertTree(dest, before)
    })
  })
})
