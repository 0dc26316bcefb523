import { sync } from '../../index'
import { addDryRunOption, carryOut } from '../carry-out'
import type { CliCommand } from '../command'
import { addMergeOptions } from '../options'
import { declareSources } from '../sources'

export const syncCommand: CliCommand = {
  name: 'sync',
  description: 'merge, and remove what earlier syncs installed and no source provides any more',
  examples: [
    ['sync --packages store project/node_modules', 'installs new packages and upgrades the others'],
    ['sync --packages store project/node_modules --dry-run', 'shows what would be removed'],
    ['sync a dest --modified keep', 'leaves edited files as they are'],
  ],

  declare(command) {
    addDryRunOption(addMergeOptions(declareSources(command), true))
  },

  run(command, context) {
    return carryOut(command, context, sync, { manifest: true, prune: true })
  },
}
