import { createHash } from 'node:crypto'

/** What a manifest keeps of a file's content where no source has it to compare with. */
export function contentHash(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
