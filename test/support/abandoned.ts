import fs from 'node:fs'
import path from 'node:path'

import { find } from '../../lib/commit/standing'
import { defaultHost } from '../../lib/host'
import {
  currentOwner,
  markNameOf,
  stagingNameOf,
  toMarkText,
  type StagingState,
} from '../../lib/records'
import { writeTree } from './tree'

/** A staging directory in `dest` that nobody holds, as a killed merge leaves it; its path. */
export async function abandonedIn(
  dest: string,
  id: string,
  state: StagingState,
  files: Record<string, string>,
): Promise<string> {
  const name = stagingNameOf(id, state)
  const staging = path.join(dest, name)
  fs.mkdirSync(staging, { mode: 0o700 })
  writeTree(staging, files)
  fs.chmodSync(staging, 0o700)
  const place = { base: dest, path: '' }
  const [identity] = await find(defaultHost, [{ to: place, names: [name] }])
  if (identity === undefined) throw new Error(`${staging} is not there`)
  const mark = toMarkText({ ...currentOwner(true), dest: '' })
  fs.writeFileSync(path.join(staging, markNameOf(identity)), mark)
  return staging
}
