// What the tests share: servers on free loopback ports that end with their test, and a metadata service to talk to.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');

// Listens on a free port; answers the base URL.
async function serve(t, handler) {
  const server = http.createServer(handler);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${server.address().port}`;
}

function temporaryFolder(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'web-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// Metadata, version 2 only: a read without a token is refused, as on an instance with `HttpTokens: required`.
function metadataService(calls) {
  const values = {
    'instance-id': 'i-0123456789abcdef0',
    'placement/availability-zone': 'ap-southeast-1b',
    'instance-type': 't2.micro',
    'local-ipv4': '10.0.102.17',
  };
  return (req, res) => {
    calls.push(`${req.method} ${req.url}`);
    if (req.method === 'PUT' && req.url === '/latest/api/token') {
      res.statusCode = req.headers['x-aws-ec2-metadata-token-ttl-seconds'] ? 200 : 400;
      res.end('a-token');
      return;
    }
    const value = values[req.url.replace('/latest/meta-data/', '')];
    res.statusCode = req.headers['x-aws-ec2-metadata-token'] !== 'a-token' ? 401 : value ? 200 : 404;
    res.end(res.statusCode === 200 ? value : '');
  };
}

function readLines(file) {
  return fs
    .readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

module.exports = { metadataService, readLines, serve, temporaryFolder };
