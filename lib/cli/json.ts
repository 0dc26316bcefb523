import { messageOf } from './message'

/** A result as JSON for people and programs; an error in it becomes its message. */
export function toJson(result: unknown): string {
  const plain = (_key: string, value: unknown): unknown =>
    value instanceof Error ? messageOf(value) : value
  return JSON.stringify(result, plain, 2)
}

export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
