// npm run demo: what the library is for, on a thousand real npm packages. Works right after a clone: it installs, builds
// and prepares what it needs, and removes what it made outside of the project.

import { join } from 'node:path'
import { ensureCorpus, makeStore } from '../bench/corpus/corpus.mjs'
import { checkMerged } from './demo/check-merged.mjs'
import { measuredMerge, settle } from './demo/measured-merge.mjs'
import { makePlace } from './demo/place.mjs'
import { ensureBuilt, ensureDependencies } from './setup.mjs'

console.log(`reflink-merge: a thousand packages become one node_modules, twice.

An installer keeps each package once, in a store, and makes a node_modules of them for every project.
This demo merges the packages of a store by copy-on-write clones, which share the store's blocks on disk
until somebody writes to them, and then by plain copy, to compare.
`)

ensureDependencies()
ensureBuilt()
// Imported only now: these need what the lines above installed and built.
const library = await import('reflink-merge')
const { report } = await import('./demo/report.mjs')

const packages = ensureCorpus()
const place = makePlace()
say(`Copying each package once into a store, on ${place.what}`)
const store = makeStore(packages, join(place.dir, 'store'))
// A clone of a file that is not on disk yet waits until it is; in real life a store has long been.
settle(place.dir)

// By clone: with the defaults, so what cannot be cloned is copied, and the report tells.
const byClone = await merged('clone', {})
const byCopy = await merged('copy', { linkModes: ['copy'] })
report({ packages: packages.length, bytes: store.merged.bytes, byClone, byCopy, place })

/**
 * @param {string} how
 * @param {import('reflink-merge').MergeOptions} options
 */
async function merged(how, options) {
  const dest = join(place.dir, `by-${how}`, 'node_modules')
  say(`Merging ${String(packages.length)} packages by ${how}`)
  const measured = await measuredMerge(library, store.sources, dest, options)
  say('Checking the result: counting files and bytes, and loading some of the packages')
  const loaded = checkMerged(dest, store.merged)
  return { ...measured, loaded }
}

/** @param {string} text */
function say(text) {
  console.error(`${text} …`)
}
