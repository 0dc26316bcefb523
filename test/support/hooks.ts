import type { Context, RootHookObject } from 'mocha'

import { killChildren } from './child'
import { cloneDirectoriesEverywhere, tellDirectoryClones } from './clonefile-everywhere'
import { runEnds, testBegins, testEnds } from './fresh'
import { leftOutReasons } from './needs'
import { skippedReasons } from './unrunnable'
import { removeVolumes } from './volumes'

cloneDirectoriesEverywhere()

/** Load with `mocha --require tsx/cjs --require test/support/hooks.ts`. */
export const mochaHooks: RootHookObject = {
  beforeEach() {
    testBegins()
  },
  async afterEach(this: Context) {
    await testEnds()
  },
  async afterAll(this: Context) {
    killChildren()
    await runEnds()
    removeVolumes()
    tellDirectoryClones()
  },
}

// On exit, so that it stands below the reporter's summary.
process.once('exit', () => {
  killChildren()
  list('Left out, because of the host that was asked for:', leftOutReasons())
  list('Not run, because this machine cannot:', skippedReasons())
})

function list(title: string, reasons: ReadonlyMap<string, number>): void {
  if (reasons.size === 0) return
  console.error(title)
  for (const [reason, times] of reasons) console.error(`  ${reason} (${String(times)} ×)`)
}
