import { Equality, type Place } from '../host/host'
import type { Compare, ComparisonJob } from './compare'
import type { Part } from './part'
import { originOf, type PlanDirectory } from './plan'
import type { Verdicts } from './verdicts'

/** Files of one part that look like dest's until the bytes are read. */
export interface Question {
  readonly directory: PlanDirectory
  readonly part: Part
  readonly positions: number[]
  /** Dest's directory. */
  readonly to: Place
}

/** Reads the bytes of files, those of many at once, while the survey goes on. */
export class Questions {
  private readonly asked: { questions: readonly Question[]; answers: Promise<Uint8Array> }[] = []

  constructor(
    private readonly compare: Compare,
    private readonly verdicts: Verdicts,
  ) {}

  ask(questions: readonly Question[]): void {
    if (questions.length === 0) return
    const answers = this.compare(questions.flatMap(comparisonJobs), 'dest')
    // A failure is told by settle(), when nothing runs any more.
    answers.catch(() => undefined)
    this.asked.push({ questions, answers })
  }

  /** Waits until nothing is read any more. */
  async end(): Promise<void> {
    await Promise.allSettled(this.asked.map(({ answers }) => answers))
  }

  /** Gives the verdicts. Throws the first failure in the order of the questions. */
  async settle(): Promise<void> {
    for (const { questions, answers } of this.asked) this.settleSome(questions, await answers)
  }

  private settleSome(questions: readonly Question[], answers: Uint8Array): void {
    const { verdicts } = this
    let answer = 0
    for (const { directory, part, positions } of questions) {
      for (const position of positions) {
        const equality = answers[answer++]
        const isLink = equality === Equality.SameFile
        const same = equality !== Equality.Differ
        const isKept = same && !(isLink && verdicts.isMutable(directory, part, position))
        verdicts.settle(directory, part, position, isKept)
      }
    }
  }
}

/** Each file with dest's of its name, in order. */
function comparisonJobs({ part, positions, to }: Question): ComparisonJob[] {
  const { tree, picks } = part
  const { names: all, origin } = tree
  const isAll = positions.length === all.length
  const names = isAll ? all : positions.map((position) => all[picks[position] ?? 0] ?? '')
  if ('base' in origin) return [{ from: origin, to, names }]
  return positions.map((position, at) => {
    const { place, name } = originOf(tree, picks[position] ?? 0)
    return { from: place, to, names: [name], toNames: [names[at] ?? ''] }
  })
}
