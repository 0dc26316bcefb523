import { getMaxListeners, setMaxListeners } from 'node:events'

// A caller's signal may be of a polyfill, which may lack `reason`, `throwIfAborted()` and all that is Node's own.
// Nothing but `aborted` and the two methods of an EventTarget is asked of it here, and it goes no further.

/** Throws the reason of a caller's signal that is aborted; an `AbortError` where it has none. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) AbortSignal.abort(signal.reason).throwIfAborted()
}

/** Calls back when a caller's signal is aborted; the function returned ends that. */
export function listenForAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => undefined
  // One signal may end many merges; that is no leak for Node to warn of.
  allowListeners(signal, 1)
  signal.addEventListener('abort', listener)
  return () => {
    signal.removeEventListener('abort', listener)
    allowListeners(signal, -1)
  }
}

/** Does it have all that is asked of a signal? Found by trying: an object may have the members and still not work. */
export function isSignal(value: object): value is AbortSignal {
  try {
    const { aborted } = value as { aborted?: unknown }
    if (typeof aborted !== 'boolean') return false
    const listener = (): void => undefined
    ;(value as AbortSignal).addEventListener('abort', listener)
    ;(value as AbortSignal).removeEventListener('abort', listener)
    return true
  } catch {
    return false
  }
}

/** Where any number is allowed, there is nothing to do. */
function allowListeners(signal: AbortSignal, more: number): void {
  const most = mostListeners(signal)
  if (most > 0) setMaxListeners(most + more, signal)
}

/** 0 stands for any number. Asked about a signal that has it Node 20 throws, and about one of a polyfill. */
function mostListeners(signal: AbortSignal): number {
  try {
    return getMaxListeners(signal)
  } catch {
    return 0
  }
}
