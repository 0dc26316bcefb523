import assert from 'node:assert/strict'

import type { Conflict, PlanEntry, SourceResult } from '../../lib/index'
import { identical, nameOf, parentOf, placed, scopeOf } from './model-tree'
import type { ModelEntry, ModelSource, SameName } from './model-tree'

/** What can be told of a plan without knowing how it came about. */
interface Told {
  readonly conflicts: readonly Conflict[]
  readonly sources: readonly SourceResult[]
  readonly entries: readonly PlanEntry[]
}

/** For any two packages, what both provide, each in its own way, comes from the same one everywhere. */
export function assertOneWinner(
  models: readonly ModelSource[],
  { entries }: Told,
  sameName: SameName,
): void {
  const beaten = new Set<string>()
  for (const { path, source, type } of entries) {
    if (type === 'directory') continue
    const winner = models.find(({ name }) => name === source)
    const entry = winner && placed(winner).get(path)
    assert.ok(entry, `${path} is not from ${source}`)
    for (const model of models) {
      const differs = others(model, path, sameName).some(
        ([spelled, other]) => spelled !== path || !identical(entry, other),
      )
      if (differs && model !== winner) beaten.add(`${source} ${model.name}`)
    }
  }
  for (const pair of beaten) assert.ok(!beaten.has(pair.split(' ').reverse().join(' ')), pair)
}

/** 'exclusive': of two packages that conflict one has nothing at all in the scope of that, wherever in it they do. */
export function assertExclusive(
  models: readonly ModelSource[],
  { conflicts, sources, entries }: Told,
  sameName: SameName,
): void {
  const isIn = (directory: string, source: string): boolean =>
    entries.some(
      (entry) =>
        // What is below something that dest keeps in its own way is not there.
        entry.action !== 'keep' &&
        entry.source === source &&
        entry.path.startsWith(`${directory}/`),
    )

  // Who lost anything there has nothing there, but for another spelling of its own that won.
  for (const { name, lost } of sources) {
    for (const path of lost.filter((each) => parentOf(each) !== '')) {
      const lostToItself = conflicts.some(
        ({ winner, paths }) => winner === name && paths?.includes(path) === true,
      )
      if (lostToItself) continue
      assert.ok(!isIn(parentOf(path), name), `${name} lost ${path}, and is in ${parentOf(path)}`)
    }
  }

  for (const model of models) {
    for (const rival of models.filter((each) => each !== model)) {
      for (const [path, entry] of placed(model)) {
        const scope = scopeOf(placed(model), placed(rival), parentOf(path))
        if (scope === '' || !isIn(scope, model.name) || !isIn(scope, rival.name)) continue
        const conflict = others(rival, path, sameName).some(
          ([spelled, other]) => spelled !== path || differ(entry, other),
        )
        const both = `${model.name} and ${rival.name} differ in ${path}, and are in ${scope}`
        assert.ok(!conflict, both)
      }
    }
  }
}

function differ(a: ModelEntry, b: ModelEntry): boolean {
  return !(a.type === 'directory' && b.type === 'directory') && !identical(a, b)
}

/** What a source has for the path, in any spelling of its name. */
function others(model: ModelSource, path: string, sameName: SameName): [string, ModelEntry][] {
  return [...placed(model)].filter(
    ([other]) => parentOf(other) === parentOf(path) && sameName(nameOf(other), nameOf(path)),
  )
}
