/**
 * The only place that makes elements. Text is only ever set as text: nothing here, and nothing that uses it, parses markup.
 */

const SVG = 'http://www.w3.org/2000/svg';

/** Builds an element: `h('a.x.y', { href: '#/', onclick: go }, 'text', child)`, with or without the properties. Null and false children are left out. */
export function h(name, ...rest) {
  const [tag, ...classes] = name.split('.');
  const props = rest[0]?.constructor === Object ? rest.shift() : {};
  const element = fill(document.createElement(tag), props, rest);
  if (classes.length > 0) element.classList.add(...classes);
  return element;
}

/** Builds an element of an SVG. */
export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value') element.value = value;
    else if (name === 'checked' || name === 'disabled' || name === 'hidden') element[name] = Boolean(value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...present(children));
  return element;
}

/** Puts other children in the place of those that an element has. */
export function replace(element, ...children) {
  element.replaceChildren(...present(children));
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/**
 * Makes the children of a list those of `rows`, in their order, and builds anew only what has changed: focus and selection stay.
 * A row is known by `key(row)` and built by `build(row)`.
 */
export function keyed(list, rows, key, build) {
  const before = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let at = list.firstElementChild;
  for (const row of rows) {
    const id = String(key(row));
    const print = JSON.stringify(row);
    let child = before.get(id);
    before.delete(id);
    if (!child || child.print !== print) {
      const next = build(row);
      next.dataset.key = id;
      next.print = print;
      if (child) {
        const had = child.contains(document.activeElement);
        if (at === child) at = next;
        child.replaceWith(next);
        if (had) (next.querySelector('a, button, input, select') ?? next).focus({ preventScroll: true });
      }
      child = next;
    }
    if (child === at) at = at.nextElementSibling;
    else list.insertBefore(child, at);
  }
  for (const gone of before.values()) gone.remove();
}

/** A random id, also where the page is not in a secure context. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Runs `work` once, `wait` milliseconds after the last call. */
export function later(wait, work) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), wait);
  };
}
