import fs from 'node:fs'
import path from 'node:path'

import { freshDir } from './fresh'
import { runTool, runToolSync } from './tool'
import { orSkip, Unrunnable } from './unrunnable'

/** A mount as a describe block sees it: `fresh()` works in hooks and tests, not while tests are declared. */
export interface BindMount {
  readonly fresh: () => string
}

/**
 * Tests on a directory that bindfs shows as a file system with other rules would: options such as `--chmod-deny`. Pending
 * where that cannot be mounted.
 */
export function describeOnBindfs(
  title: string,
  options: readonly string[],
  tests: (mount: BindMount) => void,
): void {
  describe(`on bindfs ${title}`, () => {
    let point: string | undefined

    before('mounts bindfs', async function () {
      this.timeout(60_000)
      point = await orSkip(this, mount(options))
    })

    after('unmounts bindfs', () => {
      if (point !== undefined) runToolSync('umount', ['--lazy', point])
    })

    tests({
      fresh: () => {
        if (point === undefined) throw new Error('bindfs is there in hooks and tests only')
        // As it is made: where chmod is refused its mode cannot be set. It goes with the mount.
        return fs.mkdtempSync(path.join(point, 'fresh-'))
      },
    })
  })
}

async function mount(options: readonly string[]): Promise<string> {
  if (process.platform !== 'linux') throw new Unrunnable('bindfs: needs Linux')
  if (process.getuid?.() !== 0) throw new Unrunnable('bindfs: needs root to mount')
  const base = freshDir()
  const [below, point] = ['below', 'mount'].map((name) => path.join(base, name))
  if (below === undefined || point === undefined) throw new Error('no mount point')
  for (const dir of [below, point]) fs.mkdirSync(dir)
  await runTool('bindfs', [...options, below, point])
  return point
}
