// Who this instance is: id, zone, type and address from the instance metadata service, version 2 only (a token by
// PUT, then reads with it). Facts are kept once they are known. A machine without the service is not an error: `get`
// answers null and asks again later, at most once in RETRY_MS, so that a page never waits long for something that is
// not there.
'use strict';

const TIMEOUT_MS = 1000;
const RETRY_MS = 5000;
const TOKEN_TTL_SECONDS = 60;

const PATHS = {
  instanceId: 'instance-id',
  zone: 'placement/availability-zone',
  instanceType: 'instance-type',
  address: 'local-ipv4',
};

async function request(url, options) {
  const response = await fetch(url, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return text.trim();
}

async function read(endpoint) {
  const token = await request(`${endpoint}/latest/api/token`, {
    method: 'PUT',
    headers: { 'X-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_TTL_SECONDS) },
  });
  const headers = { 'X-aws-ec2-metadata-token': token };
  const entries = await Promise.all(
    Object.entries(PATHS).map(async ([name, path]) => [
      name,
      await request(`${endpoint}/latest/meta-data/${path}`, { headers }),
    ]),
  );
  return Object.fromEntries(entries);
}

class Metadata {
  #endpoint;
  #now;
  #facts = null;
  #pending = null;
  #failedAt = -Infinity;

  constructor(endpoint, now = () => performance.now()) {
    this.#endpoint = endpoint;
    this.#now = now;
  }

  // The facts if they are known already, without asking for them; else null.
  get known() {
    return this.#facts;
  }

  async get() {
    if (this.#facts) return this.#facts;
    if (this.#now() - this.#failedAt < RETRY_MS) return null;
    // Requests that come while one is under way share it.
    this.#pending ??= read(this.#endpoint)
      .then((facts) => (this.#facts = facts))
      .catch(() => {
        this.#failedAt = this.#now();
        return null;
      })
      .finally(() => (this.#pending = null));
    return this.#pending;
  }
}

module.exports = { Metadata, RETRY_MS };
