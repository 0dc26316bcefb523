/**
 * JSON.parse, but what it gives must be looked at or said to be something.
 * @param {string} text
 * @returns {unknown}
 */
export function parseJson(text) {
  return JSON.parse(text)
}
