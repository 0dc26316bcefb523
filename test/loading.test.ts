import assert from 'node:assert/strict'
import path from 'node:path'

import { startCommand } from './support/child'
import { itWith } from './support/needs'

const dist = path.resolve('dist')

/** The library's own files that a new process holds after `code`, addons too. */
async function loadedBy(code: string): Promise<string[]> {
  const script = `
    ${code}
    const files = Object.keys(require.cache).concat(process.report.getReport().sharedObjects)
    console.log(JSON.stringify(files))`
  const { stdout } = await startCommand([process.execPath, '-e', script], {
    cwd: path.resolve('.'),
  }).done
  const files = JSON.parse(stdout) as string[]
  return files
    .filter((file) => file.startsWith(dist) || file.endsWith('.node'))
    .map((file) => path.relative(dist, file))
}

describe('loading the library', () => {
  it('takes one file and the addon, whatever is called', async () => {
    const files = await loadedBy(`require('./dist').recover('missing').catch(() => {})`)
    assert.deepEqual(
      files.filter((file) => !file.endsWith('.node')),
      ['index.js'],
    )
    // The module cache and the loader both tell of the addon.
    assert.ok(new Set(files).size <= 2, files.join())
  })

  itWith(
    'descriptors',
    'is tried again where the last descriptors were taken while the addon was opened',
    async () => {
      const script = `
      const fs = require('node:fs')
      const taken = []
      const open = process.dlopen
      process.dlopen = () => {
        process.dlopen = open
        try {
          for (;;) taken.push(fs.openSync('/dev/null', 'r'))
        } catch {}
        throw new Error('dlopen found no descriptor')
      }
      let code
      try {
        require('./dist/binding')
      } catch (error) {
        code = error.code
      }
      taken.forEach((fd) => fs.closeSync(fd))
      console.log(code, require('./dist/binding').loaded)`
      const prefix = ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh']
      const { stdout } = await startCommand([process.execPath, '-e', script], {
        cwd: path.resolve('.'),
        env: { REFLINK_MERGE_NATIVE: undefined },
        prefix,
      }).done
      assert.equal(stdout, 'EMFILE true\n')
    },
  )
})
