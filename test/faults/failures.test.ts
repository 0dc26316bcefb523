import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { errno } from '../../lib/errno'
import { defaultHost } from '../../lib/host'
import { recover } from '../../lib/index'
import type { MergeResult } from '../../lib/types'
import { withClock } from '../support/clock'
import { describeOn, type DescribedVolume } from '../support/describe-on'
import { failpoints, syscallOf } from '../support/failpoints'
import type { Failure } from '../support/failure'
import { makeScene, scenes, type Scene, type SceneKind } from '../support/fault-scenes'
import { tell } from '../support/figures'
import { removeDir } from '../support/fresh'
import { stagingBelow, visible } from '../support/kill-check'
import { isThorough, runs } from '../support/long'
import { itWith } from '../support/needs'
import type { Operation, ScriptedCall, Verdict } from '../support/scripted-host'
import { assertTree, differences, snapshot, type TreeEntry } from '../support/snapshot'

const codes = ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EMFILE'] as const
type Code = (typeof codes)[number]

// A short run has one of each sort: that is final, that falls back, that passes.
const tried = runs < 500 ? (['EIO', 'EACCES', 'EMFILE'] as const) : codes
const volumes = isThorough ? (['btrfs', 'xfs', 'ext4', 'tmpfs'] as const) : (['btrfs'] as const)

const kinds: Readonly<Record<string, SceneKind>> = {
  ...scenes,
  "a fresh dest, durability: 'full'": { options: { durability: 'full' } },
  "existing: 'replace', durability: 'full'": {
    ...scenes["existing: 'replace'"],
    options: { existing: 'replace', durability: 'full' },
  },
}
const durable = (what: string): boolean => what.includes('durability')

/** Of a clone the open fails with EACCES, since a clone that does falls back. */
function verdictOf({ operation }: ScriptedCall, code: Code): NonNullable<Verdict> {
  const syscall = operation === 'clone' && code === 'EACCES' ? 'open' : syscallOf(operation)
  return { errno: errno[code], syscall }
}

/** A directory that is not cloned whole, for a reason of its own, is cloned file by file. */
function isForEachFile(operation: Operation, code: Code): boolean {
  return operation === 'cloneDirectory' && (code === 'EACCES' || code === 'EMFILE')
}

/** A failure that need not fail the merge: it is waited out, done in another way, or comes when all is done. */
function mayPass({ operation, path: at }: ScriptedCall, code: Code): boolean {
  const isSweep = operation === 'unlink' || operation === 'rmdir'
  const isLinkToOld = operation === 'hardlink' && code === 'EACCES'
  return (
    code === 'EMFILE' ||
    isLinkToOld ||
    isForEachFile(operation, code) ||
    (isSweep && at.includes('/.reflink-merge-'))
  )
}

/** One failure of a merge, and what came of it. */
interface Case {
  readonly scene: Scene
  readonly code: Code
  readonly outcome: MergeResult | Failure
  readonly failed: readonly [ScriptedCall, ...ScriptedCall[]]
  /** What dest is after a merge in which nothing fails. */
  readonly whole: readonly TreeEntry[]
}

/** Runs with a failure at the first change, the second and so on, until none is left; what is wrong with any outcome. */
async function eachFailure(
  volume: DescribedVolume,
  kind: SceneKind,
  code: Code,
  onwards: boolean,
  complain: (made: Case) => string[] | Promise<string[]>,
): Promise<void> {
  const finished = makeScene(volume.fresh(), kind)
  await finished.merge(defaultHost)
  const whole = snapshot(finished.dest)
  const complaints: string[] = []
  for (let n = 1; ; n++) {
    const scene = makeScene(volume.fresh(), kind)
    const { host, hit } = failpoints(defaultHost, n, (call) => verdictOf(call, code), { onwards })
    const merging = (): Promise<MergeResult | Failure> =>
      scene.merge(host, { concurrency: 1 }).catch((error: unknown) => error as Failure)
    // For EMFILE that does not pass the merge waits, by a clock that runs fast here.
    const outcome = code === 'EMFILE' && onwards ? await withClock(6000, merging) : await merging()
    const [first, ...others] = hit
    if (first === undefined) {
      assert.ok(n > 20, `only ${String(n)} changes`)
      assert.ok(!(outcome instanceof Error))
      assertTree(scene.dest, whole)
      break
    }
    const lines = await complain({ scene, code, outcome, failed: [first, ...others], whole })
    const name = path.relative(scene.base, first.path).replace(/(merge-)[0-9a-f]+/, '$1*')
    // Two lines of each show what it is.
    for (const line of lines.slice(0, 2))
      complaints.push(`${String(n)} ${first.operation} ${name}: ${line.slice(0, 200)}`)
    await removeDir(scene.base)
    tell(`failures ${onwards ? 'from then on' : 'once'}`, 1)
  }
  assert.deepEqual(complaints, [])
}

