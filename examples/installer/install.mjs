#!/usr/bin/env node
import { readArguments, usage } from './lib/arguments.mjs'
import { explain, summary } from './lib/explain.mjs'
import { install } from './lib/install.mjs'
import { showProgress } from './lib/progress.mjs'

// The store is shared: what modes its files have must not depend on who has put them there.
process.umask(0o022)

const stop = new AbortController()
process.on('SIGINT', () => {
  // The second time the user does not want to wait until all is taken back; the next install does that.
  if (stop.signal.aborted) process.exit(130)
  stop.abort(new Error('interrupted'))
})

const progress = showProgress()
try {
  const options = readArguments(process.argv.slice(2))
  if (options === undefined) console.log(usage)
  else {
    const installed = await install({ ...options, signal: stop.signal, progress })
    progress.stop()
    console.log(summary(installed))
  }
} catch (error) {
  progress.stop()
  console.error(`install: ${stop.signal.aborted ? 'interrupted' : explain(error)}`)
  process.exitCode = stop.signal.aborted ? 130 : 1
}
// What still downloads has nobody to wait for it.
process.exit()
