import { joinPath } from '../host/host'
import { MergeError, type SourcePath } from '../merge-error'
import { alike } from './lookalikes'
import type { PlanDirectory, Union } from './plan'
import { asWhole } from './whole-directory'

/**
 * Throws where a source has something in the place of the manifest, or a file in the place of a directory that leads to it;
 * also under a name that some file system takes for the same. `manifestPath`: '/'-joined below dest.
 */
export function refuseAtManifest({ root, trees }: Union, manifestPath: string): void {
  const paths: SourcePath[] = []
  const names = manifestPath.split('/')
  let level = [root]
  for (const [depth, wanted] of names.entries()) {
    const isLast = depth === names.length - 1
    const reason = isLast
      ? 'the place of the manifest'
      : 'a directory of the manifest is wanted there'
    const add = ({ path }: PlanDirectory, name: string, source: number): void => {
      paths.push({ source: trees[source]?.name ?? '', path: joinPath(path, name), reason })
    }
    const next: PlanDirectory[] = []
    for (const directory of level) {
      const shown = asWhole(directory)?.copy() ?? directory
      for (const { tree, picks, source } of shown.parts) {
        for (const pick of picks) {
          const name = tree.names[pick] as string
          if (alike(name, wanted)) add(directory, name, source)
        }
      }
      for (const [name, child] of shown.directories) {
        if (!alike(name, wanted)) continue
        if (isLast) for (const source of child.sources) add(directory, name, source)
        else next.push(child)
      }
    }
    level = next
  }
  if (paths.length === 0) return
  const listed = paths.map(({ source, path, reason }) => `\n  ${source}: ${path} (${reason})`)
  const message =
    `The manifest '${manifestPath}' is in the way of what sources have; nothing was changed:` +
    `${listed.join('')}\nGive it another name with \`manifest\`.`
  throw new MergeError('ERR_MERGE_INVALID_PATH', message, { paths })
}
