import { merge } from '../../index'
import { addDryRunOption, carryOut } from '../carry-out'
import type { CliCommand } from '../command'
import { addMergeOptions } from '../options'
import { declareSources } from '../sources'

export const mergeCommand: CliCommand = {
  name: 'merge',
  description: 'merge sources into dest',
  examples: [
    ['merge store/a store/b project/vendor', 'merges both packages into project/vendor'],
    [
      'merge store/core:@acme/core project/node_modules',
      'puts the package at node_modules/@acme/core',
    ],
    [
      'merge --packages store project/node_modules',
      'puts each package in store into a directory of its own name',
    ],
    ['merge a b dest --conflicts last --existing replace', 'b wins over a, and both win over dest'],
    ['merge a dest --link-mode clone', 'fails where the file system cannot clone'],
  ],

  declare(command) {
    addDryRunOption(addMergeOptions(declareSources(command)))
  },

  run(command, context) {
    return carryOut(command, context, merge)
  },
}
