import type { Command } from 'commander'
import type { Source } from '../index'

/** Sources, then dest: the arguments of merge and plan. */
export function declarePaths(command: Command): Command {
  return command
    .usage('[options] <source...> <dest>')
    .argument('<path...>', 'sources, and dest as the last')
}

/** The last path is dest, the others are sources, named as they were given. */
export function readPaths(command: Command): { sources: Source[]; dest: string } {
  const [paths] = command.processedArgs as [string[]]
  if (paths.length < 2) command.error('error: there must be a source and a dest')
  const dest = paths.at(-1) ?? ''
  return { sources: paths.slice(0, -1).map((dir) => ({ name: dir, dir })), dest }
}
