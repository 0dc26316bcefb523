import { constants } from 'node:fs'
import { cp } from 'node:fs/promises'

/** @param {import('../run-subject.mjs').Job} job */
export function prepare({ mode, tree, dest }) {
  const flags = mode === 'clone' ? constants.COPYFILE_FICLONE_FORCE : 0
  return Promise.resolve(() => cp(tree, dest, { recursive: true, mode: flags }))
}
