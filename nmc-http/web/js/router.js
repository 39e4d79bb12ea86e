/** The address of a view: `#/name/rest?query`. Tokens of links are taken out of the address as soon as they are read. */

let changed = () => {};

/** The view that the address names, with the rest of its path and its query. */
export function route() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [name = '', ...rest] = path.split('/').map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { name: name || 'inbox', rest, query: new URLSearchParams(query) };
}

/** The one of several that an address names, or else this one: an address is somebody else's word. */
export const chosen = (several, named, or) => (named !== undefined && Object.hasOwn(several, named) ? named : or);

/** Goes to a view. */
export function go(path) {
  if (location.hash === `#${path}`) changed();
  else location.hash = path;
}

/** The token of a link, which leaves the address, and so the history, at once. */
export function takeToken() {
  const { name, query } = route();
  const token = query.get('token');
  if (token) history.replaceState(null, '', `#/${name}`);
  return token;
}

/** Calls `work` now, and whenever the address changes. */
export function begin(work) {
  changed = work;
  addEventListener('hashchange', work);
  work();
}
