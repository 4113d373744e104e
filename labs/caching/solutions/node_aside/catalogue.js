"use strict";
// Cache-aside: look into Redis; else one of all replicas asks the origin, and puts it there.

const { Entry } = require("./cache");
const { OriginError } = require("./origin");
const { AwayError } = require("./redis");

const DEADLINE_MS = 5000;
const POLL_MS = 20;
const RETRY_MS = 100;
const ALL_PAGES = "pages";

class Catalogue {
  constructor(origin, cache) {
    Object.assign(this, { origin, cache });
    this.lookups = new Map();
    this.flights = new Map();
    this.unforgotten = new Set();
    this.writes = 0;
  }

  async read(question) {
    const lookup = `${question.key} ${this.writes}`;
    const found = await joined(this.lookups, lookup, () => this.lookUp(question));
    if (found.entry && found.entry.isFresh) return found.entry;
    try {
      return await withDeadline(this.nextAnswer(question, found));
    } catch (error) {
      if (!(error instanceof OriginError)) throw error;
      if (found.entry && found.entry.mayStandIn) return found.entry;
      throw error;
    }
  }

  // Pass a write on; whatever became of it, what was known before it is void.
  async write(method, id, body) {
    const headers = body ? { "Content-Type": "application/json" } : {};
    try {
      return await this.origin.ask(method, `/products/${id}`, headers, body);
    } finally {
      this.writes += 1;
      await this.forget([`product:${id}`, ALL_PAGES]);
    }
  }

  async forget(subjects) {
    for (const subject of subjects) this.unforgotten.add(subject);
    try {
      await this.cache.forget(subjects);
      for (const subject of subjects) this.unforgotten.delete(subject);
    } catch (error) {
      console.error(`Redis still has to forget ${subjects}: ${error.message}`);
    }
  }

  async keepForgetting() {
    for (;;) {
      await sleep(RETRY_MS);
      if (this.unforgotten.size > 0) await this.forget([...this.unforgotten]);
    }
  }

  // Look into Redis; without it, nothing is found and nothing can be kept.
  async lookUp(question) {
    if (this.unforgotten.has(question.subject)) return {};
    return unlessAway({}, async () => {
      const found = await this.cache.find(question);
      return found.generation ? found : { generation: await this.cache.draw(question.subject) };
    });
  }

  nextAnswer(question, found) {
    // Who reads after a write must not join a fetch that began before it.
    const key = `${question.key} ${found.generation || this.writes}`;
    if (this.flights.has(key) && found.entry && found.entry.mayBridge) return found.entry;
    return joined(this.flights, key, () => this.fetchOnce(question, found));
  }

  // Fetch the next answer unless another replica does; then wait for that, or bridge.
  async fetchOnce(question, found) {
    const { generation } = found;
    if (!generation) return this.fetch(question, "");
    for (;;) {
      const token = await unlessAway("away", () => this.cache.lock(question, generation));
      if (token === "away") return this.fetch(question, "");
      if (token) return this.fetchLocked(question, found, token);
      if (found.entry && found.entry.mayBridge) return found.entry;
      await sleep(POLL_MS);
      const entry = await this.madeByOthers(question, found);
      if (entry) return entry;
    }
  }

  async fetchLocked(question, found, token) {
    try {
      const made = await this.madeByOthers(question, found);
      if (made) return made;
      const entry = await this.fetch(question, found.generation);
      await unlessAway(null, () => this.cache.put(question, entry));
      return entry;
    } finally {
      await unlessAway(null, () => this.cache.unlock(question, found.generation, token));
    }
  }

  madeByOthers(question, before) {
    const knownAtMs = before.entry ? before.entry.askedAtMs : 0;
    return unlessAway(null, async () => {
      const { entry } = await this.cache.find(question);
      const isNew = entry && entry.generation === before.generation && entry.askedAtMs > knownAtMs;
      return isNew ? entry : null;
    });
  }

  async fetch(question, generation) {
    const askedAtMs = Date.now();
    const answer = await this.origin.read(question.path, question.headers);
    return Entry.of(answer, generation, askedAtMs);
  }
}

// Join what is under way with this key, or begin it.
function joined(underWay, key, begin) {
  if (!underWay.has(key)) {
    const flight = begin().finally(() => underWay.delete(key));
    flight.catch(() => {}); // everybody who waited may have left
    underWay.set(key, flight);
  }
  return underWay.get(key);
}

async function unlessAway(otherwise, action) {
  try {
    return await action();
  } catch (error) {
    if (error instanceof AwayError) return otherwise;
    throw error;
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function withDeadline(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new OriginError("it took too long")), DEADLINE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

module.exports = { Catalogue, ALL_PAGES };
