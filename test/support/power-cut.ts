import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { removeDir } from './fresh'
import { runTool, runToolSync } from './tool'
import { formats } from './volume-kinds'
import { volumeOf } from './volumes'
import type { Volume } from './volumes'

/** File systems whose power can be cut here. */
export type CutKind = 'xfs' | 'ext4' | 'btrfs'

interface CutOptions {
  /** What the journal has in memory still gets to the disk; data does not. Nothing to Btrfs. */
  flushLog?: boolean
}

/** A volume of one's own that loses its power and gets it back: to be removed after it was used. */
export interface CutVolume {
  readonly kind: CutKind
  readonly path: string
  /** From now on nothing gets to the disk. What is written to Btrfs meanwhile seems to, and is lost with the rest. */
  cut(options?: CutOptions): Promise<void>
  /** Mounts what the disk has. Nothing may be open on the volume any more. */
  restore(): Promise<void>
  remove(): Promise<void>
}

// mkfs.xfs wants 300 MiB at least; the image is sparse.
const size = 320 << 20
let counter = 0

/**
 * XFS and ext4 are told to shut down, as their own tests do. Btrfs cannot; there the power is cut by a copy of the
 * image at one moment, while it is mounted, for which the image lies on a file system that clones.
 */
export async function makeCutVolume(kind: CutKind): Promise<CutVolume> {
  const host = await volumeOf('xfs')
  await runTool('xfs_io', ['-V'])
  return MountedImage.make(kind, host)
}

class MountedImage implements CutVolume {
  private constructor(
    readonly kind: CutKind,
    private readonly dir: string,
  ) {}

  static async make(kind: CutKind, host: Volume): Promise<CutVolume> {
    counter += 1
    const volume = new MountedImage(kind, path.join(host.path, `cut-${String(counter)}`))
    const { dir, image } = volume
    fs.mkdirSync(volume.path, { recursive: true })
    try {
      fs.writeFileSync(image, '')
      fs.truncateSync(image, size)
      const [command, ...args] = formats[kind].mkfs ?? []
      assert.ok(command !== undefined, `${kind} has no mkfs`)
      await runTool(command, [...args, image])
      await volume.mount()
      return volume
    } catch (error) {
      await removeDir(dir)
      throw error
    }
  }

  get path(): string {
    return path.join(this.dir, 'volume')
  }

  private get image(): string {
    return path.join(this.dir, 'disk.img')
  }

  private get survived(): string {
    return path.join(this.dir, 'survived.img')
  }

  async cut({ flushLog = false }: CutOptions = {}): Promise<void> {
    if (this.kind === 'btrfs') {
      await runTool('cp', ['--reflink=always', this.image, this.survived])
      return
    }
    const shutdown = flushLog ? 'shutdown -f' : 'shutdown'
    await runTool('xfs_io', ['-x', '-c', shutdown, this.path])
    assert.throws(
      () => {
        fs.mkdirSync(path.join(this.path, 'after the cut'))
      },
      { code: 'EIO' },
      `${this.kind} was not shut down`,
    )
  }

  async restore(): Promise<void> {
    await runTool('umount', [this.path])
    if (fs.existsSync(this.survived)) fs.renameSync(this.survived, this.image)
    await this.mount()
  }

  private async mount(): Promise<void> {
    const { type } = formats[this.kind]
    await runTool('mount', ['-t', type, '-o', 'loop', this.image, this.path])
  }

  async remove(): Promise<void> {
    const complaint = runToolSync('umount', [this.path])
    // It is not mounted where a test failed in between.
    const isMounted = complaint !== null && !complaint.includes('not mounted')
    if (isMounted) runToolSync('umount', ['--lazy', this.path])
    await removeDir(this.dir)
    if (isMounted) throw new Error(complaint)
  }
}
