"use strict";
// A small Redis client: commands go out on one connection, answers come back in the same order.

const net = require("node:net");

// Shorter, and a process that got no turn for a moment would take that for a slow Redis.
const TIMEOUT_MS = 1500;
const FAILURES_TO_PAUSE = 3;
const PAUSE_MS = 300;

class AwayError extends Error {}

class Redis {
  constructor(url) {
    const { hostname, port, username, password } = new URL(url);
    this.address = { host: hostname, port: Number(port) };
    this.login = ["AUTH", decodeURIComponent(username), decodeURIComponent(password)];
    this.failures = 0;
    this.pausedUntilMs = 0;
  }

  // Send a command; AwayError when Redis does not answer in time, or with an error. Who asks
  // stubbornly also asks when it did not answer just now.
  async ask(words, { stubbornly = false } = {}) {
    if (!stubbornly && !this.allows()) throw new AwayError("it is left alone for a moment");
    const connection = this.connected();
    try {
      const answer = await withDeadline(connection.send(words));
      this.failures = 0;
      if (answer instanceof Error) throw new AwayError(answer.message);
      return answer;
    } catch (error) {
      if (error instanceof AwayError) throw error;
      this.failed(connection);
      throw new AwayError(error.message);
    }
  }

  allows() {
    if (this.failures < FAILURES_TO_PAUSE) return true;
    if (Date.now() < this.pausedUntilMs) return false;
    this.pausedUntilMs = Date.now() + PAUSE_MS;
    return true;
  }

  failed(connection) {
    this.failures += 1;
    this.pausedUntilMs = Date.now() + PAUSE_MS;
    connection.close(new Error("an answer was too late, so those after it would be, too"));
  }

  connected() {
    if (!this.connection || this.connection.closed) {
      this.connection = new Connection(this.address);
      this.connection.send(this.login).catch(() => {});
    }
    return this.connection;
  }
}

class Connection {
  constructor(address) {
    this.closed = false;
    this.waiting = [];
    this.received = Buffer.alloc(0);
    this.socket = net.connect(address);
    this.socket.setNoDelay(true);
    this.socket.on("data", (chunk) => this.take(chunk));
    this.socket.on("error", (error) => this.close(error));
    this.socket.on("close", () => this.close(new Error("the connection was closed")));
  }

  send(words) {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new Error("the connection is closed"));
      this.waiting.push({ resolve, reject });
      this.socket.write(packed(words));
    });
  }

  close(reason) {
    if (this.closed) return;
    this.closed = true;
    this.socket.destroy();
    for (const { reject } of this.waiting) reject(reason);
    this.waiting = [];
  }

  take(chunk) {
    this.received = Buffer.concat([this.received, chunk]);
    for (;;) {
      const read = parsed(this.received, 0);
      if (!read) return;
      this.received = this.received.subarray(read.end);
      this.waiting.shift().resolve(read.value);
    }
  }
}

function packed(words) {
  const parts = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = Buffer.isBuffer(word) ? word : Buffer.from(String(word));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

// Read one answer that begins at `start`; undefined while it is incomplete.
function parsed(bytes, start) {
  const lineEnd = bytes.indexOf("\r\n", start);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString("utf8", start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (bytes[start]) {
    case 0x2b: // +
      return { value: line, end };
    case 0x2d: // -
      return { value: new Error(line), end };
    case 0x3a: // :
      return { value: Number(line), end };
    case 0x24: // $
      return bulk(bytes, end, Number(line));
    default: // *
      return list(bytes, end, Number(line));
  }
}

function bulk(bytes, start, length) {
  if (length < 0) return { value: null, end: start };
  const end = start + length;
  if (bytes.length < end + 2) return undefined;
  return { value: bytes.subarray(start, end), end: end + 2 };
}

function list(bytes, start, length) {
  const value = [];
  let end = start;
  for (let index = 0; index < length; index += 1) {
    const read = parsed(bytes, end);
    if (!read) return undefined;
    value.push(read.value);
    end = read.end;
  }
  return { value, end };
}

function withDeadline(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), TIMEOUT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

module.exports = { Redis, AwayError };
