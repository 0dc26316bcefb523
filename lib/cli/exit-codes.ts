/** What the command line's exit codes mean. */
export const ExitCode = {
  Done: 0,
  /** Conflicts: nothing was changed. */
  Conflicts: 1,
  /** Of verify: something is not as recorded. */
  Differs: 1,
  /** Wrong usage, or an error: dest is as it was. */
  Failed: 2,
  /** Ctrl-C or SIGTERM, as shells report Ctrl-C: dest is as it was. */
  Interrupted: 130,
  /** The terminal was closed (SIGHUP): dest is as it was. */
  HungUp: 129,
} as const
