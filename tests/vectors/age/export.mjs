// Writes the age test vectors that concern us out of the npm package cctv-age, byte for byte as published.
// Usage: node tests/vectors/age/export.mjs NODE_MODULES
// Left out: armored files (we have no armor) and what only a passphrase opens (we have no passphrase identity).
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

const package_ = await import(resolve(process.argv[2], "cctv-age/index.js"));
const target = resolve(import.meta.dirname, "testkit");
rmSync(target, { recursive: true, force: true });
mkdirSync(target);
for (const [name, bytes] of Object.entries(package_.default ?? package_)) {
    const text = Buffer.from(bytes).toString("latin1");
    const header = text.slice(0, text.indexOf("\n\n")).split("\n");
    if (header.includes("armored: yes") || (name.startsWith("scrypt") && header.includes("expect: success"))) continue;
    writeFileSync(resolve(target, name), bytes);
}
