/**
 * @typedef {object} KnownFailure
 * @property {RegExp} test the full titles of what fails
 * @property {string} reason why that is no fault of this package
 * @property {boolean} [sometimes] it may pass as well
 */

/**
 * Judges a run on a system that is imitated here: what fails must be known, with its reason, and what is known must fail,
 * so that the list stays true. Tells what it finds.
 * @param {import('./mocha.mjs').Counts} counts
 * @param {readonly KnownFailure[]} known
 * @param {{ complete: boolean }} how whether all tests ran that are known to fail
 * @returns {boolean}
 */
export function failsAsKnown({ passed, failed, skipped, titles }, known, { complete }) {
  const unknown = titles.filter((title) => !known.some(({ test }) => test.test(title)))
  const mended = known.filter(
    ({ test, sometimes }) => complete && !sometimes && !titles.some((title) => test.test(title)),
  )
  for (const { test, reason } of known) {
    const count = titles.filter((title) => test.test(title)).length
    if (count > 0) console.log(`${count} failed as known: ${reason}`)
  }
  for (const title of unknown) console.error(`Failed, and must not: ${title}`)
  for (const { test } of mended) console.error(`Did not fail any more: ${String(test)}`)
  // A failure without a title is a process that ended badly.
  const untold = failed - titles.length
  const wrong = unknown.length + mended.length + untold
  console.log(
    `${passed} passed, ${wrong} failed, ${skipped} skipped, ${titles.length - unknown.length} failed as known`,
  )
  return wrong === 0
}
