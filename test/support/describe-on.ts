import { orSkip } from './unrunnable'
import { volumeOf } from './volumes'
import type { Volume, VolumeKind } from './volumes'

/** A volume as a describe block sees it: `path` and `fresh()` work in hooks and tests, not while tests are declared. */
export type DescribedVolume = Pick<Volume, 'kind' | 'path' | 'fresh'>

/** One describe block per file system, all with the same tests; pending where the volume cannot be made. */
export function describeOn(
  kinds: readonly VolumeKind[],
  tests: (volume: DescribedVolume) => void,
): void {
  for (const kind of kinds)
    describe(`on ${kind}`, () => {
      let volume: Volume | undefined
      const made = (): Volume => {
        if (volume) return volume
        throw new Error(`the ${kind} volume is there in hooks and tests only`)
      }

      before(`mounts ${kind}`, async function () {
        volume = await orSkip(this, volumeOf(kind))
      })

      tests({
        kind,
        get path() {
          return made().path
        },
        fresh: () => made().fresh(),
      })
    })
}
