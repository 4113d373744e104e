"use strict";
// Redis beside the origin: entries, the generations that make them void, and locks.
//
// A generation is a random word for a subject. It is drawn before the origin is asked and kept in
// the entry; a write deletes it. What was asked before the write does not fit any more, then.

const crypto = require("node:crypto");
const { AwayError } = require("./redis");

const TTL_MS = 1000 * Number(process.env.CACHE_TTL_S || "60");
const STALE_MS = 1000 * Number(process.env.MAX_STALE_S || "300");
// While somebody fetches the next answer, the last one may be given for so long.
const BRIDGE_MS = 3000;
const JITTER = 0.25;
const MISSING_TTL_MS = 5000;
const KEPT_MS = Math.round(TTL_MS + Math.max(STALE_MS, BRIDGE_MS));
const LOCK_MS = 3500;
const DRAWN_MS = 10000;
const UNLOCK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end";

class Entry {
  constructor(status, body, etag, generation, askedAtMs, freshMs) {
    Object.assign(this, { status, body, etag, generation, askedAtMs, freshMs });
  }

  static of(answer, generation, askedAtMs) {
    const digest = crypto.createHash("sha1").update(answer.body).digest("base64url");
    const ttlMs = answer.status === 200 ? TTL_MS : Math.min(TTL_MS, MISSING_TTL_MS);
    const freshMs = ttlMs * (1 - JITTER * Math.random());
    return new Entry(answer.status, answer.body, `"${digest}"`, generation, askedAtMs, freshMs);
  }

  static unpacked(value) {
    const end = value.indexOf("\n");
    const head = JSON.parse(value.toString("utf8", 0, end));
    const [status, etag, generation, askedAtMs, freshMs] = head;
    return new Entry(status, value.subarray(end + 1), etag, generation, askedAtMs, freshMs);
  }

  packed() {
    const head = [this.status, this.etag, this.generation, this.askedAtMs, this.freshMs];
    return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), this.body]);
  }

  get ageMs() {
    return Date.now() - this.askedAtMs;
  }

  get isFresh() {
    return this.ageMs < this.freshMs;
  }

  get mayBridge() {
    return this.ageMs < TTL_MS + BRIDGE_MS;
  }

  get mayStandIn() {
    return this.ageMs < TTL_MS + STALE_MS;
  }

  get keptMs() {
    return this.status === 200 ? KEPT_MS : Math.ceil(this.freshMs) + 1;
  }
}

class Cache {
  constructor(redis) {
    this.redis = redis;
  }

  // Look for an entry and the generation of its subject; of an entry that is void nothing is told.
  async find(question) {
    const keys = [entryKey(question), generationKey(question.subject)];
    const [value, word] = await this.redis.ask(["MGET", ...keys]);
    const generation = word && word.toString();
    const entry = value && Entry.unpacked(value);
    const fits = entry && entry.generation === generation;
    return { entry: fits ? entry : null, generation };
  }

  async draw(subject) {
    const key = generationKey(subject);
    const drawn = crypto.randomBytes(8).toString("hex");
    await this.redis.ask(["SET", key, drawn, "NX", "PX", DRAWN_MS]);
    const word = await this.redis.ask(["GET", key]);
    if (!word) throw new AwayError("the generation was not kept");
    return word.toString();
  }

  async put(question, entry) {
    const { keptMs } = entry;
    await this.redis.ask(["PEXPIRE", generationKey(question.subject), keptMs + DRAWN_MS]);
    await this.redis.ask(["SET", entryKey(question), entry.packed(), "PX", keptMs]);
  }

  // Become the one who fetches; the token to unlock with, null if somebody else is.
  async lock(question, generation) {
    const token = crypto.randomBytes(8).toString("hex");
    const key = lockKey(question, generation);
    const locked = await this.redis.ask(["SET", key, token, "NX", "PX", LOCK_MS]);
    return locked ? token : null;
  }

  unlock(question, generation, token) {
    return this.redis.ask(["EVAL", UNLOCK, 1, lockKey(question, generation), token]);
  }

  forget(subjects) {
    return this.redis.ask(["DEL", ...subjects.map(generationKey)], { stubbornly: true });
  }
}

const entryKey = (question) => `entry:${question.key}`;
const generationKey = (subject) => `generation:${subject}`;
// Of the generation: who reads after a write must not wait for somebody who began before it.
const lockKey = (question, generation) => `lock:${question.key}:${generation}`;

module.exports = { Cache, Entry };
