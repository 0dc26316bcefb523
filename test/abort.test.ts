import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { defaultHost } from '../lib/host'
import { nodeHost } from '../lib/host/node'
import { merge } from '../lib/index'
import type { Conflict, MergeOptions, MergePhase, Source } from '../lib/index'
import { mergeOn } from '../lib/merge'
import { withClock } from './support/clock'
import { describeOn } from './support/describe-on'
import type { DescribedVolume } from './support/describe-on'
import { itWith } from './support/needs'
import { scriptedHost } from './support/scripted-host'
import type { Operation, ScriptedCall } from './support/scripted-host'
import { assertTree, digest } from './support/snapshot'
import { writeTree } from './support/tree'
import type { TreeSpec } from './support/tree'

/** Packages that share directories, one as a map of files, and a dest that is absent or holds other files. */
interface Scene {
  sources: Source[]
  parent: string
  dest: string
  /** All of the merge. */
  expected: string
}

const big = Buffer.alloc(20_000, 'big')
const packages: Readonly<Record<string, TreeSpec>> = {
  a: { 'ns/a/index.js': 'a', 'ns/shared/a': big, 'bin/run': { symlink: '../ns/a/index.js' } },
  b: { 'ns/b/index.js': 'b', 'ns/shared/b': 'b', 'ns/same': 'same', 'empty/': { mode: 0o555 } },
  c: { 'ns/same': 'same', 'ns/shared/c': 'c', 'deep/er/and/deeper': 'c', old: 'new' },
}
const beside: TreeSpec = { old: 'old', 'ns/own': 'mine', 'ns/shared/own': 'mine', own: 'mine' }
const held: TreeSpec = { ...beside, 'ns/b': 'a file where a directory is wanted' }

function scene(volume: DescribedVolume, state: 'absent' | 'there'): Scene {
  const dir = volume.fresh()
  const store = path.join(dir, 'store')
  const sources: Source[] = Object.entries(packages).map(([name, spec]) => ({
    name,
    dir: writeTree(path.join(store, name), spec),
  }))
  const file = path.join(writeTree(path.join(store, 'files'), { x: 'mapped' }), 'x')
  sources.push({ name: 'map', files: new Map([['ns/mapped/file', file]]) })

  const parent = path.join(dir, 'parent')
  fs.mkdirSync(parent)
  const dest = path.join(parent, 'dest')
  const union = Object.assign({}, ...Object.values(packages)) as TreeSpec
  const before = state === 'there' ? beside : {}
  const expected = writeTree(path.join(dir, 'expected'), {
    ...{ ...before, ...union },
    'ns/mapped/file': 'mapped',
  })
  if (state === 'there') writeTree(dest, held)
  return { sources, parent, dest, expected }
}

/** Tells a rejection from an answer; the reason may be anything. */
async function settle(
  merging: Promise<unknown>,
): Promise<{ rejected: true; reason: unknown } | { rejected: false }> {
  return merging.then(
    () => ({ rejected: false }) as const,
    (reason: unknown) => ({ rejected: true, reason }) as const,
  )
}

const options: MergeOptions = { existing: 'replace', concurrency: 1 }
const reason = new Error('no longer wanted')

/** The staging directory and the two in it are made together. */
const skeleton = /\/\.reflink-merge-[0-9a-f]+\/(?:new|old)$/
/** What was published is taken back into a directory of the staging directory that it came from; at first as a link. */
const takenBack = /\/\.reflink-merge-[0-9a-f]+(?:-begun|-part)?\/taken(?:\/[0-9a-f]+-\d+)?$/

/** Operations that are of no use once the merge is to be undone. */
const building: ReadonlySet<Operation> = new Set<Operation>([
  ...(['clone', 'copy', 'hardlink', 'symlink', 'mkdir'] as const),
])

