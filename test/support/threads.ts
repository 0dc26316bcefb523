/** In a describe block: worker threads that start in it can load TypeScript, as this process can. */
export function tsxInThreads(): void {
  const before = process.env['NODE_OPTIONS']
  const add = `--require ${JSON.stringify(require.resolve('tsx/cjs'))}`
  beforeEach(() => {
    process.env['NODE_OPTIONS'] = before === undefined ? add : `${before} ${add}`
  })
  afterEach(() => {
    if (before === undefined) delete process.env['NODE_OPTIONS']
    else process.env['NODE_OPTIONS'] = before
  })
}
