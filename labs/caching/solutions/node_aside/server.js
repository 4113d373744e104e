"use strict";
// The catalogue in front of the slow origin, with a cache in Redis: Node.js and no package.

const http = require("node:http");
const { Cache } = require("./cache");
const { ALL_PAGES, Catalogue } = require("./catalogue");
const { Origin, OriginError } = require("./origin");
const { Redis } = require("./redis");

const NAME = /^[a-z0-9-]{1,40}$/;
const TENANT = /^[A-Za-z0-9_-]{1,40}$/;
const PAGE = /^[1-9][0-9]{0,3}$/;
const BODY_LIMIT_BYTES = 1 << 16;
const MAX_PRICE_CENTS = 1e9;

const origin = new Origin(process.env.ORIGIN_URL);
const catalogue = new Catalogue(origin, new Cache(new Redis(process.env.REDIS_URL)));

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function handle(request, response) {
  if (!request.url.startsWith("/products") && request.url !== "/healthz") {
    throw new Refusal(404, "no such path");
  }
  const url = new URL(request.url, "http://catalogue");
  const path = url.pathname.split("/").slice(1).map(decoded);
  if (url.pathname === "/healthz") return send(response, 200, '{"status": "ok"}');
  if (path[0] !== "products" || path.length > 3) throw new Refusal(404, "no such path");
  if (path.length === 1) return answer(request, response, pageOf(url.searchParams));
  if (!NAME.test(path[1])) throw new Refusal(404, "no such product");
  if (path[2] === "price") return answer(request, response, priceOf(path[1], request), "X-Tenant");
  if (path.length === 3) throw new Refusal(404, "no such path");
  if (request.method === "GET") return answer(request, response, productOf(path[1]));
  return write(request, response, path[1]);
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal(404, "no such path");
  }
}

function productOf(id) {
  return { key: `product:${id}`, path: `/products/${id}`, subject: `product:${id}`, headers: {} };
}

function pageOf(query) {
  const category = query.get("category") || "";
  const page = query.has("page") ? query.get("page") : "1";
  if (!NAME.test(category)) throw new Refusal(422, "category: 1 to 40 characters of a-z, 0-9, -");
  if (!PAGE.test(page)) throw new Refusal(422, "page: a number from 1 to 9999");
  const path = `/products?category=${category}&page=${page}`;
  return { key: `page:${category}:${page}`, path, subject: ALL_PAGES, headers: {} };
}

function priceOf(id, request) {
  const tenant = request.headers["x-tenant"] || "";
  if (!TENANT.test(tenant)) throw new Refusal(422, "X-Tenant: 1 to 40 letters, digits, - and _");
  const key = `price:${tenant}:${id}`;
  const headers = { "X-Tenant": tenant };
  return { key, path: `/products/${id}/price`, subject: `product:${id}`, headers };
}

async function answer(request, response, question, vary) {
  if (request.method !== "GET") throw new Refusal(405, "only GET");
  const entry = await catalogue.read(question);
  if (entry.status !== 200) return send(response, entry.status, entry.body);
  const headers = { ETag: entry.etag, "Cache-Control": "no-cache" };
  if (vary) headers.Vary = vary;
  if (has(request.headers["if-none-match"] || "", entry.etag)) {
    return send(response, 304, "", headers);
  }
  return send(response, 200, entry.body, headers);
}

function has(ifNoneMatch, etag) {
  const tags = ifNoneMatch.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}

async function write(request, response, id) {
  if (request.method === "DELETE") {
    const deleted = await catalogue.write("DELETE", id);
    return send(response, deleted.status, deleted.body);
  }
  if (request.method !== "PUT") throw new Refusal(405, "GET, PUT or DELETE");
  const product = JSON.stringify(await productIn(request));
  const written = await catalogue.write("PUT", id, product);
  return send(response, written.status, written.body);
}

async function productIn(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_LIMIT_BYTES) throw new Refusal(413, "the body is too large");
    chunks.push(chunk);
  }
  let body;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Refusal(422, "the body is no JSON");
  }
  const { name, category, price_cents: price } = body || {};
  if (typeof name !== "string" || [...name].length < 1 || [...name].length > 200) {
    throw new Refusal(422, "name: 1 to 200 characters");
  }
  if (typeof category !== "string" || !NAME.test(category)) {
    throw new Refusal(422, "category: 1 to 40 characters of a-z, 0-9, -");
  }
  if (!Number.isInteger(price) || price < 0 || price > MAX_PRICE_CENTS) {
    throw new Refusal(422, "price_cents: a whole number from 0");
  }
  return { name, category, price_cents: price };
}

function send(response, status, body, headers = {}) {
  response.writeHead(status, { ...headers, ...(body.length ? JSON_TYPE : {}) });
  response.end(body);
}

const JSON_TYPE = { "Content-Type": "application/json" };

function refuse(response, error) {
  const detail = JSON.stringify({ detail: error.message });
  if (error instanceof Refusal) return send(response, error.status, detail);
  if (error instanceof OriginError) return send(response, 503, detail, { "Retry-After": "1" });
  console.error(error);
  return send(response, 500, '{"detail": "something went wrong"}');
}

const server = http.createServer((request, response) => {
  handle(request, response).catch((error) => refuse(response, error));
});
catalogue.keepForgetting();
server.listen(Number(process.env.PORT), "127.0.0.1");
