/**
 * A loop of tests whose length REFLINK_MERGE_RUNS or REFLINK_MERGE_LONG decides.
 * @typedef {object} Loop
 * @property {string} name
 * @property {string} what
 * @property {readonly string[]} mocha which tests: arguments for mocha
 */

/** @type {readonly Loop[]} */
export const loops = [
  {
    name: 'failures',
    what: 'every change of a merge fails: each errno, once and from then on',
    mocha: ['test/faults/failures.test.ts', 'test/session-failures.test.ts'],
  },
  {
    name: 'kills',
    what: 'a merge and a session are killed at each of their steps',
    mocha: ['test/recover/kill-loop.test.ts', 'test/recover/cut-off.test.ts'],
  },
  {
    name: 'recoveries',
    what: 'recover() is killed at each of its steps, and runs beside a live merge',
    mocha: ['test/recover/kill-recover.test.ts', 'test/recover/live.test.ts'],
  },
  {
    name: 'actor',
    what: 'another program changes entries of dest between a kill, or a failure, and the recovery',
    mocha: ['test/recover/actor-loop.test.ts'],
  },
  {
    name: 'injections',
    what: 'the failpoint layer against strace, and real errors of real file systems',
    mocha: ['test/faults/cross-check.test.ts', 'test/faults/real-errors.test.ts'],
  },
  {
    name: 'power-cuts',
    what: "durability: 'full' on XFS, ext4 and Btrfs whose power is cut",
    mocha: ['test/durability.test.ts'],
  },
  {
    name: 'readers',
    what: 'processes that open and hash what is in dest while merges run',
    mocha: ['test/races/readers.test.ts'],
  },
  {
    name: 'model',
    what: 'random sources and policies against a model in memory; every conflict, policy and spelling',
    mocha: [
      'test/plan/model.test.ts',
      'test/plan/union.test.ts',
      'test/plan/conflicts.test.ts',
      'test/plan/names.test.ts',
      'test/plan/spelling.test.ts',
    ],
  },
  {
    name: 'order',
    what: 'packages that arrive in every order, with every concurrency',
    mocha: ['test/session-order.test.ts', 'test/plan/order.test.ts'],
  },
  {
    name: 'adversary',
    what: 'a process that swaps directories of dest for symlinks while merges run',
    mocha: ['test/races/adversary.test.ts', 'test/races/swapped-way.test.ts'],
  },
  {
    name: 'contest',
    what: '16 processes with 200 random merges each into one dest, some killed',
    mocha: ['test/races/contest.test.ts'],
  },
  {
    name: 'life-kills',
    what: 'sync() and remove(): every change fails, and they are killed at each of their steps',
    mocha: ['test/lifecycle/killed.test.ts'],
  },
  {
    name: 'unseen',
    what: '10,000 edits between two syncs that leave size and mtime',
    mocha: ['test/lifecycle/unseen-edits.test.ts'],
  },
  {
    name: 'forged',
    what: 'manifests that no merge wrote: every byte, and random ones with a right checksum',
    mocha: ['test/lifecycle/forged.test.ts'],
  },
  {
    name: 'bounds',
    what: 'descriptors, memory and the event loop with many files, and over many merges',
    mocha: [
      'test/bounds/descriptors.test.ts',
      'test/bounds/soak.test.ts',
      'test/bounds/event-loop.test.ts',
    ],
  },
]
