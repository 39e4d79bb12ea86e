/**
 * Who is logged in: login by password, going on by the cookie, log out; and what the views need to know of the person and the
 * business. Tabs renew one after another, so that a refresh token is shown once.
 */

import { all, authorize, get, post, remove, Refused, send } from './client.js';

/** The person, their business and the people they work with; filled by `load`. */
export const me = { id: null, role: 'viewer', profile: null, tenant: null, preferences: null, people: new Map() };

const DEVICE = 'nmc.device';

/** Whose link to a new password was asked for in this browser, and until when it is good. */
const ASKED = 'nmc.reset';

export const keepAsked = (email) => localStorage.setItem(ASKED, `${Date.now() + 3_600_000} ${email}`);
const forgetAsked = () => localStorage.removeItem(ASKED);

/** Whose link was asked for, as long as it is good; then this is forgotten. */
export function asked() {
  const [, until, email] = /^(\d+) (.+)$/.exec(localStorage.getItem(ASKED) ?? '') ?? [];
  if (Number(until) > Date.now()) return email;
  forgetAsked();
  return null;
}

let over = () => {};

/** Sets what happens when the session has ended: by `logOut`, which it is told, or elsewhere. */
export function whenOver(work) {
  over = work;
}

/** An id of this browser, by which a known device is told from a stranger who guesses passwords. It is no secret. */
function device() {
  const kept = localStorage.getItem(DEVICE) ?? crypto.getRandomValues(new Uint32Array(4)).join('-');
  localStorage.setItem(DEVICE, kept);
  return kept.padEnd(16, '0');
}

export async function logIn(email, password) {
  begin(await post('/v1/browser-sessions', { email, password, device: device() }));
  forgetAsked();
}

/** Goes on with the session of the cookie, or with a token of the demo's link; false if there is none. */
export async function resume(refreshToken) {
  // Of what is too old nothing stays in a browser that others use, too.
  asked();
  const alone = navigator.locks ? (work) => navigator.locks.request('nmc-refresh', work) : (work) => work();
  return alone(async () => {
    try {
      const body = refreshToken ? { refresh_token: refreshToken } : {};
      begin((await send('POST', '/v1/browser-sessions/refresh', { body }, false)).data);
      return true;
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return false;
      throw error;
    }
  });
}

function begin(answer) {
  authorize(answer.access_token, renew);
  me.id = answer.session.user_id;
}

let renewing = null;

/** Gets another access token; the page is told if there is none to be had. All who want one meanwhile wait for the same. */
export function renew() {
  const goOn = async () => {
    const who = me.id;
    const goesOn = await resume();
    if (!goesOn) end();
    if (!goesOn || me.id === who) return goesOn;
    // Somebody else has logged in in another tab: nothing that this one had begun is done in their name.
    authorize(null);
    location.reload();
    return false;
  };
  renewing ??= goOn().finally(() => (renewing = null));
  return renewing;
}

function end(byOneself = false) {
  authorize(null);
  over(byOneself);
}

export async function logOut() {
  await remove('/v1/browser-sessions/current').catch(() => {});
  sessionStorage.clear();
  forgetAsked();
  end(true);
}

/** Reads who is there: oneself, the business, one's preferences, the people. */
export async function load() {
  const [profile, tenant, preferences] = await Promise.all([
    get('/v1/users/me/profile'),
    get('/v1/tenant'),
    get('/v1/users/me/preferences').catch(() => null),
    loadPeople(),
  ]);
  Object.assign(me, { profile, tenant, preferences, role: profile.role });
}

export async function loadPeople() {
  const people = await all('/v1/profiles');
  me.people = new Map(people.map((person) => [person.user_id, person]));
}

/** The name of somebody of the business. */
export function nameOf(id) {
  const person = me.people.get(id);
  return person ? person.display_name || `${person.first_name} ${person.last_name}`.trim() : '';
}

/** Whether the person may write: answer, assign, note. The API decides; this only saves a refusal. */
export const mayWrite = () => me.role !== 'viewer';
/** Whether the person may change the business. */
export const mayManage = () => me.role === 'owner' || me.role === 'admin';
/** Whether the business may text: it is neither suspended nor closed. */
export const isActive = () => me.tenant?.status === 'active';
