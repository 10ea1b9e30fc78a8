// Makes the console's forms more comfortable. Every page works without it: the rules are the server's alone.
'use strict';

// Rows for callback URLs: one more without a round trip.
for (const button of document.querySelectorAll('[data-add-callback]')) {
  const rows = button.form.querySelector('[data-callback-rows]');
  const renumber = (row, index) => {
    const id = `callback_url-${index}`;
    const input = row.querySelector('input');
    const label = row.querySelector('label');
    const faults = row.querySelector('[data-faults]');
    row.querySelector('.checked').id = `${id}-checked`;
    input.id = id;
    input.setAttribute('aria-describedby', `callback_urls-hint ${id}-faults`);
    label.htmlFor = id;
    label.textContent = `Callback URL ${index + 1}`;
    faults.id = `${id}-faults`;
    faults.dataset.faults = id;
  };
  // A button of its own: Enter in a field must not press it.
  button.type = 'button';
  button.addEventListener('click', () => {
    const count = rows.children.length;
    if (count >= 10) return;
    const row = rows.lastElementChild.cloneNode(true);
    const input = row.querySelector('input');
    input.value = '';
    input.removeAttribute('aria-invalid');
    delete input.dataset.touched;
    row.querySelector('[data-faults]').replaceChildren();
    row.querySelector('.checked').replaceChildren();
    rows.append(row);
    renumber(row, count);
    input.focus();
    button.hidden = count + 1 >= 10;
  });
}

// The field that the server names: it counts the callback URLs that are filled in.
const filledCallbacks = (form) =>
  [...form.querySelectorAll('input[name=callback_url]')].filter((input) => input.value.trim());
const inputOf = (form, field) => {
  const [, name, part] = /^([a-z_]+)(?:\[(.+)\])?$/.exec(field) || [];
  if (name === 'callback_urls') return part === undefined ? null : filledCallbacks(form)[Number(part)];
  if (name === 'scopes') return part === undefined ? null : form.elements[`reason:${part}`];
  const named = form.elements[name];
  return named instanceof RadioNodeList ? null : named;
};
const fieldOf = (form, input) =>
  input.name === 'callback_url' ? `callback_urls[${filledCallbacks(form).indexOf(input)}]` : input.name;
const ask = (address, body) => fetch(address, { method: 'POST', body, credentials: 'same-origin' });

// The form's faults while one types: those of fields that were typed into, asked of the server.
for (const form of document.querySelectorAll('form[data-check]')) {
  let timer = 0;
  let asked = 0;

  const show = (input, messages) => {
    const place = document.getElementById(`${input.id}-faults`);
    if (!place) return;
    place.replaceChildren(...messages.map((message) => {
      const line = document.createElement('p');
      line.className = 'field-error';
      line.textContent = message;
      return line;
    }));
    if (messages.length) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  };

  const check = async () => {
    const number = ++asked;
    let faults;
    try {
      const answer = await ask(form.dataset.check, new URLSearchParams(new FormData(form)));
      if (!answer.ok) return;
      ({ faults } = await answer.json());
    } catch {
      return; // Off-line: the server checks again when the form is sent.
    }
    if (number !== asked) return;
    const found = new Map();
    for (const { field, message } of faults) {
      const input = inputOf(form, field);
      if (input) found.set(input, [...(found.get(input) || []), message]);
    }
    for (const input of form.elements) {
      if (!input.dataset.touched) continue;
      show(input, found.get(input) || []);
    }
  };

  const soon = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(check, delay);
  };
  form.addEventListener('input', (event) => {
    // What is empty is not wrong yet: that is said when the form is sent.
    if (event.target.value) event.target.dataset.touched = 'yes';
    soon(500);
  });
  form.addEventListener('change', () => soon(100));
}

// What the review will find, after a pause in typing: one question at a time, about the fields that changed.
for (const form of document.querySelectorAll('form[data-preflight]')) {
  const PAUSE = 1200;
  const changed = new Set();
  let timer = 0;
  let busy = false;

  const placeOf = (input) => input && input.id && document.getElementById(`${input.id}-checked`);
  const soon = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(look, delay);
  };
  const note = (place, words) => {
    const line = document.createElement('p');
    line.className = 'hint';
    line.textContent = words;
    place.replaceChildren(line);
  };

  async function look() {
    if (busy) return; // It goes on when the answer is there.
    const inputs = [...changed].filter((input) => input.isConnected && input.value.trim());
    changed.clear();
    if (!inputs.length) return;
    busy = true;
    const body = new URLSearchParams(new FormData(form));
    const was = new Map();
    for (const input of form.elements) if (placeOf(input)) was.set(fieldOf(form, input), [input, input.value]);
    for (const input of inputs) {
      body.append('look', fieldOf(form, input));
      note(placeOf(input), 'Checking…');
    }
    let wait = 0;
    let found = [];
    try {
      const answer = await ask(form.dataset.preflight, body);
      if (answer.ok) ({ found } = await answer.json());
      else if (answer.status === 429 || answer.status === 503) wait = Number(answer.headers.get('Retry-After')) || 5;
    } catch {
      // Off-line: the same checks run when the app is submitted.
    }
    busy = false;
    // What was typed on meanwhile is asked again.
    for (const input of inputs) if (!changed.has(input)) placeOf(input)?.replaceChildren();
    for (const { field, html } of found) {
      const [input, value] = was.get(field) || [];
      if (input && input.value !== value) continue;
      const place = input ? placeOf(input) : document.getElementById(`${field}-checked`);
      place?.replaceChildren(...new DOMParser().parseFromString(html, 'text/html').body.childNodes);
    }
    if (wait) {
      for (const input of inputs) changed.add(input);
      for (const input of inputs) note(placeOf(input), 'The checks go on in a moment.');
    }
    if (changed.size) soon(wait ? wait * 1000 : PAUSE);
  }

  form.addEventListener('input', (event) => {
    const place = placeOf(event.target);
    if (!place) return;
    place.replaceChildren();
    changed.add(event.target);
    soon(PAUSE);
  });
}

// Texts to paste get a button that copies them.
for (const text of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) break;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button small copy';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = 'Press Ctrl+C';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
  text.after(button);
}
