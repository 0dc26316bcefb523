// Windows opens another file by such a name, or none: learn.microsoft.com, "Naming Files, Paths, and Namespaces".

/** Devices, in every directory and with every extension: `nul.txt`, `CON .log`. */
const device = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])$/i

// A colon opens an alternate data stream: `a.js:hidden` writes to a file `a.js`.
// eslint-disable-next-line no-control-regex -- they are what is refused
const forbidden = /[<>:"|?*\u0001-\u001f]/

/** UTF-16 units, on NTFS and ReFS. */
const longest = 255

/** What is wrong with a name on Windows, or undefined. Call after the check for every system. */
export function windowsNameProblem(name: string): string | undefined {
  const character = forbidden.exec(name)?.[0]
  if (character !== undefined) return `${JSON.stringify(character)} on Windows`
  if (name.endsWith('.') || name.endsWith(' ')) return 'trailing dot or space on Windows'
  const [stem = ''] = name.split('.')
  if (device.test(stem.trimEnd())) return 'the name of a device on Windows'
  if (name.length > longest) return `longer than ${String(longest)} characters`
  return undefined
}
