import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checkPlaced } from './check'
import type { Used } from './disk'
import type { Blocks, Measured, Task } from './result'
import { settle, syncDisk } from './settle'
import type { Supplies, Supply } from './supplies'
import type { Job } from './worker'
import type { Workers } from './workers'

/** Why a task cannot be done here. */
export class CannotDo extends Error {}

/** Does tasks one at a time in a field. */
export class Measuring {
  private readonly dest: string

  constructor(
    private readonly field: string,
    private readonly used: () => Promise<Used>,
    private readonly supplies: Supplies,
    private readonly workers: Workers,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.dest = join(field, 'dest')
  }

  /** Once, with nothing measured: the process gets warm, and what it did is checked. Rejects with CannotDo. */
  async rehearse(task: Task): Promise<Blocks | null> {
    const supply = await this.supply(task)
    try {
      await this.place(task, supply)
      return await checkPlaced(supply.dir, supply.holds, this.dest)
    } finally {
      await this.clear()
    }
  }

  /** Rejects with CannotDo if the task fails. */
  async measure(task: Task): Promise<Measured> {
    return task.state === 'fresh' ? this.fromFresh(task) : this.fromSettled(task)
  }

  private async fromSettled(task: Task): Promise<Measured> {
    try {
      const supply = await this.supply(task)
      const before = await settle(this.field, this.used)
      const told = await this.place(task, supply)
      const placed = performance.now()
      await syncDisk(this.field)
      const syncMs = performance.now() - placed
      const after = await settle(this.field, this.used)
      const start = performance.now()
      await rm(this.dest, { recursive: true })
      const removeMs = performance.now() - start
      return { ...told, syncMs, disk: after.all - before.all, data: grown(before, after), removeMs }
    } finally {
      await this.clear()
    }
  }

  private async fromFresh(task: Task): Promise<Measured> {
    try {
      await settle(this.field, this.used)
      const told = await this.place(task, await this.supply(task))
      // What follows would count the writing of the source, too.
      return { ...told, syncMs: null, disk: null, data: null, removeMs: null }
    } finally {
      await this.clear()
    }
  }

  private async supply(task: Task): Promise<Supply> {
    if (task.work === 'sizes') await mkdir(this.dest)
    return task.state === 'fresh' ? this.supplies.fresh(task) : this.supplies.of(task)
  }

  private async place(
    task: Task,
    supply: Supply,
  ): Promise<Pick<Measured, 'ms' | 'user' | 'system'>> {
    const told = await this.workers.run(this.job(task, supply), this.signal)
    if ('failed' in told) throw new CannotDo(told.failed)
    return told
  }

  private job({ work, method, workers }: Task, { dir, holds }: Supply): Job {
    const where = { method, from: dir, to: this.dest }
    if (work === 'tree') return { work, ...where, workers }
    const names = Array.from({ length: holds.files }, (_, index) => `file-${String(index)}`)
    return { work, ...where, names }
  }

  /**
   * Not after an abort: a worker may still be writing there, so that removing fails, and hides the reason of the abort.
   * All of it is removed once the workers have ended.
   */
  private async clear(): Promise<void> {
    if (this.signal?.aborted === true) return
    for (const dir of [this.dest, join(this.field, 'fresh')]) {
      await rm(dir, { recursive: true, force: true })
    }
  }
}

function grown(before: Used, after: Used): number | null {
  return before.data === null || after.data === null ? null : after.data - before.data
}
