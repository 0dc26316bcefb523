import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(__dirname, '../..')

/** A piece of a document that can be run, and what it must print. */
export type Example =
  | { readonly kind: 'js'; readonly code: string; readonly output: string }
  | { readonly kind: 'console'; readonly command: string; readonly output: string }

export function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/**
 * Each js block, with the text block that follows it (none: it prints nothing); each command of a console block (`$`), with
 * the lines up to the next one.
 */
export function examplesOf(file: string): Example[] {
  const blocks = textOf(file).matchAll(/```(js|console)\n(.*?)```(?:\n\n```text\n(.*?)```)?/gs)
  return [...blocks].flatMap(([, kind, body = '', output = '']): Example[] => {
    if (kind === 'js') return [{ kind, code: body, output }]
    return body
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = '', ...lines] = part.split('\n')
        return { kind: 'console', command, output: lines.join('\n') }
      })
  })
}
