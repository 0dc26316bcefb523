// What a PE file (64-bit), a library of Windows, says of itself.

import { readFileSync } from 'node:fs'

const machines = new Map([
  [0x8664, 'x64'],
  [0xaa64, 'arm64'],
])
const library = 0x2000 // IMAGE_FILE_DLL
const pe32Plus = 0x20b
const sectionSize = 40
const byNumber = 1n << 63n

/** @param {string} file */
export function readPe(file) {
  const bytes = readFileSync(file)
  const header = bytes.readUInt32LE(0x3c)
  if (bytes.toString('latin1', header, header + 4) !== 'PE\0\0') {
    throw new Error(`${file} is no PE file`)
  }
  const optional = header + 24
  if ((bytes.readUInt16LE(header + 22) & library) === 0) throw new Error(`${file} is no library`)
  if (bytes.readUInt16LE(optional) !== pe32Plus) throw new Error(`${file} is no PE32+ file`)

  const sections = optional + bytes.readUInt16LE(header + 20)
  const count = bytes.readUInt16LE(header + 6)
  /**
   * Where in the file an address of the loaded library is.
   * @param {number} address
   */
  const place = (address) => {
    for (let at = sections; at < sections + count * sectionSize; at += sectionSize) {
      const start = bytes.readUInt32LE(at + 12)
      const size = bytes.readUInt32LE(at + 16)
      if (address >= start && address < start + size) {
        return address - start + bytes.readUInt32LE(at + 20)
      }
    }
    throw new Error(`${file} has nothing at ${address.toString(16)}`)
  }
  const directory = (/** @type {number} */ index) => bytes.readUInt32LE(optional + 112 + index * 8)
  return {
    arch: machines.get(bytes.readUInt16LE(header + 4)),
    exports: exportsAt(bytes, directory(0), place),
    imports: importsAt(bytes, directory(1), place),
  }
}

/**
 * @param {Buffer} bytes
 * @param {number} directory
 * @param {(address: number) => number} place
 */
function exportsAt(bytes, directory, place) {
  if (directory === 0) return []
  const at = place(directory)
  const names = place(bytes.readUInt32LE(at + 32))
  return Array.from({ length: bytes.readUInt32LE(at + 24) }, (_, index) =>
    textAt(bytes, place(bytes.readUInt32LE(names + index * 4))),
  )
}

/**
 * @param {Buffer} bytes
 * @param {number} directory
 * @param {(address: number) => number} place
 */
function importsAt(bytes, directory, place) {
  /** @type {{ name: string, library: string }[]} */
  const imports = []
  if (directory === 0) return imports
  for (let at = place(directory); bytes.readUInt32LE(at + 12) !== 0; at += 20) {
    const library = textAt(bytes, place(bytes.readUInt32LE(at + 12)))
    let entry = place(bytes.readUInt32LE(at) || bytes.readUInt32LE(at + 16))
    for (; bytes.readBigUInt64LE(entry) !== 0n; entry += 8) {
      const value = bytes.readBigUInt64LE(entry)
      // After a hint of two bytes.
      const name =
        (value & byNumber) === 0n
          ? textAt(bytes, place(Number(value)) + 2)
          : `#${String(value & 0xffffn)}`
      imports.push({ name, library })
    }
  }
  return imports
}

/**
 * @param {Buffer} bytes
 * @param {number} at
 */
function textAt(bytes, at) {
  return bytes.toString('latin1', at, bytes.indexOf(0, at))
}
