// Starts the service and stops it gracefully: at SIGTERM or SIGINT it accepts no more connections, answers what it
// has, and leaves, after GRACE_MS at the latest.
'use strict';

const { AccessLog } = require('./access_log');
const { createApp } = require('./app');
const { load } = require('./config');
const { Metadata } = require('./metadata');

const GRACE_MS = 10000;

const config = load(process.env);
const metadata = new Metadata(config.metadataEndpoint);
const accessLog = new AccessLog(config.accessLog);
const app = createApp({ ...config, metadata, accessLog });

const server = app.listen(config.port, () => {
  console.log(`Version ${config.version} (${config.environment}) listens on port ${server.address().port}`);
});
server.on('error', (error) => {
  console.error(`Cannot listen on port ${config.port}: ${error.message}`);
  process.exit(1);
});
// Longer than the load balancer's idle timeout of 60 s, so that it is never this side that closes a connection which
// the load balancer is about to use.
server.keepAliveTimeout = 65000;
server.headersTimeout = 66000;

// Asked for now, so that the first page and the first log lines have it.
metadata.get();

let stopping = false;
const open = new Set();
server.prependListener('request', (req, res) => {
  open.add(res);
  if (stopping) res.setHeader('Connection', 'close');
  res.once('close', () => {
    open.delete(res);
    // A connection whose answer had begun before the stop was promised to be kept; it is idle now.
    if (stopping) setImmediate(() => server.closeIdleConnections());
  });
});

function stop(signal) {
  if (stopping) return;
  stopping = true;
  console.log(`${signal}: stopping`);
  server.close(async () => {
    await accessLog.close();
    process.exit(0);
  });
  server.closeIdleConnections();
  // Tells the other end that this answer is the connection's last.
  for (const res of open) if (!res.headersSent) res.setHeader('Connection', 'close');
  setTimeout(() => {
    console.error(`Requests still open after ${GRACE_MS} ms are given up`);
    process.exit(1);
  }, GRACE_MS).unref();
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
