/** What the user can do something about: its message is all that is shown. */
export class InstallError extends Error {
  /** @override */
  name = 'InstallError'
}
