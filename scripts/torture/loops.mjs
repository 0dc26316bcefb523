/**
 * A loop of tests whose length REFLINK_MERGE_RUNS decides.
 * @typedef {object} Loop
 * @property {string} name
 * @property {string} what
 * @property {readonly string[]} mocha which tests: arguments for mocha
 * @property {number} runs REFLINK_MERGE_RUNS, unless --runs says otherwise; npm test has 2,000
 */

/** @type {readonly Loop[]} */
export const loops = [
  {
    name: 'failures',
    what: 'every change of a merge fails: each errno, once and from then on',
    mocha: ['test/commit/undo.test.ts'],
    runs: 25_000,
  },
  {
    name: 'kills',
    what: 'a merge, a session and recover() are killed at each of their steps',
    mocha: ['test/recover/kill-loop.test.ts', 'test/recover/cut-off.test.ts'],
    runs: 25_000,
  },
  {
    name: 'power-cuts',
    what: "durability: 'full' on XFS, ext4 and Btrfs whose power is cut",
    mocha: ['test/durability.test.ts'],
    runs: 25_000,
  },
  {
    name: 'model',
    what: 'random sources and policies against a model in memory',
    mocha: ['test/plan/model.test.ts', 'test/plan/union.test.ts'],
    runs: 25_000,
  },
]
