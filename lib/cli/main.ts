#!/usr/bin/env node
import { ExitCode } from './exit-codes'
import { run } from './run'

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Who reads the output has seen enough of it, or the terminal was closed.
  if (error.code === 'EPIPE' || error.code === 'EIO') return
  process.stderr.write(`reflink-merge: ${error.message}\n`)
  process.exitCode = ExitCode.Failed
})

// Nobody is left to report to.
process.stderr.on('error', () => undefined)

void run(process.argv).then((code) => {
  // Not process.exit(): what is still in the pipe to stdout would be lost.
  process.exitCode ??= code
})
