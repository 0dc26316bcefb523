import assert from 'node:assert/strict'
import path from 'node:path'

import { startCommand } from './support/child'
import { itWith } from './support/needs'

const dist = path.resolve('dist')

/** The library's own modules that a new process holds after `code`, addons too. */
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
  it('is all that a process pays before its first call: neither the merge nor the addon', async () => {
    const files = await loadedBy(`require('./dist')`)
    assert.deepEqual(files.sort(), [
      'errno.js',
      'errors.js',
      'host/patient.js',
      'host/singles.js',
      'index.js',
    ])
  })

  it('is complete once something is called', async () => {
    const files = await loadedBy(`require('./dist').recover('missing').catch(() => {})`)
    assert.ok(files.includes('merge.js'), files.join())
    assert.ok(files.includes('host/index.js'), files.join())
    assert.ok(!files.includes('probe.js'), files.join())
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
