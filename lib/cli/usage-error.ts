/** What the user typed, or wrote into a file, cannot be used; the message says what, where and why. */
export class UsageError extends Error {}
