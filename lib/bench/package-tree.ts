/** A file of a tree that is to be made. */
export interface FileSpec {
  /** `/`-separated. */
  readonly path: string
  readonly size: number
}

/**
 * File sizes in npm packages, every 2.5 % of the files: of the 76,662 files of the 985 packages in bench/corpus, but without
 * their greatest thousandth (0.8 to 9 MB), which a small tree would have one of or none.
 */
const sizes = [
  0, 51, 70, 89, 102, 117, 132, 159, 196, 250, 301, 333, 372, 400, 460, 516, 595, 640, 658, 724,
  795, 878, 972, 1073, 1152, 1269, 1388, 1520, 1702, 1886, 2133, 2443, 2834, 3349, 3994, 4737, 5999,
  8203, 12658, 27094, 813868,
]

/** Files directly in each directory of a package; in the corpus half of the directories have at most 3, one in ten 20. */
const perDirectory = [2, 1, 1, 2, 3, 3, 4, 6, 9, 20, 27]
const filesPerPackage = perDirectory.reduce((sum, files) => sum + files)

// Its multiples fall evenly into the unit interval, however many there are.
const golden = (Math.sqrt(5) - 1) / 2

/** So many packages, always the same: 78 files in 11 directories each, 5 kB a file on average. */
export function packageTree(packages: number): FileSpec[] {
  const files: FileSpec[] = []
  for (let index = 0; index < packages; index++) {
    const root = `package-${String(index).padStart(3, '0')}`
    perDirectory.forEach((count, directory) => {
      for (let file = 0; file < count; file++) {
        const path = `${root}/${directoryName(directory)}${fileName(directory, file)}`
        files.push({ path, size: sizeAt((files.length * golden) % 1) })
      }
    })
  }
  return files
}

/** How many packages have about so many files. */
export function packagesFor(files: number): number {
  return Math.max(1, Math.round(files / filesPerPackage))
}

function directoryName(directory: number): string {
  if (directory === 0) return ''
  return directory % 3 === 0 ? `lib/part/${String(directory)}/` : `lib/${String(directory)}/`
}

function fileName(directory: number, file: number): string {
  return directory === 0 && file === 0 ? 'package.json' : `module-${String(file)}.js`
}

/** The size that this share of the files is smaller than. */
function sizeAt(share: number): number {
  const place = share * (sizes.length - 1)
  const index = Math.floor(place)
  const [low = 0, high = 0] = [sizes[index], sizes[index + 1]]
  // The last step is a long one: most of the files in it are near its lower end.
  return Math.round(low + (high - low) * (place - index) ** (index === sizes.length - 2 ? 8 : 1))
}
