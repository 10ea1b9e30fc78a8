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
    rows.append(row);
    renumber(row, count);
    input.focus();
    button.hidden = count + 1 >= 10;
  });
}

// The form's faults while one types: those of fields that were typed into, asked of the server.
for (const form of document.querySelectorAll('form[data-check]')) {
  let timer = 0;
  let asked = 0;

  // The server counts the callback URLs that are filled in.
  const inputOf = (field) => {
    const [, name, part] = /^([a-z_]+)(?:\[(.+)\])?$/.exec(field) || [];
    if (name === 'callback_urls') {
      const filled = [...form.querySelectorAll('input[name=callback_url]')].filter((input) => input.value.trim());
      return part === undefined ? null : filled[Number(part)];
    }
    if (name === 'scopes') return part === undefined ? null : form.elements[`reason:${part}`];
    const named = form.elements[name];
    return named instanceof RadioNodeList ? null : named;
  };

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
      const answer = await fetch(form.dataset.check, {
        method: 'POST',
        body: new URLSearchParams(new FormData(form)),
        credentials: 'same-origin',
      });
      if (!answer.ok) return;
      ({ faults } = await answer.json());
    } catch {
      return; // Off-line: the server checks again when the form is sent.
    }
    if (number !== asked) return;
    const found = new Map();
    for (const { field, message } of faults) {
      const input = inputOf(field);
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
