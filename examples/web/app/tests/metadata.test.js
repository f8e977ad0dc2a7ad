'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Metadata, RETRY_MS } = require('../metadata');
const { metadataService, serve } = require('./support');

test('facts are read with a token, once', async (t) => {
  const calls = [];
  const metadata = new Metadata(await serve(t, metadataService(calls)));
  assert.equal(metadata.known, null);
  const [facts, shared] = await Promise.all([metadata.get(), metadata.get()]);
  assert.deepEqual(facts, {
    instanceId: 'i-0123456789abcdef0',
    zone: 'ap-southeast-1b',
    instanceType: 't2.micro',
    address: '10.0.102.17',
  });
  assert.equal(shared, facts);
  assert.equal(await metadata.get(), facts);
  assert.equal(metadata.known, facts);
  assert.equal(calls[0], 'PUT /latest/api/token');
  assert.equal(calls.length, 5);
});

test('a failure is no error, and is not repeated before its time', async (t) => {
  let now = 0;
  let broken = true;
  const calls = [];
  const working = metadataService(calls);
  const url = await serve(t, (req, res) => {
    if (!broken) return working(req, res);
    calls.push('refused');
    res.statusCode = 500;
    return res.end();
  });
  const metadata = new Metadata(url, () => now);
  assert.equal(await metadata.get(), null);
  assert.equal(await metadata.get(), null);
  assert.deepEqual(calls, ['refused']);
  now = RETRY_MS;
  broken = false;
  assert.equal((await metadata.get()).zone, 'ap-southeast-1b');
});
