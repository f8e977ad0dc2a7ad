// One JSON line a request, appended to a file: what a log agent picks up.
//
// A log that cannot be written never costs a request: the first failure is said on stderr and the service goes on.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

class AccessLog {
  #stream;
  #failed = false;

  constructor(file) {
    try {
      fs.mkdirSync(path.dirname(file), { recursive: true });
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#stream = fs.createWriteStream(file, { flags: 'a', mode: 0o640 });
    this.#stream.on('error', (error) => this.#fail(error));
  }

  #fail(error) {
    if (!this.#failed) console.error(`The access log cannot be written: ${error.message}`);
    this.#failed = true;
  }

  write(entry) {
    if (!this.#failed) this.#stream.write(`${JSON.stringify(entry)}\n`);
  }

  // Resolves when all lines are in the file.
  close() {
    if (this.#failed) return Promise.resolve();
    return new Promise((resolve) => this.#stream.end(resolve));
  }

  // Express middleware: writes a request's line when its response has ended, or its client has gone.
  middleware(instanceId) {
    return (req, res, next) => {
      const start = performance.now();
      const time = new Date().toISOString();
      res.once('close', () => {
        this.write({
          time,
          method: req.method,
          path: req.path,
          status: res.statusCode,
          duration_ms: Math.round((performance.now() - start) * 1000) / 1000,
          bytes: Number(res.getHeader('content-length') ?? 0),
          // The address the load balancer saw: the last of X-Forwarded-For, for earlier ones are the client's word.
          client: (req.ip ?? '').replace(/^::ffff:/, ''),
          trace_id: req.get('x-amzn-trace-id') ?? null,
          user_agent: req.get('user-agent') ?? null,
          instance_id: instanceId(),
          ...(res.writableFinished ? {} : { aborted: true }),
        });
      });
      next();
    };
  }
}

module.exports = { AccessLog };
