export { cp } from './index'
export type { CpOptions } from './types'
