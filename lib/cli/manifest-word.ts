import { isAbsolute, relative, resolve, sep } from 'node:path'
import type { Command } from 'commander'

const flag = '--manifest'

/**
 * Declares `--manifest [file]`. Commander takes any word that follows for the file, also a source or dest. A manifest lies in
 * dest, and nothing else on the command line does, so what the word is gets known once dest is: see `takeManifestFile`.
 */
export function declareManifest(command: Command, description: string): Command {
  command.option(`${flag} [file]`, description)
  const parse = command.parseOptions.bind(command)
  command.parseOptions = (args) => {
    const at = args.indexOf(flag)
    if (at < 0) return parse(args)
    const parsed = parse(args.toSpliced(at, 1))
    command.setOptionValue('manifest', true)
    command.setOptionValue('wordAfterManifest', args[at + 1])
    return parsed
  }
  return command
}

/** Takes the file of `--manifest` out of sources and dest; dest is the last of the paths that are left. */
export function takeManifestFile(command: Command, paths: readonly string[]): readonly string[] {
  const { wordAfterManifest: word } = command.opts<{ wordAfterManifest?: string }>()
  const at = word === undefined ? -1 : paths.indexOf(word)
  if (word === undefined || at < 0) return paths
  const others = paths.toSpliced(at, 1)
  const dest = others.at(-1)
  if (dest === undefined || !isBelow(dest, word)) return paths
  command.setOptionValue('manifest', word)
  return others
}

function isBelow(dir: string, path: string): boolean {
  const way = relative(resolve(dir), resolve(path))
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
