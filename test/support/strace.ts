/** One system call of a trace. */
export interface TracedCall {
  readonly pid: number
  readonly name: string
  /** As strace prints them. */
  readonly args: readonly string[]
  /** `?` where the process ended before it returned. */
  readonly result: string
  /** Of one that failed. */
  readonly errno: string | undefined
  readonly line: string
}

const complete =
  /^(\d+) +(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)(?:<.*>(?:\(deleted\))?)?(?: (E[A-Z_0-9]+))?(?: \(.*\))?$/
const unfinished = /^(\d+) +(\w+\(.*) <unfinished \.\.\.>$/
const resumed = /^(\d+) +<\.\.\. (\w+) resumed>(.*)$/
/** Signals, ends of processes. */
const noCall = /^\d+ +(?:---|\+\+\+) .* (?:---|\+\+\+)$/

const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }

/** Where what begins at `at` ends: a text, or the path of a descriptor. Undefined where nothing of that kind begins. */
function endOfOpaque(text: string, at: number): number | undefined {
  if (text.charAt(at) === '<' && /[\dD]/.test(text.charAt(at - 1)) && text.charAt(at + 1) !== '<')
    return endOrThrow(text, text.indexOf('>', at))
  if (text.charAt(at) !== '"') return undefined
  for (let end = at + 1; end < text.length; end++) {
    if (text.charAt(end) === '\\') end++
    else if (text.charAt(end) === '"') return end
  }
  return endOrThrow(text, -1)
}

function endOrThrow(text: string, end: number): number {
  if (end < 0) throw new Error(`not understood: ${text}`)
  return end
}

/** Arguments: a comma in a text, in a structure or in the path of a descriptor is none between them. */
export function splitArguments(text: string): string[] {
  const args: string[] = []
  const open: string[] = []
  let start = 0
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at)
    at = endOfOpaque(text, at) ?? at
    if (letter in closing) open.push(closing[letter] ?? '')
    else if (letter === open.at(-1)) open.pop()
    else if (letter === ',' && open.length === 0) {
      args.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  if (open.length > 0) throw new Error(`not understood: ${text}`)
  const last = text.slice(start).trim()
  return args.length > 0 || last !== '' ? [...args, last] : []
}

/**
 * What `strace -f -y -o file` wrote. Calls that another thread interrupted are put together again; a line that is not
 * understood is an error, never left out.
 */
export function parseTrace(text: string): TracedCall[] {
  const calls: TracedCall[] = []
  const begun = new Map<string, string>()
  for (const line of text.split('\n')) {
    if (line === '' || noCall.test(line)) continue
    const [, pid, start] = unfinished.exec(line) ?? []
    if (pid === undefined || start === undefined) calls.push(parseCall(wholeOf(line, begun)))
    else if (begun.has(pid)) throw new Error(`two calls at once in one thread: ${line}`)
    else begun.set(pid, start)
  }
  // What was under way when its process was killed.
  for (const [pid, start] of begun) calls.push(parseCall(`${pid} ${start}) = ?`))
  return calls
}

function wholeOf(line: string, begun: Map<string, string>): string {
  const [, pid, name, rest] = resumed.exec(line) ?? []
  if (pid === undefined || name === undefined || rest === undefined) return line
  const start = begun.get(pid)
  if (start?.startsWith(`${name}(`) !== true)
    throw new Error(`resumed without a beginning: ${line}`)
  begun.delete(pid)
  return `${pid} ${start}${rest}`
}

function parseCall(line: string): TracedCall {
  const [, pid, name, args, result, errno] = complete.exec(line) ?? []
  if (pid === undefined || name === undefined || args === undefined || result === undefined)
    throw new Error(`not understood: ${line}`)
  return { pid: Number(pid), name, args: splitArguments(args), result, errno, line }
}

/** The text of a quoted argument; undefined where it is none, such as NULL. Throws where strace cut it off. */
export function textOf(arg: string): string | undefined {
  if (!arg.startsWith('"')) return undefined
  const end = endOfOpaque(arg, 0)
  if (end !== arg.length - 1) throw new Error(`a text that was cut off: ${arg}`)
  return arg.slice(1, -1).replace(/\\([0-7]{1,3}|.)/g, (_, escape: string) => {
    if (/^[0-7]/.test(escape)) return String.fromCharCode(Number.parseInt(escape, 8))
    return letters[escape] ?? escape
  })
}

const letters: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' }

/** The path of a descriptor as `-y` shows it; undefined where the argument is no descriptor with a path. */
export function descriptorPath(arg: string): string | undefined {
  return /^(?:\d+|AT_FDCWD)<(\/[^>]*)>(?:\(deleted\))?$/.exec(arg)?.[1]
}
