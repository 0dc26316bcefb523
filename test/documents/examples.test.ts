import assert from 'node:assert/strict'

import { runNode } from '../support/child'
import { cliIn } from '../support/cli'
import { describeOn } from '../support/describe-on'
import { examplesOf, type Example } from './examples'
import { exampleProject } from './project'

/** Times differ from run to run. */
function steady(text: string): string {
  return text.replace(/ in \d+\.\d\d s$/gm, ' in … s').replace(/\d+ ms/g, '… ms')
}

/** Words as a shell has them; quotes are not needed. */
function wordsOf(command: string): string[] {
  const [program, ...words] = command.split(' ')
  assert.equal(program, 'reflink-merge')
  return words
}

async function outputOf(example: Example, cwd: string): Promise<string> {
  if (example.kind === 'console') {
    const { stdout, stderr } = await cliIn(cwd, ...wordsOf(example.command))
    return stdout + stderr
  }
  const { stdout, stderr, code } = await runNode(['-e', example.code], { cwd })
  assert.deepEqual({ stderr, code }, { stderr: '', code: 0 })
  return stdout
}

describe('the examples of a document print what it says, one after the other', () => {
  describeOn(['btrfs'], (volume) => {
    for (const [file, count] of [
      ['README.md', 6],
      ['docs/cli.md', 9],
      ['docs/conflicts.md', 6],
      ['docs/cp.md', 1],
      ['docs/embedding.md', 7],
      ['docs/lifecycle.md', 11],
      ['docs/link-modes.md', 1],
      ['docs/pnpm.md', 1],
    ] as const)
      it(file, async function () {
        const cwd = exampleProject(volume.fresh())
        const examples = examplesOf(file)
        assert.equal(examples.length, count)
        for (const example of examples) {
          const what = example.kind === 'js' ? example.code : example.command
          assert.equal(steady(await outputOf(example, cwd)), steady(example.output), what)
        }
      })
  })
})
