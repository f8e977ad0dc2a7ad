// The program as it is run: `npm start` in all but npm.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const http = require('node:http');
const path = require('node:path');
const { test } = require('node:test');
const { metadataService, readLines, serve, temporaryFolder } = require('./support');

async function launch(t, env) {
  const child = spawn(process.execPath, [path.join(__dirname, '..', 'server.js')], {
    env: { PATH: process.env.PATH, PORT: '0', AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal, output })));
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', () => {
      const match = /listens on port (\d+)/.exec(output);
      if (match) resolve(`http://127.0.0.1:${match[1]}`);
    });
    exited.then(() => reject(new Error(`it ended: ${output}`)));
  });
  return { child, exited, url };
}

test('it serves, logs, and at SIGTERM finishes what it has', async (t) => {
  const calls = [];
  const log = path.join(temporaryFolder(t), 'access.log');
  const { child, exited, url } = await launch(t, {
    APP_VERSION: '7',
    ACCESS_LOG: log,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: await serve(t, metadataService(calls)),
  });
  const page = await (await fetch(url)).text();
  assert.match(page, /i-0123456789abcdef0/);

  // A kept connection, idle at the time, and a request under way: the second is answered, neither holds the process up.
  const burning = new Promise((resolve, reject) => {
    http.get(`${url}/burn?ms=300`, { agent: new http.Agent({ keepAlive: true }) }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode));
    }).once('error', reject);
  });
  await (await fetch(`${url}/healthz`)).text();
  child.kill('SIGTERM');
  assert.equal(await burning, 200);
  const { code } = await exited;
  assert.equal(code, 0);
  const paths = readLines(log).map((line) => line.path);
  assert.deepEqual(paths.sort(), ['/', '/burn', '/healthz']);
});

test('a port that is not one, or is taken, is said in a line', async (t) => {
  const taken = await serve(t, () => {});
  for (const [port, words] of [
    [new URL(taken).port, /Cannot listen on port \d+: .*EADDRINUSE/],
    ['http', /PORT is not a port number: http/],
  ]) {
    await assert.rejects(launch(t, { PORT: port, ACCESS_LOG: path.join(temporaryFolder(t), 'a') }), words);
  }
});
