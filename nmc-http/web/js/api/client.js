/**
 * The API as any client has it: requests with the access token, refusals as `Refused`, pages.
 * The access token lives in this module's memory and nowhere else; the refresh token is in a cookie that no script can read.
 */

const PATIENCE = 20_000;

/** What the API, or the network, said no to. `code` is for programs, `message` for people. */
export class Refused extends Error {
  constructor(status, problem = {}) {
    super(problem.detail ?? problem.title ?? String(status));
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.errors = problem.errors ?? [];
    this.newer = problem.newer ?? null;
  }
}

let token = null;
let ahead = 0;
let renew = async () => false;

/** Sets the access token of all requests from here on, and how to get another one. */
export function authorize(accessToken, renewing = renew) {
  token = accessToken;
  renew = renewing;
}

/** The access token, for the stream and the socket. */
export function accessToken() {
  return token;
}

/** The server's time: the browser's clock may be wrong. */
export const now = () => Date.now() + ahead;

/** The path with its query; what is null or undefined is left out. */
export function path(base, query = {}) {
  const said = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${base}?${text}` : base;
}

/**
 * Sends a request, and renews the access token once if it has run out. Answers `{ data, tag }`; `tag` is the ETag, for `match`.
 * `as: 'blob'` reads the body as it is, and answers its `name` as well.
 */
export async function send(method, url, { body, match, headers, as } = {}, again = true) {
  const options = { method, headers: { ...headers }, signal: AbortSignal.timeout(PATIENCE), cache: 'no-store' };
  if (token) options.headers.Authorization = `Bearer ${token}`;
  if (match) options.headers['If-Match'] = match;
  if (body !== undefined) {
    options.headers['Content-Type'] = body instanceof Blob ? body.type : 'application/json';
    options.body = body instanceof Blob ? body : JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(url, options);
  } catch {
    throw new Refused(0, { code: 'offline' });
  }
  ahead = Date.parse(answer.headers.get('Date')) - Date.now() || ahead;
  if (answer.status === 401 && token && again && (await renew())) return send(method, url, { body, match, headers, as }, false);
  try {
    if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
    // Some answers, such as 202 and 204, have no body.
    const data = as === 'blob' ? await answer.blob() : JSON.parse((await answer.text()) || 'null');
    const named = answer.headers.get('Content-Disposition')?.match(/filename="(.+?)"/);
    return { data, tag: answer.headers.get('ETag'), name: named?.[1] };
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(0, { code: 'offline' });
  }
}

/** The document at a path. */
export const get = async (url, query) => (await send('GET', path(url, query))).data;
/** The document at a path, with its ETag. */
export const getTagged = (url, query) => send('GET', path(url, query));
export const post = async (url, body, options = {}) => (await send('POST', url, { body, ...options })).data;
export const put = async (url, body, options = {}) => (await send('PUT', url, { body, ...options })).data;
export const patch = async (url, body, options = {}) => (await send('PATCH', url, { body, ...options })).data;
export const remove = async (url) => (await send('DELETE', url)).data;

/** All rows of a list that is short by its nature, such as people: a thousand at the most. */
export async function all(url, query = {}) {
  const rows = [];
  for (let after = null, pages = 0; pages < 5; pages += 1) {
    const page = await get(url, { ...query, limit: 200, after });
    rows.push(...page.items);
    if (!page.next) break;
    after = page.next;
  }
  return rows;
}

/** A picture as a `data:` address, which is what the page's policy lets an image show. */
export async function picture(url) {
  const { data } = await send('GET', url, { as: 'blob' });
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Refused(0, { code: 'unreadable' }));
    reader.readAsDataURL(data);
  });
}
