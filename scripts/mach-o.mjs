// What a Mach-O file (64-bit) says of itself.

import { readFileSync } from 'node:fs'

const magic = 0xfeedfacf
const cpus = new Map([
  [0x01000007, 'x86_64'],
  [0x0100000c, 'arm64'],
])
const types = new Map([
  [6, 'dynamic library'],
  [8, 'bundle'],
])
const headerSize = 32
const symbolTable = 0x2 // LC_SYMTAB
const signature = 0x1d // LC_CODE_SIGNATURE
// LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB
const loads = [0x0c, 0x80000018, 0x8000001f]
const buildVersion = 0x32 // LC_BUILD_VERSION
const symbolSize = 16 // nlist_64
// n_type: N_EXT, N_TYPE and its values
const external = 0x01
const typeMask = 0x0e
const undefinedType = 0x00
// The library in the high byte of n_desc: none was found, dyld is to look everywhere.
const dynamicLookup = 0xfe

/** @param {string} file */
export function readMachO(file) {
  const bytes = readFileSync(file)
  if (bytes.readUInt32LE(0) !== magic) throw new Error(`${file} is no Mach-O file`)
  /** @type {{ name: string, anywhere: boolean }[]} */
  const imports = []
  /** @type {string[]} */
  const exports = []
  /** @type {string[]} */
  const libraries = []
  let signed = false
  let oldest = ''
  let command = headerSize
  for (let left = bytes.readUInt32LE(16); left > 0; left--) {
    const kind = bytes.readUInt32LE(command)
    if (kind === signature) signed = true
    if (loads.includes(kind)) {
      const name = command + bytes.readUInt32LE(command + 8)
      libraries.push(bytes.toString('latin1', name, bytes.indexOf(0, name)))
    }
    if (kind === buildVersion) {
      const version = bytes.readUInt32LE(command + 12)
      oldest = `${String(version >> 16)}.${String((version >> 8) & 0xff)}`
    }
    if (kind === symbolTable) {
      for (const { name, type, description } of symbolsOf(bytes, command)) {
        if ((type & external) === 0) continue
        const anywhere = description >> 8 === dynamicLookup
        if ((type & typeMask) === undefinedType) imports.push({ name, anywhere })
        else exports.push(name)
      }
    }
    command += bytes.readUInt32LE(command + 4)
  }
  const cpu = cpus.get(bytes.readUInt32LE(4))
  const type = types.get(bytes.readUInt32LE(12))
  return { cpu, type, signed, oldest, libraries, imports, exports }
}

/**
 * @param {Buffer} bytes
 * @param {number} command
 */
function* symbolsOf(bytes, command) {
  const [start = 0, count = 0, texts = 0] = [8, 12, 16].map((at) =>
    bytes.readUInt32LE(command + at),
  )
  for (let at = start; at < start + count * symbolSize; at += symbolSize) {
    const text = texts + bytes.readUInt32LE(at)
    const name = bytes.toString('latin1', text, bytes.indexOf(0, text))
    yield { name, type: bytes.readUInt8(at + 4), description: bytes.readUInt16LE(at + 6) }
  }
}
