import { evenly, prepareField } from './field.mjs'
import { runRounds } from './rounds.mjs'
import { makeVolume } from './volume.mjs'

// Two stores, two trees of one and one dest, and room to breathe.
const gibibytes = 6

/**
 * Measures the subjects on a volume of each kind, one volume after the other.
 * @param {readonly import('./corpus/corpus.mjs').Package[]} corpus
 * @param {readonly import('./subjects.mjs').Subject[]} subjects
 * @param {import('./options.mjs').Options} options
 * @returns {Promise<import('./result.mjs').CorpusResult>}
 */
export async function benchCorpus(corpus, subjects, { kinds, packages, rounds }) {
  const some = evenly(corpus, packages)
  /** @type {import('./result.mjs').CorpusResult['volumes']} */
  const volumes = []
  let counts = { files: 0, bytes: 0 }
  for (const kind of kinds) {
    const volume = await makeVolume(kind, gibibytes)
    console.error(`Preparing ${some.length} packages on ${kind} …`)
    const field = await prepareField(volume.path, kind, some)
    counts = field.expected
    const able = subjects.filter(({ on }) => on.includes(kind))
    const rows = await runRounds(field, able, rounds, (text) => {
      console.error(text)
    })
    volumes.push({ kind, rows })
    volume.remove()
  }
  const { files, bytes } = counts
  return { corpus: { packages: some.length, files, bytes }, rounds, volumes }
}
