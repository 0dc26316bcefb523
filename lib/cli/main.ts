#!/usr/bin/env node
import { run } from './run'

void run(process.argv).then((code) => {
  // Not process.exit(): what is still in the pipe to stdout would be lost.
  process.exitCode = code
})
