import { nameProblem, pathProblem } from '../host/names'
import { isReserved } from '../records'

const reserved = 'reserved for staging directories'

/** What is wrong with the name of an entry of a source, or undefined. `platform`: where it is to stand. */
export function sourceNameProblem(name: string, platform: NodeJS.Platform): string | undefined {
  return nameProblem(name, platform) ?? (isReserved(name) ? reserved : undefined)
}

/** The same of a '/'-joined path: wherever such a name stands, a later merge may have dest there. */
export function sourcePathProblem(path: string, platform: NodeJS.Platform): string | undefined {
  return pathProblem(path, platform) ?? (path.split('/').some(isReserved) ? reserved : undefined)
}
