"use strict";
// The slow origin: how it is asked, how long it is waited for, how many calls it gets at once.

const http = require("node:http");

// The origin serves eight calls at a time, and there are two replicas.
const CALLS_AT_ONCE = 4;
// Up to 2 s it is only slow.
const CALL_TIMEOUT_MS = 3000;
const TURN_TIMEOUT_MS = 2000;
const FAILURES_TO_PAUSE = 3;
const PAUSE_MS = 500;

class OriginError extends Error {}

class Origin {
  constructor(url) {
    this.url = url.replace(/\/$/, "");
    this.agent = new http.Agent({ keepAlive: true, maxSockets: CALLS_AT_ONCE });
    this.free = CALLS_AT_ONCE;
    this.queue = [];
    this.failures = 0;
    this.pausedUntilMs = 0;
  }

  // Send one call when it is its turn; OriginError when nothing usable comes back.
  async ask(method, path, headers = {}, body = undefined) {
    await this.turn();
    try {
      const answer = await this.send(method, path, headers, body);
      if (answer.status >= 500) throw new OriginError(`it answered ${answer.status}`);
      return answer;
    } finally {
      this.giveTurn();
    }
  }

  // Ask what may be left out for a moment when the origin fails.
  async read(path, headers) {
    if (!this.allows()) throw new OriginError("it is left alone for a moment");
    try {
      const answer = await this.ask("GET", path, headers);
      this.failures = 0;
      return answer;
    } catch (error) {
      this.failures += 1;
      this.pausedUntilMs = Date.now() + PAUSE_MS;
      throw error;
    }
  }

  allows() {
    return this.failures < FAILURES_TO_PAUSE || Date.now() >= this.pausedUntilMs;
  }

  turn() {
    if (this.free > 0) {
      this.free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const waiter = { resolve };
      waiter.timer = setTimeout(() => {
        this.queue.splice(this.queue.indexOf(waiter), 1);
        reject(new OriginError("too many calls wait for their turn"));
      }, TURN_TIMEOUT_MS);
      this.queue.push(waiter);
    });
  }

  giveTurn() {
    const next = this.queue.shift();
    if (!next) {
      this.free += 1;
      return;
    }
    clearTimeout(next.timer);
    next.resolve();
  }

  send(method, path, headers, body) {
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent: this.agent };
      const request = http.request(this.url + path, options, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", (error) => reject(new OriginError(`cut off: ${error.message}`)));
        response.on("end", () => {
          resolve({ status: response.statusCode, body: Buffer.concat(chunks) });
        });
      });
      const deadline = setTimeout(() => request.destroy(new Error("too slow")), CALL_TIMEOUT_MS);
      request.on("error", (error) => reject(new OriginError(`no answer: ${error.message}`)));
      request.on("close", () => clearTimeout(deadline));
      request.end(body);
    });
  }
}

module.exports = { Origin, OriginError };
