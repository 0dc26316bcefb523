/** What the command line's exit codes mean. */
export const ExitCode = {
  Done: 0,
  /** Conflicts: nothing was changed. */
  Conflicts: 1,
  /** Wrong usage, or an error: dest is as it was. */
  Failed: 2,
  /** Ctrl-C, as shells say it: dest is as it was. */
  Interrupted: 130,
} as const
