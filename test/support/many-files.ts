import fs from 'node:fs'
import path from 'node:path'

import type { DirectorySource } from '../../lib/index'

const perDirectory = 50
const perPackage = 500

/** Packages with so many small files in all, 50 a directory; made in a loop, since TreeSpecs of 100,000 are slow. */
export function manyFiles(dir: string, files: number): DirectorySource[] {
  const packages = Math.ceil(files / perPackage)
  return Array.from({ length: packages }, (_, index) => {
    const name = `package-${String(index)}`
    const count = Math.min(perPackage, files - index * perPackage)
    for (let file = 0; file < count; file++) {
      const place = path.join(dir, name, 'lib', String(Math.floor(file / perDirectory)))
      if (file % perDirectory === 0) fs.mkdirSync(place, { recursive: true })
      fs.writeFileSync(path.join(place, `${String(file)}.js`), `${name} ${String(file)}\n`)
    }
    return { name, dir: path.join(dir, name), to: name }
  })
}
