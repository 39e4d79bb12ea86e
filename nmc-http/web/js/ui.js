/** What views are made of, in one place to import it from. */

export * from './api/client.js';
export * from './api/session.js';
export * from './components/form.js';
export * from './components/icon.js';
export * from './components/parts.js';
export * from './dom.js';
export * from './format.js';
export * from './router.js';
export * from './stream/live.js';
export * from './words.js';
