// SPDX-License-Identifier: Apache-2.0
// Builds the page into dist/, which is committed and becomes part of the program: the same source gives the same bytes.
import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

// What each figure means is said once, in the table of metrics; the page takes it from there.
function figures() {
  const folder = new URL("../src/assess/", import.meta.url);
  const field = (text, name) => [...(text.match(new RegExp(`\\.${name} =\\s*((?:"(?:[^"\\\\]|\\\\.)*"\\s*)+)`))?.[1] ?? "").matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((m) => m[1]).join("");
  const list = [...readFileSync(new URL("metrics.def", folder), "utf8").matchAll(/^TARN_METRIC\((\w+)\)/gm)].map(([, name]) => {
    const text = readFileSync(new URL(`metrics/${name}.c`, folder), "utf8");
    const row = { name: field(text, "name"), title: field(text, "title"), unit: field(text, "unit"), help: field(text, "help") };
    if (!row.name || !row.title || !row.help) throw new Error(`metrics/${name}.c: no name, title or help found`);
    return row;
  });
  return {
    name: "figures",
    resolveId: (id) => (id === "virtual:figures" ? "\0figures" : null),
    load: (id) => (id === "\0figures" ? `export default ${JSON.stringify(list)};` : null),
  };
}

export default defineConfig({
  base: "./",
  plugins: [figures()],
  build: {
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: { output: { entryFileNames: "assets/page.js", assetFileNames: "assets/page[extname]" } },
  },
});
