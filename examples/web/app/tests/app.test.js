'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const { AccessLog } = require('../access_log');
const { createApp } = require('../app');
const { readLines, serve, temporaryFolder } = require('./support');

const FACTS = { instanceId: 'i-0aa', zone: 'ap-southeast-1a', instanceType: 't2.micro', address: '10.0.101.9' };

async function start(t, facts = FACTS) {
  const log = path.join(temporaryFolder(t), 'web', 'access.log');
  const accessLog = new AccessLog(log);
  const metadata = { known: facts, get: async () => facts };
  const app = createApp({ version: '1.2.3', environment: 'staging', metadata, accessLog });
  const url = await serve(t, app);
  return { url, lines: async () => (await accessLog.close(), readLines(log)) };
}

test('the page shows version, environment, instance and zone', async (t) => {
  const { url } = await start(t);
  const response = await fetch(url);
  const page = await response.text();
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/html/);
  for (const text of ['1.2.3', 'staging', 'i-0aa', 'ap-southeast-1a', 't2.micro', '10.0.101.9']) {
    assert.ok(page.includes(`>${text}<`), text);
  }
});

test('the page asks nothing of other servers', async (t) => {
  const { url } = await start(t);
  const response = await fetch(url);
  const page = await response.text();
  assert.match(response.headers.get('content-security-policy'), /default-src 'none'/);
  assert.doesNotMatch(page.replaceAll('http://www.w3.org/2000/svg', ''), /(src|href)="?(https?:)?\/\//);
});

test('without a metadata service the page says so', async (t) => {
  const { url } = await start(t, null);
  const page = await (await fetch(url)).text();
  assert.match(page, /unknown/);
  assert.match(page, /does not answer here/);
});

test('values are escaped', async (t) => {
  const { url } = await start(t, { ...FACTS, zone: '<script>' });
  const page = await (await fetch(url)).text();
  assert.ok(page.includes('&lt;script&gt;'));
  assert.ok(!page.includes('<script>'));
});

test('the health check answers', async (t) => {
  const { url } = await start(t);
  const response = await fetch(`${url}/healthz`);
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { status: 'ok', version: '1.2.3' });
});

test('burn answers with the CPU it used', async (t) => {
  const { url } = await start(t);
  const response = await fetch(`${url}/burn?ms=30`);
  assert.equal(response.status, 200);
  const body = await response.json();
  assert.ok(body.cpu_ms >= 30, `used ${body.cpu_ms} ms`);
  assert.equal(body.instance_id, 'i-0aa');
});

for (const query of ['ms=-1', 'ms=2001', 'ms=1e3', 'ms=', 'ms=x', 'ms=1&ms=2', 'ms[a]=1', 'ms=99999999999']) {
  test(`burn refuses ${query}`, async (t) => {
    const { url } = await start(t);
    assert.equal((await fetch(`${url}/burn?${query}`)).status, 400);
  });
}

test('an unknown page is 404, a malformed path 400', async (t) => {
  const { url } = await start(t);
  assert.equal((await fetch(`${url}/nothing`)).status, 404);
  assert.equal((await fetch(`${url}/%E0%A4%A`)).status, 404);
  assert.equal((await fetch(url, { method: 'POST' })).status, 404);
});

test('each request is one line in the log', async (t) => {
  const { url, lines } = await start(t);
  await (
    await fetch(`${url}/healthz?x=1`, {
      headers: {
        'X-Forwarded-For': '198.51.100.7, 203.0.113.9',
        'X-Amzn-Trace-Id': 'Root=1-67891233-abcdef012345678912345678',
        'User-Agent': 'two\nlines'.replace('\n', ' '),
      },
    })
  ).text();
  await (await fetch(`${url}/nothing`)).text();
  const [first, second, ...more] = await lines();
  assert.equal(more.length, 0);
  assert.match(first.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(typeof first.duration_ms, 'number');
  assert.equal(first.method, 'GET');
  assert.equal(first.path, '/healthz');
  assert.equal(first.status, 200);
  assert.equal(first.client, '203.0.113.9');
  assert.equal(first.trace_id, 'Root=1-67891233-abcdef012345678912345678');
  assert.equal(first.instance_id, 'i-0aa');
  assert.equal(second.status, 404);
  assert.equal(second.client, '127.0.0.1');
  assert.equal(second.trace_id, null);
});

test('a log that cannot be written costs no request', async (t) => {
  const accessLog = new AccessLog('/dev/null/impossible/access.log');
  const metadata = { known: null, get: async () => null };
  const url = await serve(t, createApp({ version: '1', environment: 'x', metadata, accessLog }));
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  await accessLog.close();
});
