import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { hints } from '../../lib/cli/hints'
import { cli } from '../support/cli'
import { root, textOf } from './examples'

const commands = [
  ...['merge', 'plan', 'sync', 'remove', 'verify'],
  ...['probe', 'recover', 'bench', 'completion'],
]

/** Without its line breaks, which prettier and people move. */
function flowing(text: string): string {
  return text.replace(/\s+/g, ' ')
}

describe('docs/troubleshooting.md', () => {
  it('tells each error of the command line as that tells it, and no other', () => {
    const text = textOf('docs/troubleshooting.md')
    const told = [...text.matchAll(/^### (.*)\n\n([^#]*)/gm)].map(([, title = '', body = '']) => {
      return `${title}: ${flowing(body).trim()}`
    })
    const known = hints.map(({ code, syscalls, side, means, next }) => {
      const where = side === undefined ? '' : ` in ${side === 'dest' ? 'dest' : 'a source'}`
      const calls = (syscalls === undefined ? '' : ` from ${syscalls.join(', ')}`) + where
      const places = means.replace('{from}', "the store's volume").replace('{to}', "dest's volume")
      const [first = '', ...rest] = `${places}.`
      return `${code}${calls}: ${first.toUpperCase()}${rest.join('')} **Next:** ${next}.`
    })
    assert.deepEqual(told, known)
  })
})

describe('docs/cli.md', () => {
  for (const command of commands)
    it(`tells every option of ${command}`, async () => {
      const { stdout } = await cli(command, '--help')
      const text = textOf('docs/cli.md')
      for (const [option] of stdout.matchAll(/--[a-z-]+/g)) {
        assert.ok(text.includes(`\`${option}`), `${option} is not told`)
      }
    })

  it('has the usage line of every command, as its --help and that of the program have it', async () => {
    const [, lines = ''] = /```text\n([^`]*)```/.exec(textOf('docs/cli.md')) ?? []
    const told = lines
      .trim()
      .split('\n')
      .map((line) => line.replace(/ {3,}[a-z].*$/, '').replace(/ +/g, ' '))
    const usages: string[] = []
    for (const command of commands) {
      const { stdout } = await cli(command, '--help')
      usages.push(stdout.slice('Usage: '.length, stdout.indexOf('\n')))
    }
    assert.deepEqual(told, usages)
    const { stdout } = await cli('--help')
    const list = stdout.slice(stdout.indexOf('Commands:'))
    const listed = [...list.matchAll(/^ {2}(\w.*?)(?: {2}|$)/gm)].map(
      ([, usage = '']) => `reflink-merge ${usage}`,
    )
    assert.deepEqual(listed, [...usages, 'reflink-merge help [command]'])
  })

  it('names every schema', () => {
    const text = textOf('docs/cli.md')
    for (const name of readdirSync(join(root, 'schemas'))) assert.ok(text.includes(name), name)
  })
})

describe('what the documents name', () => {
  const documents = [
    ...readdirSync(join(root, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
    ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md'],
  ]
  const folders = ['lib', 'native', 'test', 'scripts', 'bench', 'schemas', 'types', 'page']

  it('are files and directories that exist', () => {
    const names = new Set(
      folders
        .flatMap((dir) => readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' }))
        .map((path) => basename(path)),
    )
    const missing = documents.flatMap((document) =>
      [...textOf(document).matchAll(/`([\w./@-]+)`/g)]
        .map(([, path = '']) => path)
        .filter((path) => {
          if (folders.some((dir) => path.startsWith(`${dir}/`)))
            return !existsSync(join(root, path))
          return /^[\w-]+\.(?:ts|mjs|cjs|cc)$/.test(path) && !names.has(path)
        })
        .map((path) => `${document}: ${path}`),
    )
    assert.deepEqual(missing, [])
  })

  it('are scripts of package.json', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: object }
    const unknown = documents.flatMap((document) =>
      [...textOf(document).matchAll(/npm run ([\w:]+)/g)]
        .map(([, name = '']) => name)
        .filter((name) => !(name in scripts))
        .map((name) => `${document}: npm run ${name}`),
    )
    assert.deepEqual(unknown, [])
  })
})

describe('the links of the documents', () => {
  it('lead to files that are there', () => {
    const documents = readdirSync(join(root, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`)
    for (const document of [...documents, 'README.md', 'CONTRIBUTING.md', 'SECURITY.md']) {
      for (const [, target = ''] of textOf(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (/^https?:/.test(target)) continue
        assert.ok(existsSync(join(root, dirname(document), target)), `${document}: ${target}`)
      }
    }
  })
})
