import { access, constants, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { runBench } from '../../bench/bench'
import { pageOf } from '../../bench/page'
import { describeBench } from '../../bench/text'
import { BenchProgress } from '../bench-progress'
import type { CliCommand, CliStream } from '../command'
import { ExitCode } from '../exit-codes'
import { toJson } from '../json'
import { addOutputOptions, parseCount, type OutputOptions } from '../options'

interface BenchCliOptions extends OutputOptions {
  dir: string
  source?: string
  quick?: boolean
  rounds?: number
  html?: string
}

export const benchCommand: CliCommand = {
  name: 'bench',
  description: 'measure what cloning gains on this disk, and recommend link modes',
  examples: [
    ['bench', 'measures the disk of the current directory; takes a minute or two'],
    ['bench --dir /srv/store --source node_modules', 'measures that disk with your own files'],
    ['bench --quick --html report.html', 'takes a few seconds, and writes a page with charts'],
  ],

  declare(command) {
    command
      .option('--dir <dir>', 'measure here, in a hidden directory that is removed afterwards', '.')
      .option('--source <dir>', 'use this tree instead of a generated one; it is only read')
      .option('--quick', 'fewer sizes, files and rounds')
      .option('--rounds <n>', 'number of measured rounds, however long they take', parseCount)
      .option('--html <file>', 'also write a self-contained page with charts')
    addOutputOptions(command)
  },

  async run(command, context) {
    const { signal, print, stdout } = context
    const given: BenchCliOptions = command.opts()
    const { html, json, quiet } = given
    // Known before minutes are spent.
    if (html !== undefined) await access(dirname(resolve(html)), constants.W_OK)
    const progress = new BenchProgress(context, given)
    try {
      const options = { ...given, dir: resolve(given.dir), signal, onProgress: progress.update }
      const result = await runBench(options)
      progress.stop()
      if (html !== undefined) await writeFile(html, pageOf(result))
      if (json === true) print(toJson(result))
      else if (quiet !== true) print(describeBench(result, widthOf(stdout)))
      return ExitCode.Done
    } finally {
      progress.stop()
    }
  },
}

// Tables need 80 columns, and longer lines are hard to read.
function widthOf({ columns = 80 }: CliStream): number {
  return Math.min(Math.max(columns, 80), 110)
}
