import { createHash } from 'node:crypto'

/** A manifest taken apart, so that each piece can be forged. */
export interface ManifestParts {
  version: string
  header: Record<string, unknown>
  /** In this order: see `sections`. */
  sections: Buffer[]
}

/** What the sections of a manifest are. */
export const sections = [
  ...['paths', 'names', 'origins', 'ends', 'made', 'kinds', 'modes', 'sizes', 'owners', 'found'],
  ...['dest', 'source', 'held'],
] as const

export type Section = (typeof sections)[number]

const firstLine = 'reflink-merge manifest '

export function takeApart(bytes: Buffer): ManifestParts {
  const newline = bytes.indexOf('\n')
  const body = bytes.subarray(newline + 33)
  const length = body.readUInt32LE(0)
  const header = JSON.parse(body.toString('utf8', 4, 4 + length)) as Record<string, unknown>
  let at = 4 + length
  const cut = (header['sections'] as number[]).map((each) => body.subarray(at, (at += each)))
  return {
    version: bytes.toString('latin1', firstLine.length, newline),
    header,
    sections: cut.map((each) => Buffer.from(each)),
  }
}

/** With lengths and a checksum that are right. */
export function putTogether({ version, header, sections: parts }: ManifestParts): Buffer {
  return sealed(version, { ...header, sections: parts.map((each) => each.length) }, parts)
}

/** With a checksum that is right. */
export function sealed(version: string, header: unknown, parts: readonly Buffer[]): Buffer {
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  return sealedBody(version, Buffer.concat([length, text, ...parts]))
}

function sealedBody(version: string, body: Buffer): Buffer {
  const hash = createHash('sha256').update(body).digest()
  return Buffer.concat([Buffer.from(`${firstLine}${version}\n`), hash, body])
}

/** The same with a checksum that is right. */
export function sealedAgain(bytes: Buffer): Buffer {
  const newline = bytes.indexOf('\n')
  const version = bytes.toString('latin1', firstLine.length, newline)
  return sealedBody(version, bytes.subarray(newline + 33))
}
