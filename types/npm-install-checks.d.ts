// The package brings no types of its own. What examples/installer uses of it:
declare module 'npm-install-checks' {
  interface Target {
    os?: string[]
    cpu?: string[]
    libc?: string[]
    engines?: Record<string, string>
  }
  /** Throws an error with the code `EBADPLATFORM`, and with `required`. */
  export function checkPlatform(target: Target, force?: boolean): void
  /** Throws an error with the code `EBADENGINE`, and with `required`. null: any version will do. */
  export function checkEngine(target: Target, npm: string | null, node: string | null): void
}
