import fc from 'fast-check'

import type { LinkMode } from '../../lib/index'
import type { Case, CaseTree } from './model-case'

/** Each merge has the names of one: few, so that sources often have the same; most are one name to some file system. */
const alphabets = {
  letters: ['a', 'b', 'c'],
  case: ['a', 'A', 'b'],
  cases: ['a', 'A', 'b', 'B'],
  'sharp s': ['ß', 'ss', 'a'],
  accents: ['é', 'e\u0301', 'É'],
  // The last one is the Kelvin sign.
  kelvin: ['k', 'K', '\u212a'],
} as const

/** Every name that a case may have. */
export const allNames = [...new Set(Object.values(alphabets).flat())]

/** What the file system of a dest lets a case have. */
export interface Bounds {
  readonly alphabets: readonly (keyof typeof alphabets)[]
  /** Symlinks and hard links. */
  readonly links: boolean
}

// Cases are made of these letters, and get the names of their alphabet last: so they shrink well.
const letters = ['a', 'b', 'c', 'd'] as const
const names = fc.constantFrom('a', 'a', 'b', 'b', 'c', 'c', 'd')
// All but one of a size, so that bytes must tell; 644 and 600 have the same executable bits.
const file = fc
  .tuple(fc.constantFrom('x', 'y', 'x', ''), fc.constantFrom('644', '644', '600', '755'))
  .map((words) => words.join(' '))

type Entries = readonly (readonly [string, string])[]

/** What a tree takes of the common entries: some of them (bits), some of their files with another text. */
interface Share {
  readonly picks: number
  readonly twists: number
  readonly twisted: string
  readonly own: Entries
}

const most = 6
// Without bias, which would leave most of them out.
const bits = fc.noBias(fc.nat(2 ** most - 1))
const share = { picks: bits, twists: bits, twisted: file }

/** `targets`: of symlinks; none: there are no symlinks. */
function entriesOf(
  directoryModes: readonly string[],
  targets: readonly string[],
  maxLength: number,
): fc.Arbitrary<Entries> {
  // What stands at the top rarely leaves room for anything below.
  const paths = fc.oneof(
    { arbitrary: fc.tuple(names), weight: 1 },
    { arbitrary: fc.tuple(names, names), weight: 3 },
    { arbitrary: fc.tuple(names, names, names), weight: 2 },
    { arbitrary: fc.tuple(names, names, names, names), weight: 1 },
  )
  const directory = fc.constantFrom(...directoryModes)
  const links = targets.length > 0 ? [fc.tuple(fc.constantFrom(...targets), fc.nat(2))] : []
  const text = fc.oneof({ arbitrary: file, weight: 4 }, directory, ...links)
  const entry = fc.tuple(paths, text).map(([at, what]) => {
    const path = at.join('/')
    if (typeof what === 'string') return [path, what] as const
    const [target, up] = what
    const climb = '../'.repeat(Math.min(up, at.length - 1))
    return [path, `→ ${climb}${target}`] as const
  })
  return fc.array(entry, { maxLength, size: 'max' })
}

function treeFrom(common: Entries, { picks, twists, twisted, own }: Share): CaseTree {
  const has = (set: number, index: number): boolean => (set & (1 << index)) !== 0
  const taken = common
    .map(([at, text], index) => {
      const isTwisted = has(twists, index) && /^\w* \d/.test(text)
      return [at, isTwisted ? twisted : text] as const
    })
    .filter((_, index) => has(picks, index))
  return Object.fromEntries([...taken, ...own])
}

/** The same with the names of an alphabet; one of three has the first one twice. */
function spell(path: string, alphabet: readonly string[]): string {
  const spelled = (name: string): string => {
    const index = letters.findIndex((letter) => letter === name)
    return alphabet[index % alphabet.length] ?? name
  }
  return path.split('/').map(spelled).join('/')
}

function spellTree(tree: CaseTree, alphabet: readonly string[]): CaseTree {
  const entries = Object.entries(tree).map(([at, text]): [string, string] => {
    const isLink = text.startsWith('→ ')
    return [spell(at, alphabet), isLink ? `→ ${spell(text.slice(2), alphabet)}` : text]
  })
  return Object.fromEntries(entries)
}

export function casesWithin(bounds: Bounds): fc.Arbitrary<Case> {
  const inside = bounds.links ? letters : []
  // dest may hold links to anywhere, also out of it.
  const anywhere = bounds.links ? [...letters, '../beside', '../../beside', '/dev/null'] : []
  const linkModes: LinkMode[][] = bounds.links ? [['clone', 'copy'], ['hardlink']] : [['copy']]
  return fc
    .record({
      alphabet: fc.constantFrom(...bounds.alphabets),
      // What sources and dest share in, so that they often have the same, or nearly.
      common: entriesOf(['755', '700'], inside, most),
      sources: fc.array(
        fc.record({
          ...share,
          own: entriesOf(['755', '700', '555'], inside, 2),
          to: fc.constantFrom(...Array<string>(10).fill(''), 'a', 'b', 'a/b', 'c/a/b'),
          mode: fc.constantFrom('755', '700', '555'),
          asFiles: fc.constantFrom(false, false, true),
        }),
        { minLength: 1, maxLength: 4, size: 'max' },
      ),
      dest: fc.option(fc.record({ ...share, own: entriesOf(['755', '700'], anywhere, 2) }), {
        nil: undefined,
      }),
      missing: fc.nat(2),
      conflicts: fc.constantFrom<NonNullable<Case['conflicts']>>(
        ...(['error', 'first', 'last', 'exclusive', 'exclusive', 'middle', 'any'] as const),
      ),
      existing: fc.constantFrom('error', 'keep', 'replace'),
      linkModes: fc.constantFrom(...linkModes),
      session: fc.record({
        order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
        step: fc.constantFrom(1, 0, 0.5),
        atOnce: fc.boolean(),
      }),
    })
    .map(({ alphabet: chosen, common, sources, dest, ...options }): Case => {
      const alphabet = alphabets[chosen]
      const tree = (taken: Share): CaseTree => spellTree(treeFrom(common, taken), alphabet)
      return {
        sources: sources.map(({ to, mode, asFiles, ...rest }) => ({
          tree: tree(rest),
          ...{ to: spell(to, alphabet), mode, asFiles },
        })),
        dest: dest && tree(dest),
        ...options,
      }
    })
}
