import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Runs a command in the project's root and shows its output only if it fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env] added to this process's
 * @returns {boolean} whether it worked
 */
export function runQuietly(command, args, env = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: Infinity,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32', // npm is a .cmd file there
  })
  if (status === 0) return true
  const end = error?.message ?? signal ?? `exit ${String(status)}`
  console.error([stdout, stderr, `${command} ${args.join(' ')}: ${end}`].filter(Boolean).join('\n'))
  return false
}

/**
 * The same, while others run.
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<boolean>} whether it worked
 */
export function startQuietly(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32', // npm is a .cmd file there
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text))
    const end = (/** @type {string} */ how) => {
      console.error([output, `${command} ${args.join(' ')}: ${how}`].filter(Boolean).join('\n'))
      resolve(false)
    }
    child.once('error', (error) => {
      end(error.message)
    })
    child.once('close', (status, signal) => {
      if (status === 0) resolve(true)
      else end(signal ?? `exit ${String(status)}`)
    })
  })
}

/**
 * A step that what follows cannot do without: says in a line what is done, and ends the process if
 * it fails.
 * @param {string} announcement
 * @param {string} command
 * @param {readonly string[]} args
 */
export function runStep(announcement, command, args) {
  console.log(`${announcement} …`)
  if (!runQuietly(command, args)) process.exit(1)
}
