/** Forms: labelled fields, the refusals of the API beside the field they point at, a dialog that asks. */

import { h, replace } from '../dom.js';
import { has, t } from '../words.js';
import { button, reason, say } from './parts.js';

let count = 0;

/**
 * A labelled field. `kind` is a type of input, `area`, `check`, or `choice` with `options` of `[value, label]`. The words for its name,
 * or else those that `label` names, stand above it, and those of the hint, if there are any, below it.
 */
export function field(name, { kind = 'text', value, options = [], label = `field.${name}`, ...props } = {}) {
  const hint = has(`${label}.hint`) ? t(`${label}.hint`) : null;
  const id = `field-${(count += 1)}`;
  const common = { id, name, 'aria-describedby': `${id}-note`, ...props };
  const input =
    kind === 'area' ? h('textarea', { rows: '3', ...common, value })
    : kind === 'choice' ? h('select', common, options.map(([key, text]) => h('option', { value: key, selected: key === value }, text)))
    : kind === 'check' ? h('input', { type: 'checkbox', ...common, checked: value })
    : h('input', { type: kind, ...common, value: value ?? '' });
  const note = h('p.note', { id: `${id}-note` }, hint);
  const words = h('label', { for: id }, t(label));
  const element = h('div', { class: `field ${kind}` }, kind === 'check' ? [input, words] : [words, input], note);
  return {
    name,
    element,
    input,
    get value() {
      return kind === 'check' ? input.checked : input.value.trim();
    },
    refuse(text) {
      input.toggleAttribute('aria-invalid', Boolean(text));
      if (text) input.setAttribute('aria-invalid', 'true');
      note.classList.toggle('bad', Boolean(text));
      replace(note, text ?? hint);
    },
  };
}

/** A form of fields, two beside each other where there is a list of them. `work(values)` sends it; what the API points at is said at its field, and all else above the button. */
export function form(fields, label, work, { aside = null, kind = 'accent', hidden = false } = {}) {
  const problem = h('p.problem', { role: 'alert' });
  const submit = h('button', { class: `button ${kind}` }, h('span', t(label)));
  const element = h('form.form', { novalidate: true, onsubmit: send },
    fields.map((each) => (Array.isArray(each) ? h('div.pair', each.map(({ element: one }) => one)) : (each.element ?? each))), problem, h('div.form-foot', { hidden }, submit, aside));
  const inputs = fields.flat().filter((each) => each.input);
  // What is changed is not refused any more.
  for (const each of inputs) each.input.addEventListener('input', () => each.refuse(null));
  async function send(event) {
    event.preventDefault();
    if (submit.getAttribute('aria-disabled') === 'true') return;
    submit.setAttribute('aria-disabled', 'true');
    inputs.forEach((each) => each.refuse(null));
    replace(problem);
    try {
      await work(Object.fromEntries(inputs.map((each) => [each.name, each.value])));
    } catch (error) {
      refuse(error);
    } finally {
      submit.removeAttribute('aria-disabled');
    }
  }
  function refuse(error) {
    let first = null;
    for (const { pointer, detail } of error.errors ?? []) {
      const at = inputs.find((each) => pointer === `#/${each.name}` || pointer?.endsWith(`/${each.name}`));
      at?.refuse(detail);
      first ??= at;
    }
    if (first) first.input.focus();
    else replace(problem, reason(error));
  }
  return element;
}

/** Asks for something in a dialog; `work(values)` closes it when it succeeds. Focus returns to where it was. */
export function ask(title, fields, label, work, { text = null, kind = 'accent' } = {}) {
  const close = () => element.close();
  const send = async (values) => {
    await work(values);
    close();
  };
  const element = show(t(title), text, form(fields, label, send, { aside: button('go.cancel', close), kind }));
}

/**
 * Asks whether to do something. The words for `name` are the question, `.text` says what it means, and `.go` is the button's where it is
 * not the question's.
 */
export function confirm(name, work, { fields = [], kind = 'danger', ...values } = {}) {
  ask(t(name, values), fields, has(`${name}.go`) ? `${name}.go` : name, work, { text: has(`${name}.text`) && t(`${name}.text`, values), kind });
}

/** Shows a dialog with a heading, a text and what else it holds. The heading is in words: somebody may have typed it. */
export function show(title, text, ...content) {
  const element = h('dialog.dialog', { 'aria-label': title, onclose: () => element.replaceWith(...element.querySelectorAll('.toasts')) },
    h('h2', title), text && h('p', text), content);
  document.body.append(element);
  element.showModal();
  return element;
}

/** Shows a dialog that is only read, with a heading in words. */
export function tell(title, text, ...content) {
  const element = show(title, text, content, h('div.form-foot', button('go.close', () => element.close())));
}

/** Shows a secret that is told this once, with a button that copies it; the words are those for `title`. */
export function showSecret(title, secret, values) {
  const box = h('input.secret', { readonly: true, value: secret, 'aria-label': t(title), onfocus: (event) => event.target.select() });
  const copy = button('go.copy', async () => {
    box.select();
    // Where the page is not in a secure context, there is the old way only.
    await (navigator.clipboard?.writeText(secret) ?? document.execCommand('copy'));
    say(t('go.copied'));
  }, { kind: 'accent' });
  const element = show(t(title), t(`${title}.text`, values), box, h('div.form-foot', copy, button('go.close', () => element.close())));
}
