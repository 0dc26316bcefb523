import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

import { runToolSync } from './tool'

const prefix = 'reflink-merge-test-'
const shm = '/dev/shm'

/**
 * Start time of a process in clock ticks (proc_pid_stat(5), field 22): tells a reused pid from the old one. Read from its
 * main thread: a process under qemu-user is given a made-up /proc/<pid>/stat about itself, with another start time than
 * others see.
 */
function startTime(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${String(pid)}/task/${String(pid)}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

/** Where images and mount points may lie, best first: memory is faster than any disk. */
function bases(): string[] {
  const memory = process.platform === 'linux' ? [shm] : []
  return [...memory, os.tmpdir()].filter((base) => fs.existsSync(base))
}

function hasRoom(base: string, size: number): boolean {
  const { bavail, bsize } = fs.statfsSync(base)
  return bavail * bsize > size + (64 << 20)
}

const ownName = `${prefix}${String(process.pid)}-${startTime(process.pid) ?? ''}`
let prepared = false

/** This process's own folder for volumes and fresh directories, made where `size` bytes fit; removed at exit. */
export function workshopFor(size: number): string {
  if (!prepared) prepare()
  prepared = true
  const base = bases().find((candidate) => hasRoom(candidate, size)) ?? os.tmpdir()
  const dir = path.join(fs.realpathSync(base), ownName)
  fs.mkdirSync(dir, { recursive: true, mode: 0o755 })
  return dir
}

function prepare(): void {
  sweepDeadWorkshops()
  process.once('exit', clearOwnWorkshops)
  // A signal ends a process that has no handler for it without an 'exit' event.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      clearOwnWorkshops()
      process.kill(process.pid, signal)
    })
}

/** Removes what earlier runs left that were killed before they could do it themselves. */
function sweepDeadWorkshops(): void {
  // Without /proc nobody can distinguish the dead from the living.
  if (startTime(process.pid) === null) return
  for (const base of bases())
    for (const name of fs.readdirSync(base))
      if (name.startsWith(prefix) && belongsToTheDead(name)) clear(path.join(base, name))
}

function belongsToTheDead(name: string): boolean {
  const [pid, started] = name.slice(prefix.length).split('-')
  return startTime(Number(pid)) !== started
}

/** Also unmounts by force what is still mounted there. */
function clearOwnWorkshops(): void {
  for (const base of bases()) clear(path.join(base, ownName))
}

/** Unmounts everything below `dir`, the last mounted first, and removes it. */
function clear(dir: string): void {
  if (!fs.existsSync(dir)) return
  if (process.platform === 'win32') {
    fs.rmSync(dir, { recursive: true, force: true })
    return
  }
  for (const point of mountPoints().reverse())
    if (point.startsWith(`${dir}/`)) runToolSync('umount', ['--lazy', point])
  runToolSync('chmod', ['-R', 'u+rwX', dir])
  runToolSync('rm', ['-rf', dir])
}

function mountPoints(): string[] {
  if (process.platform !== 'linux') return []
  const lines = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.map((line) => line.split(' ')[4] ?? '')
}
