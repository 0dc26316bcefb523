import assert from 'node:assert/strict'

import { startCommand } from '../support/child'
import { cli } from '../support/cli'

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await cli('completion', shell)
  assert.deepEqual([code, stderr], [0, ''])
  return stdout
}

/** What bash offers for the last of the words. */
async function offers(...words: string[]): Promise<string[]> {
  const script = `${await scriptFor('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _reflink_merge; printf '%s\\n' "\${COMPREPLY[@]}"`
  const bash = ['bash', '--norc', '-c', script, 'bash', 'reflink-merge', ...words]
  const { stdout, stderr, code } = await startCommand(bash).done
  assert.deepEqual([code, stderr], [0, ''])
  return stdout.split('\n').filter((word) => word !== '')
}

describe('reflink-merge completion', () => {
  it('bash offers commands, options and their choices; else it is for paths', async () => {
    assert.deepEqual(await offers('p'), ['plan', 'probe'])
    assert.deepEqual(await offers('merge', '--conf'), ['--conflicts'])
    assert.deepEqual(await offers('merge', 'a', '--conflicts', 'l'), ['last'])
    assert.deepEqual(await offers('plan', '--existing', ''), ['error', 'keep', 'replace'])
    assert.deepEqual(await offers('recover', '--'), ['--json', '--quiet', '--help'])
    assert.deepEqual(await offers('merge', ''), [])
    assert.deepEqual(await offers('merge', '--packages', ''), [])
  })

  for (const [shell, command, option] of [
    [
      'zsh',
      "'recover:put dest back",
      "'--conflicts[two sources with different files for one path]",
    ],
    ['fish', '-f -a recover -d', "-l conflicts -x -a 'error first last exclusive' -d"],
  ] as const)
    it(`${shell} gets the same commands and options`, async () => {
      const script = await scriptFor(shell)
      assert.ok(script.includes(command))
      assert.ok(script.includes(option))
    })

  it('for a shell that is not known is refused', async () => {
    const { code, stderr } = await cli('completion', 'csh')
    assert.equal(code, 2)
    assert.match(stderr, /Allowed choices are bash, zsh, fish/)
  })
})
