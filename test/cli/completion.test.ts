import assert from 'node:assert/strict'

import type { Shell } from '../../lib/cli/completion'
import { startCommand } from '../support/child'
import { cli } from '../support/cli'
import { freshDir } from '../support/fresh'
import { Terminal } from '../support/terminal'
import { runTool } from '../support/tool'
import { writeTree, type TreeSpec } from '../support/tree'
import { orSkip } from '../support/unrunnable'

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

/** What is typed, with tabs, and the words that the command gets. */
const typed = [
  ['pl\t', 'plan'],
  ['merge --conf\tla\t', 'merge --conflicts last'],
  ['plan --existing=k\t', 'plan --existing keep'],
  ['merge --link-mode h\t', 'merge --link-mode hardlink'],
  ['recover --j\t', 'recover --json'],
  ['completion z\t', 'completion zsh'],
  ['merge st\t', 'merge store'],
  ['merge --packages st\t', 'merge --packages store'],
  // A glob is no path; it can be given again.
  ['merge --exclude st\t', 'merge --exclude st'],
  ['merge --exclude a --exc\tb', 'merge --exclude a --exclude b'],
] as const

/** In the place of the program: prints its words, and an exclamation mark after them. */
const posix = `reflink-merge() { printf '<%s>' "$@"; printf '!\\n'; }\n`

interface ShellSession {
  /** The program, by whose name its script is asked for. */
  readonly needs: Shell
  readonly start: string
  readonly files: (script: string) => TreeSpec
}

const sessions: Readonly<Record<string, ShellSession>> = {
  bash: {
    needs: 'bash',
    start: 'bash --noprofile --rcfile .rc -i',
    files: (script) => ({ '.rc': `PS1=READY\n${posix}${script}` }),
  },
  'zsh, from its start-up file': {
    needs: 'zsh',
    start: 'zsh -d -i',
    files: (script) => ({
      '.zshrc': `PROMPT=READY\nautoload -Uz compinit && compinit -u -D\n${posix}${script}`,
    }),
  },
  'zsh, from a directory of functions': {
    needs: 'zsh',
    start: 'zsh -d -i',
    files: (script) => ({
      '.zshrc': `PROMPT=READY\nfpath=($PWD/functions $fpath)\nautoload -Uz compinit && compinit -u -D\n${posix}`,
      'functions/_reflink-merge': script,
    }),
  },
  fish: {
    needs: 'fish',
    start: 'fish -i',
    files: (script) => ({
      'fish/completions/reflink-merge.fish': script,
      'fish/config.fish': [
        'set -g fish_greeting',
        'set -g fish_autosuggestion_enabled 0',
        'function fish_prompt; echo READY; end',
        "function reflink-merge; printf '<%s>' $argv; printf '!\\n'; end",
      ].join('\n'),
    }),
  },
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
      "'recover:undo what killed merges",
      "'*--conflicts=[two sources have different files at one path]",
    ],
    ['fish', '-f -a recover -d', "-l conflicts -x -a 'error first last exclusive' -d"],
  ] as const)
    it(`${shell} gets the same commands and options`, async () => {
      const script = await scriptFor(shell)
      assert.ok(script.includes(command))
      assert.ok(script.includes(option))
    })

  for (const [shell, { needs, start, files }] of Object.entries(sessions))
    it(`works in ${shell}, at the key that completes`, async function () {
      this.timeout(60_000)
      await orSkip(this, runTool('script', ['--version']))
      await orSkip(this, runTool(needs, ['--version']))
      const cwd = writeTree(freshDir(), { 'store/x': '', ...files(await scriptFor(needs)) })
      const env = { TERM: 'xterm', HOME: cwd, ZDOTDIR: cwd, XDG_CONFIG_HOME: cwd }
      const terminal = Terminal.start(start, { cwd, env })
      try {
        await terminal.until(/READY/)
        for (const [keys, expected] of typed) {
          terminal.type(`reflink-merge ${keys}\r`)
          const [, said = ''] = await terminal.until(/((?:<[^>\r\n]*>)+)!/)
          // zsh writes --option=value, and takes the slash at the end of a directory away again.
          const words = said.replace(/=|></g, ' ').replace(/\/?>$/, '').slice(1)
          assert.equal(words, expected, keys)
          await terminal.until(/READY/)
        }
      } finally {
        await terminal.end()
      }
    })

  it('for a shell that is not known is refused', async () => {
    const { code, stderr } = await cli('completion', 'csh')
    assert.equal(code, 2)
    assert.match(stderr, /Allowed choices are bash, zsh, fish/)
  })
})
