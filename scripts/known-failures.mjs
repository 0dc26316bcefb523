/**
 * @typedef {object} KnownFailure
 * @property {string} reason why that is no fault of this package
 * @property {readonly string[]} tests how full titles begin: of one test, or of a group
 * @property {boolean} [sometimes] they may pass as well
 */

/**
 * Judges a run on a system that is imitated here: what fails must be known, with its reason, and each
 * beginning that is listed must belong to a failure, so that the list stays true. Prints what it finds.
 * @param {import('./mocha.mjs').Counts} counts
 * @param {readonly KnownFailure[]} known
 * @param {{ complete: boolean }} how whether all tests ran that are known to fail
 * @returns {boolean}
 */
export function failsAsKnown({ passed, skipped, failures }, known, { complete }) {
  const titles = failures.map(({ title }) => title)
  const unknown = titles.filter((title) => !known.some(({ tests }) => isOneOf(tests, title)))
  const mended = known
    .filter(({ sometimes }) => complete && !sometimes)
    .flatMap(({ tests }) => tests.filter((test) => !titles.some((title) => title.startsWith(test))))
  for (const { tests, reason } of known) {
    const count = titles.filter((title) => isOneOf(tests, title)).length
    if (count > 0) console.log(`${count} failed as known: ${reason}`)
  }
  for (const title of unknown) console.error(`Failed, and must not: ${title}`)
  for (const test of mended) console.error(`Did not fail any more: ${test}`)
  const wrong = unknown.length + mended.length
  console.log(
    `${passed} passed, ${wrong} failed, ${skipped} skipped, ${titles.length - unknown.length} failed as known`,
  )
  return wrong === 0
}

/**
 * @param {readonly string[]} tests
 * @param {string} title
 */
function isOneOf(tests, title) {
  return tests.some((test) => title.startsWith(test))
}
