/**
 * A bar on stderr while a terminal is there to show it.
 * @returns {import('./install.mjs').Progress & { stop: () => void }}
 */
export function showProgress() {
  if (!process.stderr.isTTY) return { onFetch() {}, onMerge() {}, stop() {} }
  /** @type {Promise<import('cli-progress').SingleBar> | undefined} */
  let bar
  let stopped = false
  const show = (
    /** @type {string} */ what,
    /** @type {number} */ done,
    /** @type {number} */ total,
  ) => {
    if (stopped || total === 0) return
    bar ??= start()
    void bar.then((each) => {
      if (stopped) return
      each.setTotal(total)
      each.update(done, { what })
    })
  }
  return {
    onFetch(done, total) {
      show('packages fetched', done, total)
    },
    onMerge({ phase, files, totalFiles }) {
      if (phase !== 'scan') show('files', files, totalFiles)
    },
    stop() {
      stopped = true
      void bar?.then((each) => {
        each.stop()
      })
    },
  }
}

async function start() {
  const { SingleBar } = (await import('cli-progress')).default
  const bar = new SingleBar({
    format: '{bar} {value}/{total} {what}',
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
  })
  bar.start(1, 0, { what: '' })
  return bar
}
