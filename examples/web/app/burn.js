// Costs CPU on request, so that a load test has something to scale on.
//
// What counts is CPU time, not the time of day: an instance that is throttled takes longer for the same burn, as real
// work would. The work is cut into slices with the event loop between them, so that the health check of a busy
// instance still answers.
'use strict';

const { createHash } = require('node:crypto');

const MAX_MS = 2000;
const DEFAULT_MS = 100;
const SLICE_MS = 10;

// Milliseconds asked for: the default when absent, null when it is not a whole number from 0 to MAX_MS.
function parseMs(text) {
  if (text === undefined) return DEFAULT_MS;
  if (typeof text !== 'string' || !/^\d{1,4}$/.test(text)) return null;
  const ms = Number(text);
  return ms <= MAX_MS ? ms : null;
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

// Uses about `ms` milliseconds of CPU (at most SLICE_MS more); returns what it used.
async function burn(ms) {
  let used = 0;
  const block = Buffer.alloc(4096, 'burn');
  while (used < ms) {
    const start = cpuMs();
    const until = Math.min(SLICE_MS, ms - used);
    do {
      for (let i = 0; i < 20; i += 1) createHash('sha256').update(block).digest();
    } while (cpuMs() - start < until);
    used += cpuMs() - start;
    await new Promise(setImmediate);
  }
  return used;
}

module.exports = { burn, parseMs, MAX_MS };
