import { constants, open, promises as fs } from 'node:fs'
import { promisify } from 'node:util'
import { errno } from '../errno'
import { chmodOpen } from './chmod-open'
import { closeDescriptor, keep } from './descriptors'
import {
  pathOf,
  type Comparison,
  type Failed,
  type Host,
  type Outcomes,
  type PairJob,
  type Place,
} from './host'
import {
  cloneFile,
  cloneSyscall,
  compareContent,
  compareFiles,
  copyFile,
  writeContent,
} from './node-files'
import {
  call,
  contentItems,
  each,
  entryPath,
  Failure,
  inParallel,
  linkItems,
  nameItems,
  pairItems,
  type Item,
} from './node-items'
import { list, look, lstat } from './node-look'
import { secondsOf } from './seconds'
import { SystemError } from '../errors'

const openDescriptor = promisify(open)
const isWindows = process.platform === 'win32'
const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY } = constants

async function renameNoReplace({ from, to }: Item): Promise<void> {
  // Without renameat2 there is a gap between this look and the rename: hence `best-effort`.
  if ((await lstat(to)) !== undefined) throw new Failure(errno.EEXIST, 'rename')
  await call(fs.rename(from, to))
}

function pathAt(place: Place, name: string): string {
  const path = entryPath(place, name)
  if (typeof path !== 'string') throw path
  return path
}

async function failed(run: () => Promise<void>): Promise<Failed> {
  try {
    await run()
    return { errno: 0, syscall: '' }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { errno: error.errno, syscall: error.syscall }
  }
}

async function refuseOthers(path: string, mayBeLink: boolean): Promise<void> {
  const status = await call(mayBeLink ? fs.stat(path) : fs.lstat(path), 'open')
  if (!status.isDirectory()) throw new Failure(errno.ENOTDIR, 'open')
}

/** By descriptor: chmod(2) would follow a symlink, and take a file for a directory. Windows has no such bits. */
async function chmodDirectory({ to, mode }: Item): Promise<void> {
  if (isWindows) {
    await refuseOthers(to, false)
    return
  }
  const directory = await call(fs.open(to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
  try {
    // The set-group-ID bit is inherited from the parent, and chmod(2) would clear it.
    const now = (await call(directory.stat(), 'fstat')).mode
    if ((now & 0o777) !== mode) await chmodOpen(directory, to, mode | (now & 0o2000))
  } finally {
    await directory.close()
  }
}

/** A directory that was just made, and does not outlive a failure: anyone who tries again must not find the name taken. */
async function chmodMade(item: Item): Promise<void> {
  try {
    await chmodDirectory(item)
  } catch (error) {
    await fs.rmdir(item.to).catch(() => undefined)
    throw error
  }
}

async function copyTimes({ from, to }: Item): Promise<void> {
  const { atimeNs, mtimeNs } = await call(fs.lstat(from, { bigint: true }))
  await call(fs.lutimes(to, secondsOf(atimeNs), secondsOf(mtimeNs)))
}

async function compared(comparing: ReturnType<typeof each>): Promise<Comparison> {
  const { answers, ...outcomes } = await comparing
  return { ...outcomes, equal: Uint8Array.from(answers) }
}

/** `make` answers the bytes of the new file. */
async function made(
  jobs: readonly PairJob[],
  make: (item: Item) => Promise<number>,
): Promise<Outcomes> {
  const { answers, ...outcomes } = await each(pairItems(jobs), make)
  return { ...outcomes, bytes: answers }
}

/**
 * The host with node:fs alone: no addon, or a system without directory descriptors, whose clones alone may be the
 * addon's (Windows). It works on paths, so a symlink that somebody swaps in while it runs would be followed.
 */
export const nodeHost: Host = {
  kind: 'node',
  containment: 'best-effort',
  platform: process.platform,
  cloneSyscall,
  // A batch already keeps the whole pool busy.
  parallelism: 1,

  async open(place) {
    const path = pathOf(place)
    const flags = O_RDONLY | O_DIRECTORY | (place.path === '' ? 0 : O_NOFOLLOW)
    try {
      // Windows opens whatever is there, and follows it: it has neither flag.
      if (isWindows) await refuseOthers(path, place.path === '')
      return keep(path, await call(openDescriptor(path, flags)))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      throw new SystemError(error.errno, { syscall: error.syscall, path })
    }
  },
  close: (directory) => closeDescriptor(directory.fd),
  tryLock: () => errno.ENOSYS,

  writeRecord: (place, name, text) =>
    failed(async () => {
      await call(fs.writeFile(pathAt(place, name), text, { flag: 'wx', mode: 0o600 }))
    }),
  async readRecord(place, name) {
    let text = ''
    const how = await failed(async () => {
      text = await call(fs.readFile(pathAt(place, name), 'utf8'))
    })
    return { ...how, text }
  },
  // Node has fsync only, of one file or directory after the other.
  sync: () => Promise.resolve({ errno: errno.ENOSYS, syscall: 'syncfs' }),

  list: (places) => inParallel(places.map((place) => () => list(place))),
  stat: (jobs) => look(jobs.flatMap(({ to, names }) => names.map((name) => entryPath(to, name)))),
  identify: (jobs) =>
    look(jobs.flatMap(({ to, names }) => names.map((name) => entryPath(to, name)))),
  compare: (jobs) => compared(each(pairItems(jobs), compareFiles)),
  compareContent: (jobs) => compared(each(contentItems(jobs), compareContent)),

  clone: (jobs, options) => made(jobs, (item) => cloneFile(item, options)),
  hardlink: (jobs) => each(pairItems(jobs), ({ from, to }) => call(fs.link(from, to))),
  copy: (jobs, options) => made(jobs, (item) => copyFile(item, options)),
  write: (jobs, options) => each(contentItems(jobs), (item) => writeContent(item, options)),
  symlink: (jobs) => each(linkItems(jobs), ({ from, to }) => call(fs.symlink(from, to))),

  mkdir: (jobs, exact) =>
    each(nameItems(jobs), async (item) => {
      await call(fs.mkdir(item.to, item.mode))
      if (exact) await chmodMade(item)
    }),
  chmod: (jobs) => each(nameItems(jobs), chmodDirectory),
  copyTimes: (jobs) => each(pairItems(jobs), copyTimes),
  rename: (jobs, replace) =>
    each(pairItems(jobs), (item) =>
      replace ? call(fs.rename(item.from, item.to)) : renameNoReplace(item),
    ),
  // Node has no such call.
  exchange: (jobs) =>
    each(pairItems(jobs), () => Promise.reject(new Failure(errno.ENOSYS, 'rename'))),
  unlink: (jobs) => each(nameItems(jobs), ({ to }) => call(fs.unlink(to))),
  rmdir: (jobs) => each(nameItems(jobs), ({ to }) => call(fs.rmdir(to))),
}
