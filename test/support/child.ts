import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import path from 'node:path'

export interface ChildOptions {
  cwd?: string
  /** Added to this process's environment; undefined takes a variable away. */
  env?: Readonly<Record<string, string | undefined>>
  /** Written to stdin, which is then closed; null: it stays open, for anyone who writes into it. */
  input?: string | null
  /** Milliseconds until the child and all its descendants are killed; default 240,000. */
  timeout?: number
  /** A command line that runs the one after it, such as `strace -f` or what `deny()` gives. */
  prefix?: readonly string[]
}

export interface ChildResult {
  /** null when a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  timedOut: boolean
}

export interface RunningChild {
  readonly process: ChildProcess
  /** Kills the child and all its descendants. */
  kill(signal?: NodeJS.Signals): void
  readonly done: Promise<ChildResult>
}

const running = new Set<RunningChild>()
const tsx = ['--require', require.resolve('tsx/cjs')]
// tsx would look for it from the child's folder up, and compile otherwise without one: c8 cannot add up
// the coverage of two different compilations of a file.
const tsconfig = { TSX_TSCONFIG_PATH: path.resolve(__dirname, '../../tsconfig.json') }

/** Starts any command, in a process group of its own. */
export function startCommand(command: readonly string[], options: ChildOptions = {}): RunningChild {
  const [program, ...args] = [...(options.prefix ?? []), ...command]
  if (program === undefined) throw new Error('no command')
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...tsconfig, ...options.env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const kill = (signal: NodeJS.Signals = 'SIGKILL'): void => {
    if (child.pid !== undefined) killGroup(child.pid, signal)
  }

  const done = new Promise<ChildResult>((resolve, reject) => {
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      kill()
    }, options.timeout ?? 240_000)
    const ended = (): void => {
      clearTimeout(timer)
      running.delete(handle)
    }
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.once('error', (error) => {
      ended()
      reject(error)
    })
    child.once('close', (code, signal) => {
      ended()
      const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8')
      resolve({ code, signal, stdout: text(stdout), stderr: text(stderr), timedOut })
    })
  })
  // A child may end without reading its input.
  child.stdin.on('error', () => undefined)
  if (options.input !== null) child.stdin.end(options.input)

  const handle: RunningChild = { process: child, kill, done }
  running.add(handle)
  return handle
}

/** Starts node with these arguments; TypeScript files may be required. */
export function startNode(nodeArgs: readonly string[], options?: ChildOptions): RunningChild {
  return startCommand([process.execPath, ...tsx, ...nodeArgs], options)
}

/** Runs node with these arguments to its end; TypeScript files may be required. */
export function runNode(nodeArgs: readonly string[], options?: ChildOptions): Promise<ChildResult> {
  return startNode(nodeArgs, options).done
}

/** Runs a TypeScript file, given by its absolute path. */
export function runScript(
  file: string,
  args: readonly string[] = [],
  options?: ChildOptions,
): Promise<ChildResult> {
  return runNode([file, ...args], options)
}

/** Runs the same TypeScript file `count` times at once; `argsOf(i)` are the arguments of the i-th. */
export function runScripts(
  count: number,
  file: string,
  argsOf: (index: number) => readonly string[],
  options?: ChildOptions,
): Promise<ChildResult[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) => runScript(file, argsOf(index), options)),
  )
}

/** Runs JavaScript text; `process.argv.slice(1)` are `args`. */
export function runText(
  text: string,
  args: readonly string[] = [],
  options?: ChildOptions,
): Promise<ChildResult> {
  return runNode(['--eval', text, '--', ...args], options)
}

/** Kills every child that still runs. */
export function killChildren(): void {
  for (const child of running) child.kill()
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
