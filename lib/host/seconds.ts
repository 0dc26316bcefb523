/**
 * A time in ns as Node's utimes takes it. As a string, since Node takes a negative number, a time before 1970, for now. Of the
 * fraction a number of seconds keeps what a double can hold, some hundred ns.
 */
export function secondsOf(ns: bigint): string {
  return String(Number(ns) / 1e9)
}
