import assert from 'node:assert/strict'

import { defaultHost } from '../../lib/host'
import { clonefileHost } from './clonefile-host'

const isWanted = process.env['REFLINK_MERGE_TEST_HOST'] === 'clonefile'

/**
 * clonefile(2) keeps the times of whatever lies in a directory, and no option of a merge takes them off again: only of directories
 * new times are promised then (docs/design.md, "macOS").
 */
export const keepsTimesOfEntries = isWanted

const simulated = isWanted ? clonefileHost({ ...defaultHost }) : undefined

/** `npm run test:clonefile`: every test that takes the default host gets one that clones directories, as macOS does. */
export function cloneDirectoriesEverywhere(): void {
  if (simulated !== undefined) Object.assign(defaultHost, simulated)
}

/** Tells how often that was done; a run in which it never was shows nothing. */
export function tellDirectoryClones(): void {
  if (simulated === undefined) return
  const { made, used } = simulated.clones
  console.log(`Directories cloned whole: ${String(made)}, of which ${String(used)} were used`)
  assert.ok(used > 0, 'no directory was cloned whole')
}
