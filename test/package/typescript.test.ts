import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { startCommand } from '../support/child'
import { asInstalled, installPackage } from '../support/installed'
import { writeTree } from '../support/tree'

const root = path.resolve(__dirname, '../..')
const tsc = path.join(root, 'node_modules/typescript/bin/tsc')

const program = `
import { merge, type MergeResult, type Source } from 'reflink-merge'
import { loaded, reflink } from 'reflink-merge/binding'

const sources: Source[] = [{ name: 'a', files: new Map([['index.js', __filename]]), filter: (path) => path !== 'x' }]
const number: number = reflink('/nowhere/a', '/nowhere/b')
merge(sources, 'dest', { linkModes: ['copy'], conflicts: 'exclusive' }).then(
  (result: MergeResult) => console.log(result.created, number > 0, loaded),
)
// @ts-expect-error: no such policy
export const wrong = () => merge(sources, 'dest', { conflicts: 'never' })
`
const inAModule = `import { fileURLToPath } from 'node:url'
const __filename = fileURLToPath(import.meta.url)
${program}`

const session = `
import { openMerge, type MergeSession } from 'reflink-merge'

export async function install(): Promise<void> {
  const session: MergeSession = await openMerge('dest')
  await session.drop('a')
  await session.abort()
}
`
const disposed = `${session}
export async function dispose(): Promise<void> {
  await using session = await openMerge('dest')
  await session.commit()
}
`

/** Compiler options and the file they are for; every kind of project that imports the package. */
const projects: Record<string, { file: string; text: string; options: Record<string, unknown> }> = {
  'node16, CommonJS': { file: 'main.cts', text: program, options: { module: 'node16' } },
  'node16, ES module': { file: 'main.mts', text: inAModule, options: { module: 'node16' } },
  'bundler, CommonJS': {
    file: 'main.cts',
    text: program,
    options: { module: 'commonjs', moduleResolution: 'bundler' },
  },
  'bundler, ES module': {
    file: 'main.mts',
    text: inAModule,
    options: { module: 'esnext', moduleResolution: 'bundler' },
  },
}

describe('the installed package in TypeScript', () => {
  let dir = ''
  before(() => {
    dir = installPackage()
    const types = ['node', 'cli-progress'].map((name) => `node_modules/@types/${name}`)
    for (const name of [...types, 'node_modules/undici-types'])
      fs.cpSync(path.join(root, name), path.join(dir, name), { recursive: true })
  })

  for (const [name, { file, text, options }] of Object.entries(projects))
    it(`compiles and runs: ${name}`, async () => {
      const project = path.join(dir, name)
      const compilerOptions = {
        ...{
          target: 'es2022',
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
        },
        ...{ types: ['node'], ...options },
      }
      writeTree(project, {
        [file]: text,
        'tsconfig.json': JSON.stringify({ compilerOptions, files: [file] }),
      })
      const compiled = await startCommand([process.execPath, tsc, '-p', project]).done
      assert.equal(compiled.stdout, '')
      const main = file.replace('ts', 'js')
      const { stdout, stderr } = await startCommand([process.execPath, main], {
        cwd: project,
        env: asInstalled,
      }).done
      assert.equal(stdout, '1 true true\n', stderr)
    })

  for (const exactOptionalPropertyTypes of [true, false])
    it(`allows and refuses what test/package/types.test-d.ts says, exact optional properties: ${String(exactOptionalPropertyTypes)}`, async () => {
      const project = path.join(dir, `types ${String(exactOptionalPropertyTypes)}`)
      const compilerOptions = {
        ...{ target: 'es2022', strict: true, skipLibCheck: false, noEmit: true },
        ...{ exactOptionalPropertyTypes, types: ['node'] },
        ...{ noUncheckedIndexedAccess: true, module: 'node16' },
      }
      const text = fs.readFileSync(path.join(__dirname, 'types.test-d.ts'), 'utf8')
      writeTree(project, {
        'types.cts': text,
        'tsconfig.json': JSON.stringify({ compilerOptions, files: ['types.cts'] }),
      })
      const { stdout } = await startCommand([process.execPath, tsc, '-p', project]).done
      assert.equal(stdout, '')
    })

  // Neither has the types of Node.js, which declare Symbol.asyncDispose, too.
  for (const [name, text, lib] of [
    ['without Symbol.asyncDispose', session, ['es2022', 'dom']],
    ['with it', disposed, ['es2022', 'dom', 'esnext.disposable']],
  ] as const)
    it(`compiles in a program whose types are ${name}`, async () => {
      const project = path.join(dir, name)
      const compilerOptions = {
        ...{ target: 'es2022', strict: true, skipLibCheck: false, lib, types: [] },
        ...{ module: 'esnext', moduleResolution: 'bundler', noEmit: true },
      }
      writeTree(project, {
        'main.mts': text,
        'tsconfig.json': JSON.stringify({ compilerOptions, files: ['main.mts'] }),
      })
      const { stdout } = await startCommand([process.execPath, tsc, '-p', project]).done
      assert.equal(stdout, '')
    })
})
