// The package brings no types of its own. What examples/installer uses of it:
declare module 'pacote' {
  interface Options {
    resolved?: string
    integrity?: string
    /** Also where `resolved` names npm's. */
    registry?: string
    /** A directory of cacache; tarballs that are fetched are put into it. */
    cache?: string
    preferOnline?: boolean
    preferOffline?: boolean
    signal?: AbortSignal
  }
  const pacote: {
    /** Unpacks the tarball of `spec` into `dest`; rejects with EINTEGRITY if it is not the one that was asked for. */
    extract(spec: string, dest: string, options?: Options): Promise<unknown>
  }
  export = pacote
}
