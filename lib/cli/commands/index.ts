import type { CliCommand } from '../command'
import { benchCommand } from './bench'
import { completionCommand } from './completion'
import { mergeCommand } from './merge'
import { planCommand } from './plan'
import { probeCommand } from './probe'
import { recoverCommand } from './recover'
import { removeCommand } from './remove'
import { syncCommand } from './sync'
import { verifyCommand } from './verify'

/** In the order of --help. */
export const commands: readonly CliCommand[] = [
  mergeCommand,
  planCommand,
  syncCommand,
  removeCommand,
  verifyCommand,
  probeCommand,
  recoverCommand,
  benchCommand,
  completionCommand,
]
