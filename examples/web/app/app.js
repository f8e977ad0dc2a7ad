// The web application: its routes, without a socket. What it needs from outside is handed in, so that tests can fake
// it.
'use strict';

const path = require('node:path');
const express = require('express');
const { engine } = require('express-handlebars');
const { burn, parseMs, MAX_MS } = require('./burn');

function createApp({ version, environment, metadata, accessLog }) {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('view cache');
  // One proxy, the load balancer, stands in front: its word on the client's address counts, what came before it does
  // not.
  app.set('trust proxy', 1);
  app.engine('handlebars', engine({ defaultLayout: 'main' }));
  app.set('view engine', 'handlebars');
  app.set('views', path.join(__dirname, 'views'));
  app.use(accessLog.middleware(() => metadata.known?.instanceId ?? null));

  app.use((req, res, next) => {
    res.set('Cache-Control', 'no-store');
    res.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    res.set('X-Content-Type-Options', 'nosniff');
    next();
  });

  app.get('/', async (req, res, next) => {
    try {
      const facts = await metadata.get();
      res.render('home', {
        version,
        environment,
        instanceId: facts?.instanceId ?? 'unknown',
        zone: facts?.zone ?? 'unknown',
        instanceType: facts?.instanceType ?? 'unknown',
        address: facts?.address ?? 'unknown',
        known: facts !== null,
        time: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        uptime: Math.floor(process.uptime()),
      });
    } catch (error) {
      next(error);
    }
  });

  // Says that this process serves; it asks nothing of others, so that one broken dependency does not replace every
  // instance.
  app.get('/healthz', (req, res) => {
    res.json({ status: 'ok', version });
  });

  app.get('/burn', async (req, res, next) => {
    try {
      const ms = parseMs(req.query.ms);
      if (ms === null) {
        res.status(400).json({ error: `ms must be a whole number from 0 to ${MAX_MS}` });
        return;
      }
      const start = performance.now();
      const cpu = await burn(ms);
      res.json({
        cpu_ms: Math.round(cpu),
        wall_ms: Math.round(performance.now() - start),
        instance_id: metadata.known?.instanceId ?? null,
      });
    } catch (error) {
      next(error);
    }
  });

  app.use((req, res) => {
    res.status(404).render('error', { status: 404, message: 'There is no such page.' });
  });

  // Express knows an error handler by its four parameters.
  app.use((error, req, res, next) => {
    const status = error.status >= 400 && error.status < 500 ? error.status : 500;
    if (status === 500) console.error(error);
    if (res.headersSent) {
      next(error);
      return;
    }
    const message = status === 500 ? 'Something went wrong here.' : 'The request cannot be understood.';
    res.status(status).render('error', { status, message });
  });

  return app;
}

module.exports = { createApp };
