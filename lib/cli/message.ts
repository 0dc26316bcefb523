import { inFlags } from './flags'

/** The message of an error, for users of the command line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? inFlags(error.message) : String(error)
}
