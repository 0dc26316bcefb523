// The package brings no types of its own.
declare module 'node-gyp-build' {
  /** Loads the addon of the package in `dir`: from build/Release, else prebuilds. Throws if none. */
  function load(dir: string): unknown
  export = load
}
