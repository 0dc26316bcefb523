#!/usr/bin/env node
// What prebuildify takes for node-gyp: compiles the addon with zig, for the platform that the environment names, into
// build/Release of the working directory.

import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { sourcesFor } from '../gyp-sources.mjs'
import { prebuilds } from '../prebuilds.mjs'
import { buildAddon } from '../zig.mjs'

const systems = /** @type {const} */ ({ linux: 'linux', darwin: 'mac', win32: 'win' })

const { PREBUILD_PLATFORM, PREBUILD_ARCH, PREBUILD_LIBC } = process.env
const wanted = prebuilds.find(
  ({ platform, arch, libc }) =>
    platform === PREBUILD_PLATFORM &&
    arch === PREBUILD_ARCH &&
    (libc === undefined || libc === PREBUILD_LIBC),
)
if (wanted === undefined) throw new Error(`no prebuild for ${String(PREBUILD_PLATFORM)}`)

mkdirSync('build/Release', { recursive: true })
buildAddon(
  wanted.name,
  sourcesFor(systems[wanted.platform]),
  resolve('build/Release/reflink_merge.node'),
)