describe('abort', function () {
  /** The merge must end like this, and leave nothing behind. */
  async function assertEnded(
    { parent }: Scene,
    before: string,
    merging: Promise<unknown>,
    expected: unknown,
    when = '',
  ): Promise<void> {
    const settled = await settle(merging)
    assert.ok(settled.rejected, `it merged in spite of it ${when}`)
    assert.equal(settled.reason, expected, when)
    assert.equal(digest(parent), before, `dest or its parent is not as before ${when}`)
  }

  describeOn(['btrfs', 'tmpfs'], (volume) => {
    for (const state of ['absent', 'there'] as const)
      describe(`with dest ${state}`, () => {
        let here: Scene
        let before: string
        beforeEach(() => {
          here = scene(volume, state)
          before = digest(here.parent)
        })

        it('merges if nothing aborts it', async () => {
          const { signal } = new AbortController()
          await merge(here.sources, here.dest, { ...options, signal })
          assertTree(here.dest, here.expected)
          assert.deepEqual(fs.readdirSync(here.parent), ['dest'])
        })

        it('does nothing if it has been aborted before', async () => {
          const calls: string[] = []
          const host = scriptedHost(defaultHost, ({ operation }) => {
            calls.push(operation)
            return undefined
          })
          for (const given of [reason, 'a string', 0, null]) {
            const signal = AbortSignal.abort(given)
            const merging = mergeOn(host, here.sources, here.dest, { ...options, signal })
            await assertEnded(here, before, merging, given)
          }
          assert.deepEqual(calls, [])
        })

        it("rejects with the signal's own AbortError where no reason is given", async () => {
          const controller = new AbortController()
          const merging = merge(here.sources, here.dest, {
            ...options,
            signal: controller.signal,
            mutable: () => {
              controller.abort()
              return false
            },
          })
          const settled = await settle(merging)
          assert.ok(settled.rejected && settled.reason instanceof DOMException)
          assert.equal(settled.reason.name, 'AbortError')
          assert.equal(settled.reason, controller.signal.reason)
          assert.equal(digest(here.parent), before)
        })

        /** The phases in which a merge tells its progress, and what comes of a failure at each. */
        const atEveryEvent = async (
          end: (index: number) => {
            onEvent: () => void
            options: MergeOptions
            expected: unknown
          },
        ): Promise<MergePhase[]> => {
          const phases: MergePhase[] = []
          for (let index = 0; ; index++) {
            const one = end(index)
            let events = 0
            let phase: MergePhase | undefined
            // The clock makes every event one that is told.
            const settled = await withClock(1000, () =>
              settle(
                merge(here.sources, here.dest, {
                  ...{ ...options, ...one.options },
                  onProgress: (event) => {
                    if (events++ !== index) return
                    phase = event.phase
                    one.onEvent()
                  },
                }),
              ),
            )
            if (phase === undefined) {
              assert.ok(!settled.rejected)
              assertTree(here.dest, here.expected)
              return [...new Set(phases)]
            }
            phases.push(phase)
            const when = `at event ${index}, phase ${phase}`
            assert.ok(settled.rejected, `it merged in spite of it ${when}`)
            assert.equal(settled.reason, one.expected, when)
            assert.equal(digest(here.parent), before, `not as before ${when}`)
          }
        }
        const allPhases: MergePhase[] = ['scan', 'plan', 'stage', 'lock', 'commit']

        it('at every progress event: rejects with the reason, and dest is as before', async () => {
          const phases = await atEveryEvent(() => {
            const controller = new AbortController()
            return {
              onEvent: () => {
                controller.abort(reason)
              },
              options: { signal: controller.signal },
              expected: reason,
            }
          })
          assert.deepEqual(phases, allPhases)
        })

        it('by an onProgress that throws, at every event: rejects with its error, and dest is as before', async () => {
          const error = new Error('thrown by onProgress')
          const phases = await atEveryEvent(() => ({
            onEvent: () => {
              throw error
            },
            options: {},
            expected: error,
          }))
          assert.deepEqual(phases, allPhases)
        })

        it('by an onProgress that throws what is no error', async () => {
          const thrown = 'a string'
          const onProgress = (): void => {
            // eslint-disable-next-line @typescript-eslint/only-throw-error -- callers may
            throw thrown
          }
          const merging = merge(here.sources, here.dest, { ...options, onProgress })
          await assertEnded(here, before, merging, thrown)
        })

        /** Sources and options in which every call of one function is told; they merge to what is expected. */
        const calling = (
          which: 'filter' | 'mutable' | 'conflicts',
          called: () => void,
        ): { sources: Source[]; given: MergeOptions } => {
          const yes = (): boolean => {
            called()
            return true
          }
          if (which === 'filter') {
            return {
              sources: here.sources.map((source) => ({ ...source, filter: yes })),
              given: {},
            }
          }
          if (which === 'mutable') return { sources: here.sources, given: { mutable: yes } }
          const file = path.join(here.sources[0]?.dir ?? '', 'ns/a/index.js')
          const files = new Map(['old', 'ns/same'].map((name) => [name, file]))
          const conflicts = (conflict: Conflict): string => {
            called()
            return conflict.sources[0] ?? ''
          }
          return { sources: [...here.sources, { name: 'other', files }], given: { conflicts } }
        }

        for (const which of ['filter', 'mutable', 'conflicts'] as const)
          for (const how of ['aborts', 'throws'] as const)
            it(`by ${which}, which ${how}, at any of its calls`, async () => {
              const error = new Error(`thrown by ${which}`)
              for (let index = 0; ; index++) {
                const controller = new AbortController()
                let calls = 0
                const called = (): void => {
                  if (calls++ !== index) return
                  if (how === 'throws') throw error
                  controller.abort(reason)
                }
                const { sources, given } = calling(which, called)
                const { signal } = controller
                const settled = await settle(
                  merge(sources, here.dest, { ...options, ...given, signal }),
                )
                if (calls <= index) {
                  assert.ok(index > 0, `${which} was never called`)
                  assert.ok(!settled.rejected)
                  assertTree(here.dest, here.expected)
                  return
                }
                assert.ok(settled.rejected, `it merged in spite of it, call ${index}`)
                assert.equal(settled.reason, how === 'throws' ? error : reason)
                assert.equal(digest(here.parent), before, `not as before, call ${index}`)
              }
            })

        itWith(
          'locks',
          'while it waits for the lock: rejects though the lock is never given',
          async () => {
            if (state === 'absent') writeTree(here.dest, {})
            before = digest(here.parent)
            const directory = await defaultHost.open({ base: here.dest, path: '' })
            try {
              assert.equal(defaultHost.tryLock(directory), 0)
              const controller = new AbortController()
              const host = {
                ...defaultHost,
                tryLock: (asked: typeof directory) => {
                  const answer = defaultHost.tryLock(asked)
                  // Refused: now it waits.
                  if (answer !== 0)
                    setImmediate(() => {
                      controller.abort(reason)
                    })
                  return answer
                },
              }
              const { signal } = controller
              const merging = mergeOn(host, here.sources, here.dest, { ...options, signal })
              await assertEnded(here, before, merging, reason)
            } finally {
              await defaultHost.close(directory)
            }
          },
        )

        for (const host of [defaultHost, nodeHost])
          it(`at any operation of the ${host.kind} host: all or nothing, and nothing new is begun`, async () => {
            /** Merges, and calls `at` before each operation. */
            const merging = async (
              at: (call: ScriptedCall, index: number) => void,
              signal?: AbortSignal,
            ) => {
              let calls = 0
              const scripted = scriptedHost(host, (call) => {
                at(call, calls++)
                return undefined
              })
              const given = signal === undefined ? options : { ...options, signal }
              return settle(mergeOn(scripted, here.sources, here.dest, given))
            }
            const isPublishing = ({ operation, path: at }: ScriptedCall): boolean =>
              operation === 'rename' && (at === here.dest || at.startsWith(`${here.dest}/`))

            const all: ScriptedCall[] = []
            await merging((call) => all.push(call))
            const published = all.findIndex(isPublishing)
            assert.ok(published > 20)
            here = scene(volume, state)
            before = digest(here.parent)

            for (const [index] of all.entries()) {
              const controller = new AbortController()
              const late: string[] = []
              let batch: Operation | undefined
              const settled = await merging((call, now) => {
                if (now === index) {
                  batch = call.operation
                  controller.abort(reason)
                }
                if (now <= index) return
                // The rest of a batch has begun with it.
                if (call.operation !== batch) batch = undefined
                const begun = batch === undefined && building.has(call.operation)
                const isFine = skeleton.test(call.path) || takenBack.test(call.path)
                if (begun && !isFine) {
                  late.push(`${call.operation} ${call.path}`)
                }
              }, controller.signal)
              const when = `at operation ${index}, ${all[index]?.operation ?? ''}`
              if (settled.rejected) {
                assert.equal(settled.reason, reason, when)
                assert.equal(digest(here.parent), before, `not as before ${when}`)
                assert.equal(late[0], undefined, `begun after the abort ${when}`)
              } else {
                assert.ok(index >= published, `it merged in spite of it ${when}`)
                assertTree(here.dest, here.expected)
                here = scene(volume, state)
                before = digest(here.parent)
              }
            }
          })
      })
  })
})
