/** Why nothing can be measured, and what to do about it. */
export class BenchError extends Error {}
