import fs from 'node:fs'
import path from 'node:path'

import { freshIn } from './fresh'
import { runTool, runToolSync } from './tool'
import { Unrunnable } from './unrunnable'
import { holdersOf } from './holders'
import { verifyVolume } from './verify-volume'
import { formats, overlayBase } from './volume-kinds'
import type { BaseKind, VolumeKind } from './volume-kinds'
import { workshopFor } from './workshop'

export type { VolumeKind } from './volume-kinds'

export const MiB = 1 << 20
const GiB = 1 << 30

export interface VolumeOptions {
  /** Bytes; default 1 GiB. mkfs.xfs wants 300 MiB at least, mkfs.btrfs about 110. */
  size?: number
  /** Put after the kind's own, before the image. */
  mkfsArgs?: readonly string[]
  /** For `mount -o`, such as `['compress=zstd']`. */
  mountOptions?: readonly string[]
}

/** A mounted file system of the promised kind. */
export interface Volume {
  readonly kind: VolumeKind
  readonly path: string
  /** The image file; null where there is none. */
  readonly image: string | null
  /** A new empty directory on it (mode 0755), removed after the test that asked for it. */
  fresh(): string
  /** Unmounts and forgets it; throws, after detaching it by force, if something still holds a file open there. */
  remove(): void
}

const mounted: Volume[] = []
const shared = new Map<VolumeKind, Promise<Volume>>()
let counter = 0

/** The volume of this kind that all tests of the process share; made at the first call, removed at the end. */
export function volumeOf(kind: VolumeKind): Promise<Volume> {
  let volume = shared.get(kind)
  if (volume === undefined) {
    volume = makeShared(kind)
    shared.set(kind, volume)
  }
  return volume
}

async function makeShared(kind: VolumeKind): Promise<Volume> {
  const base = overlayBase(kind)
  return base === null ? makeVolume(kind) : overlayOver(kind, await volumeOf(base), [])
}

/**
 * A volume of one's own. It is removed by `remove()` or at the end of the run.
 * Throws `Unrunnable` where this machine cannot make it, and an error when what it made is not what was asked for.
 */
export async function makeVolume(kind: VolumeKind, options: VolumeOptions = {}): Promise<Volume> {
  if (process.platform !== 'linux') throw new Unrunnable(`${kind} volume: needs Linux`)
  if (process.getuid?.() !== 0) throw new Unrunnable(`${kind} volume: needs root to mount`)
  const base = overlayBase(kind)
  if (base !== null) {
    const below = await makeVolume(base, { ...options, mountOptions: [] })
    return overlayOver(kind, below, options.mountOptions ?? [], below)
  }
  return mountBase(kind as BaseKind, options)
}

async function mountBase(kind: BaseKind, options: VolumeOptions): Promise<Volume> {
  const { size = GiB, mkfsArgs = [], mountOptions = [] } = options
  const { type, mkfs } = formats[kind]
  const point = newPoint(kind, size)
  const image = mkfs ? `${point}.img` : null
  try {
    if (mkfs && image !== null) {
      fs.writeFileSync(image, '')
      fs.truncateSync(image, size)
      const [command, ...args] = mkfs
      await runTool(command, [...args, ...mkfsArgs, image])
    }
    const where = image === null ? [`size=${String(size)}`, 'mode=755'] : ['loop']
    await mount(kind, type, [...where, ...mountOptions], image ?? 'tmpfs', point)
  } catch (error) {
    discard(point, image)
    throw error
  }
  return registered(kind, point, image, () => undefined)
}

/** `owned` is removed with the overlay. */
async function overlayOver(
  kind: VolumeKind,
  below: Volume,
  mountOptions: readonly string[],
  owned?: Volume,
): Promise<Volume> {
  const point = newPoint(kind, 0)
  const layers = path.join(below.path, path.basename(point))
  const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => path.join(layers, name))
  if (lower === undefined || upper === undefined || work === undefined) throw new Error('no layers')
  for (const layer of [lower, upper, work]) fs.mkdirSync(layer, { recursive: true })
  const layerOptions = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`]
  try {
    await mount(kind, 'overlay', [...layerOptions, ...mountOptions], 'overlay', point)
  } catch (error) {
    discard(point, null)
    owned?.remove()
    throw error
  }
  return registered(kind, point, null, () => owned?.remove())
}

async function mount(
  kind: VolumeKind,
  type: string,
  options: readonly string[],
  what: string,
  point: string,
): Promise<void> {
  try {
    await runTool('mount', ['-t', type, '-o', options.join(','), what, point])
  } catch (error) {
    if (error instanceof Unrunnable) throw error
    throw new Unrunnable(`${kind} volume: ${(error as Error).message.trim().replaceAll('\n', ' ')}`)
  }
}

async function registered(
  kind: VolumeKind,
  point: string,
  image: string | null,
  afterwards: () => void,
): Promise<Volume> {
  const volume: Volume = {
    kind,
    path: point,
    image,
    fresh: () => freshIn(point),
    remove: () => {
      const index = mounted.indexOf(volume)
      if (index < 0) return
      mounted.splice(index, 1)
      try {
        unmount(point)
      } finally {
        discard(point, image)
        afterwards()
      }
    },
  }
  mounted.push(volume)
  try {
    await verifyVolume(kind, point)
  } catch (error) {
    volume.remove()
    throw error
  }
  return volume
}

function unmount(point: string): void {
  const complaint = runToolSync('umount', [point])
  if (complaint === null) return
  const holders = holdersOf(point)
  runToolSync('umount', ['--lazy', point])
  throw new Error(`${complaint}; held open: ${holders.join(', ') || 'by nobody any more'}`)
}

function discard(point: string, image: string | null): void {
  if (image !== null) fs.rmSync(image, { force: true })
  fs.rmdirSync(point)
}

function newPoint(kind: VolumeKind, size: number): string {
  counter += 1
  const point = path.join(workshopFor(size), `${String(counter)}-${kind}`)
  fs.mkdirSync(point)
  return point
}

/** Unmounts and removes every volume, the last made first; throws what went wrong after all were tried. */
export function removeVolumes(): void {
  const errors: unknown[] = []
  for (const volume of [...mounted].reverse()) {
    try {
      volume.remove()
    } catch (error) {
      errors.push(error)
    }
  }
  shared.clear()
  if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('\n'))
}
