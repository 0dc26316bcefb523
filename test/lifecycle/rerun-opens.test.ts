import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

import { sync, type Source } from '../../lib/index'
import { startCommand } from '../support/child'
import { describeOn } from '../support/describe-on'
import { describeWith } from '../support/needs'
import { parseTrace, textOf } from '../support/strace'
import { writeTree } from '../support/tree'

const again = `
const { sync } = require(${JSON.stringify(path.resolve(__dirname, '../../dist'))})
const [sources, dest] = JSON.parse(process.argv[1])
sync(sources, dest).then(({ unchanged }) => console.log(unchanged))
`

describeWith('calls', 'a sync with nothing changed, counted by strace', function () {
  this.timeout(120_000)

  describeOn(['btrfs', 'ext4'], (volume) => {
    for (const digest of [undefined, 'sha512-one'])
      it(`opens no file but the manifest (${digest === undefined ? 'both sides looked at' : 'with a digest'})`, async () => {
        const base = volume.fresh()
        const names = Array.from(
          { length: 60 },
          (_, index) => `d${String(index % 7)}/f${String(index)}`,
        )
        const spec = Object.fromEntries(names.map((name) => [name, name]))
        const dir = writeTree(path.join(base, 'store'), spec)
        const source: Source = { name: 'pkg', dir, ...(digest !== undefined && { digest }) }
        const dest = path.join(base, 'dest')
        await sync([source], dest)
        const log = path.join(base, 'trace')
        const prefix = ['strace', '-f', '-qq', '-y', '-s', '4096', '-o', log]
        prefix.push('-e', 'trace=open,openat,openat2,creat', '-e', 'signal=none')
        const command = [process.execPath, '-e', again, JSON.stringify([[source], dest])]
        const { code, stdout, stderr } = await startCommand(command, { prefix }).done
        assert.deepEqual([code, stdout.trim()], [0, '60'], stderr)
        const opened = parseTrace(fs.readFileSync(log, 'utf8')).flatMap(({ args, errno }) => {
          const text =
            errno === undefined ? args.map(textOf).find((each) => each !== undefined) : ''
          const isFile = /(?:^|\/)f\d+$/.test(text ?? '')
          return isFile || text?.includes('.reflink-merge-') === true
            ? [path.basename(text ?? '')]
            : []
        })
        assert.ok(opened.length > 0, 'the manifest is read')
        assert.deepEqual([...new Set(opened)], ['.reflink-merge-manifest'])
      })
  })
})
