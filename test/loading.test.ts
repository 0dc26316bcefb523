import assert from 'node:assert/strict'
import path from 'node:path'

import { startCommand } from './support/child'

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
    assert.deepEqual(files.sort(), ['errno.js', 'errors.js', 'index.js'])
  })

  it('is complete once something is called', async () => {
    const files = await loadedBy(`require('./dist').recover('missing').catch(() => {})`)
    assert.ok(files.includes('merge.js'), files.join())
    assert.ok(files.includes('host/index.js'), files.join())
    assert.ok(!files.includes('probe.js'), files.join())
  })
})
