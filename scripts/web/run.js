/** Starts a server and a browser, and runs the tests in `tests/`, one file for each view and one for each thing that all views share. */

import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch } from './browser.js';
import { Site } from './site.js';

const world = { site: null, browser: null };

before(async () => {
  world.site = await Site.start(process.argv[2]);
  world.browser = await launch();
});

after(async () => {
  await world.browser?.close();
  await world.site?.stop();
});

/** Runs a test, and closes what it has left open. */
async function alone(work) {
  try {
    await work(world);
  } finally {
    await Promise.all(world.browser.contexts().map((context) => context.close()));
  }
}

const only = process.argv[3] ?? '';
const all = [];
for (const file of readdirSync(new URL('tests/', import.meta.url)).sort()) {
  const { default: tests } = await import(`./tests/${file}`);
  all.push(...Object.entries(tests).map(([name, work]) => [`${file.replace('.js', '')}: ${name}`, work]));
}
const chosen = all.filter(([name]) => name.includes(only));
if (chosen.length === 0) {
  console.error(`no test has "${only}" in its name`);
  process.exit(2);
}
for (const [name, work] of chosen) test(name, { timeout: 100_000 }, () => alone(work));

// Whatever hangs, this ends; the server is a child and goes with it.
setTimeout(() => {
  console.error('the tests took too long');
  world.site?.process.kill('SIGKILL');
  process.exit(1);
}, 800_000).unref();
