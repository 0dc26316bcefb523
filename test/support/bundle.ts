import path from 'node:path'

import { build } from 'esbuild'

import { workshopFor } from './workshop'

const bundles = new Map<string, Promise<string>>()

/**
 * A TypeScript file of this folder, with all that it imports, as one JavaScript file: a child that compiles what it
 * runs starts three times as slowly. Its coverage cannot be added to that of the tests.
 */
export function bundled(file: string): Promise<string> {
  let bundle = bundles.get(file)
  if (bundle === undefined) {
    bundle = make(file)
    bundles.set(file, bundle)
  }
  return bundle
}

async function make(file: string): Promise<string> {
  const outfile = path.join(workshopFor(1 << 20), `${path.parse(file).name}.js`)
  await build({
    entryPoints: [path.join(__dirname, file)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
  })
  return outfile
}

/** What a bundle needs in its environment: the release build, whatever the tests run with. */
export const bundleEnv = {
  REFLINK_MERGE_ADDON: path.resolve(__dirname, '../../build/Release/reflink_merge.node'),
  NODE_V8_COVERAGE: undefined,
  // A sanitizer gets to say nothing about a child that is killed, but makes it start three times as slowly.
  LD_PRELOAD: undefined,
}