/** The error tells that operation: errno, system call and path. */
function told(error: Failure, call: ScriptedCall, code: Code): string[] {
  const { syscall } = verdictOf(call, code)
  const got = [error.code, error.errno, error.syscall]
  const lines: string[] = []
  const wanted = [code, -errno[code], syscall]
  if (got.join() !== wanted.join()) lines.push(`told ${got.join()}, not ${wanted.join()}`)
  // Of what is staged the error tells where it was to stand in dest.
  const place = call.path
    .replace(/\/\.reflink-merge-[0-9a-f]+\/new/, '')
    .replace('/dest/dest', '/dest')
  const known = [call.path, call.from, place]
  const paths = [error.path, error.dest].filter((each) => each !== undefined)
  if (!paths.some((each) => known.includes(each))) lines.push(`told ${paths.join(' → ')}`)
  return lines
}

/** What dest held and lacks now, at its place or, of what was replaced, in old/ of a staging directory. */
function lostOf({ dest, base, before }: Scene): string[] {
  const now = new Map(snapshot(base).map((entry) => [entry.path, entry]))
  const staging = fs.existsSync(dest) ? stagingBelow(dest) : []
  const places = ['dest', ...staging.map((name) => `dest/${name}/old`)]
  return before.flatMap((entry) => {
    if (!entry.path.startsWith('dest/') || entry.type === 'directory') return []
    const rest = entry.path.slice('dest'.length)
    const isThere = places.some((place) => {
      const found = now.get(place + rest)
      return found && differences([{ ...found, path: entry.path }], [entry]).length === 0
    })
    return isThere ? [] : [`lost ${entry.path}`]
  })
}

/** dest is as before, or whole; `isBefore`: it must be as before. */
function neitherOf({ scene, whole }: Case, isBefore: boolean): string[] {
  const lines = differences(visible(scene.base), scene.before)
  if (isBefore || lines.length === 0) return lines
  const now = fs.existsSync(scene.dest) ? visible(scene.dest) : []
  return differences(now, whole)
}

describe('a merge of which any change fails', function () {
  this.timeout(600_000)

  describeOn(volumes, (volume) => {
    for (const [what, kind] of Object.entries(kinds))
      for (const code of tried) {
        // What durability adds is the same for each of them.
        if (durable(what) && code !== 'EIO' && !isThorough) continue

        itWith(
          durable(what) ? 'syncfs' : undefined,
          `${what}, ${code} once: dest is as before and the error tells which, or it is whole`,
          async () => {
            await eachFailure(volume, kind, code, false, (made) => {
              const { scene, outcome, failed } = made
              if (outcome instanceof Error)
                return [
                  ...told(outcome, failed[0], code),
                  ...(outcome.errors === undefined ? [] : ['another error is told']),
                  ...differences(snapshot(scene.base), scene.before),
                ]
              const lines = mayPass(failed[0], code) ? [] : ['it merged in spite of it']
              return [...lines, ...differences(snapshot(scene.dest), made.whole)]
            })
          },
        )

        itWith(
          durable(what) ? 'syncfs' : 'locks',
          `${what}, ${code} from then on: nothing is lost, the first error stays the cause, recover() puts dest back`,
          async () => {
            await eachFailure(volume, kind, code, true, async (made) => {
              const { scene, outcome, failed } = made
              const lines: string[] = []
              if (outcome instanceof Error) {
                lines.push(...lostOf(scene))
                // A link into old/ that is not allowed is no failure: what is replaced is moved instead.
                const cause = failed.find((call) =>
                  code === 'EMFILE' ? !isForEachFile(call.operation, code) : !mayPass(call, code),
                )
                lines.push(...told(outcome, cause ?? failed[0], code))
                const isClean = differences(snapshot(scene.base), scene.before).length === 0
                if (!isClean && (outcome.errors?.length ?? 0) < 2)
                  lines.push('what could not be undone is not told')
                for (const { code: other, path: at } of outcome.errors ?? [])
                  if (other !== code || at === undefined)
                    lines.push(`told ${String(other)} as well`)
              } else if (outcome.leftover === undefined) lines.push('what is left over is not told')
              const { left } = await recover(scene.dest)
              lines.push(...left.map(({ path: at }) => `recover() leaves ${at}`))
              lines.push(...stagingBelow(scene.base).map((at) => `${at} is left over`))
              if (outcome instanceof Error) return [...lines, ...neitherOf(made, false)]
              return [...lines, ...differences(visible(scene.dest), made.whole)]
            })
          },
        )
      }
  })
})
