import http from 'node:http';
import vm from 'node:vm';

/**
 * As much of a page as a client needs for JSONP: scripts that are loaded and run, and forms that are submitted. It is
 * there from the first call on.
 */
export function openPage() {
  if (globalThis.document) return;
  globalThis.document = {
    createElement: (tag) => (tag === 'form' ? { ...element(), submit } : element()),
    getElementsByTagName: () => [],
    head: { appendChild: load },
    body: element(),
  };
}

function element() {
  const children = [];
  return {
    style: {},
    children,
    setAttribute() {},
    appendChild(child) {
      child.parentNode = this;
      children.push(child);
    },
    removeChild: (child) => children.splice(children.indexOf(child), 1),
  };
}

async function load(script) {
  script.parentNode = { removeChild() {} };
  const { status, text } = await request(script.src);
  if (status === 200) vm.runInThisContext(text);
  else script.onerror(new Error(`status ${status}`));
}

/** Sends the fields as a browser does, with its line ends, and has the frame loaded that takes the answer. */
async function submit() {
  const fields = this.children.filter(({ name, value }) => name === 'd' && value !== undefined);
  const body = new URLSearchParams(fields.map(({ name, value }) => [name, value.replace(/\r?\n/g, '\r\n')]));
  await request(this.action, { method: 'POST', body: body.toString() });
  this.children.find(({ onload }) => onload)?.onload();
}

/** A request that breaks off has the status 0. */
function request(address, { method = 'GET', body = '' } = {}) {
  return new Promise((resolve) => {
    const headers = method === 'POST' ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {};
    const pending = http.request(address, { method, headers, agent: false }, (response) => {
      const chunks = [];
      response.on('error', () => resolve({ status: 0 }));
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    pending.on('error', () => resolve({ status: 0 }));
    pending.end(body);
  });
}
