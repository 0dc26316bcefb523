// What an ELF library (64-bit, little-endian) says of itself.

import { readFileSync } from 'node:fs'

const machines = new Map([
  [62, 'x64'],
  [183, 'arm64'],
])
const sharedObject = 3 // ET_DYN
const threadLocal = 7 // PT_TLS
// sh_type
const dynamic = 6
const dynamicSymbols = 11
const versionsNeeded = 0x6ffffffe
const symbolVersions = 0x6fffffff
const needed = 1 // DT_NEEDED
const symbolSize = 24
const weakBinding = 2
const localBinding = 0

/** @typedef {{ type: number, offset: number, size: number, link: number }} Section */

/** @param {string} file */
export function readElf(file) {
  const bytes = readFileSync(file)
  if (bytes.toString('latin1', 0, 6) !== '\x7fELF\x02\x01')
    throw new Error(`${file} is no ELF file`)
  if (bytes.readUInt16LE(16) !== sharedObject) throw new Error(`${file} is no shared library`)
  const sections = sectionsOf(bytes)
  const strings = strtab(bytes, sections)
  return {
    arch: machines.get(bytes.readUInt16LE(18)),
    libraries: librariesOf(bytes, sections, strings),
    ...symbolsOf(bytes, sections, strings),
    threadLocal: segmentTypes(bytes).includes(threadLocal),
  }
}

/**
 * @param {Buffer} bytes
 * @returns {Section[]}
 */
function sectionsOf(bytes) {
  const start = Number(bytes.readBigUInt64LE(40))
  const size = bytes.readUInt16LE(58)
  return Array.from({ length: bytes.readUInt16LE(60) }, (_, index) => {
    const at = start + index * size
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
    }
  })
}

/** @param {Buffer} bytes */
function segmentTypes(bytes) {
  const start = Number(bytes.readBigUInt64LE(32))
  const size = bytes.readUInt16LE(54)
  const count = bytes.readUInt16LE(56)
  return Array.from({ length: count }, (_, index) => bytes.readUInt32LE(start + index * size))
}

/**
 * @param {readonly Section[]} sections
 * @param {number} type
 */
function sectionOf(sections, type) {
  return sections.find((section) => section.type === type)
}

/**
 * The texts that dynamic symbols, libraries and versions have their names in.
 * @param {Buffer} bytes
 * @param {readonly Section[]} sections
 */
function strtab(bytes, sections) {
  const start = sections[sectionOf(sections, dynamicSymbols)?.link ?? 0]?.offset ?? 0
  return (/** @type {number} */ at) =>
    bytes.toString('latin1', start + at, bytes.indexOf(0, start + at))
}

/**
 * @param {Buffer} bytes
 * @param {readonly Section[]} sections
 * @param {(at: number) => string} text
 */
function librariesOf(bytes, sections, text) {
  const { offset = 0, size = 0 } = sectionOf(sections, dynamic) ?? {}
  const libraries = []
  for (let at = offset; at < offset + size; at += 16) {
    if (Number(bytes.readBigInt64LE(at)) !== needed) continue
    libraries.push(text(Number(bytes.readBigUInt64LE(at + 8))))
  }
  return libraries
}

/**
 * @param {Buffer} bytes
 * @param {readonly Section[]} sections
 * @param {(at: number) => string} text
 */
function symbolsOf(bytes, sections, text) {
  const versions = versionsOf(bytes, sections, text)
  const versionAt = sectionOf(sections, symbolVersions)?.offset
  const { offset = 0, size = 0 } = sectionOf(sections, dynamicSymbols) ?? {}
  /** @type {{ name: string, version: string | undefined, weak: boolean }[]} */
  const imports = []
  /** @type {string[]} */
  const exports = []
  for (let index = 1; index < size / symbolSize; index++) {
    const at = offset + index * symbolSize
    const name = text(bytes.readUInt32LE(at))
    const binding = bytes.readUInt8(at + 4) >> 4
    if (binding === localBinding) continue
    if (bytes.readUInt16LE(at + 6) !== 0) exports.push(name)
    else {
      const number = versionAt === undefined ? 0 : bytes.readUInt16LE(versionAt + index * 2)
      imports.push({ name, version: versions.get(number), weak: binding === weakBinding })
    }
  }
  return { imports, exports }
}

/**
 * The versions of other libraries' symbols, by the numbers that symbols have them under.
 * @param {Buffer} bytes
 * @param {readonly Section[]} sections
 * @param {(at: number) => string} text
 */
function versionsOf(bytes, sections, text) {
  /** @type {Map<number, string>} */
  const versions = new Map()
  const section = sectionOf(sections, versionsNeeded)
  if (section === undefined) return versions
  for (let at = section.offset, next = 1; next !== 0; at += next) {
    let entry = at + bytes.readUInt32LE(at + 8)
    for (let left = bytes.readUInt16LE(at + 2); left > 0; left--) {
      versions.set(bytes.readUInt16LE(entry + 6), text(bytes.readUInt32LE(entry + 8)))
      entry += bytes.readUInt32LE(entry + 12)
    }
    next = bytes.readUInt32LE(at + 12)
  }
  return versions
}
