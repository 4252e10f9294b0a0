// Bundles the sources beside this file into built/, each file with the hash of its content in its name, and
// writes built/manifest.json: {"desk.js": "desk-<hash>.js", ...}, which the templates' asset() reads.
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";
import {
  Check,
  ChevronDown,
  ChevronLeft,
  ChevronRight,
  CircleAlert,
  CircleCheck,
  Info,
  TriangleAlert,
  X,
} from "lucide";

const here = dirname(fileURLToPath(import.meta.url));
const built = join(here, "built");

// The few icons Web Awesome's own parts ask for by name, served by us: its default is a public server.
const componentIcons = {
  check: Check,
  "chevron-down": ChevronDown,
  "chevron-left": ChevronLeft,
  "chevron-right": ChevronRight,
  xmark: X,
  "circle-info": Info,
  "circle-check": CircleCheck,
  "triangle-exclamation": TriangleAlert,
  "circle-exclamation": CircleAlert,
};

const attributes = (values) =>
  Object.entries(values)
    .map(([name, value]) => `${name}="${value}"`)
    .join(" ");

async function writeIcons() {
  await mkdir(join(built, "icons"), { recursive: true });
  for (const [file, node] of Object.entries(componentIcons)) {
    const shapes = node.map(([tag, values]) => `<${tag} ${attributes(values)}/>`).join("");
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${shapes}</svg>`;
    await writeFile(join(built, "icons", `${file}.svg`), svg);
  }
}

const manifest = {
  name: "manifest",
  setup(plugin) {
    plugin.onEnd(async (result) => {
      if (result.errors.length > 0) return;
      const names = {};
      const kept = new Set(["manifest.json", "icons"]);
      for (const [path, output] of Object.entries(result.metafile.outputs)) {
        kept.add(basename(path));
        if (!output.entryPoint) continue;
        const logical = basename(output.entryPoint).replace(/\.ts$/, ".js");
        names[logical] = basename(path);
      }
      // Written aside and renamed: a page that loads meanwhile never reads half a manifest.
      const target = join(built, "manifest.json");
      await writeFile(`${target}.new`, `${JSON.stringify(names, null, 2)}\n`);
      await rename(`${target}.new`, target);
      for (const name of await readdir(built)) {
        if (!kept.has(name)) await rm(join(built, name), { recursive: true });
      }
      const size = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
      console.log(`built ${Object.keys(names).length} entries, ${Math.round(size / 1024)} KiB`);
    });
  },
};

const options = {
  absWorkingDir: dirname(here),
  entryPoints: ["desk.ts", "board.ts", "phone.ts", "pages.ts", "theme.ts", "css/app.css"].map(
    (name) => `static/${name}`,
  ),
  outdir: "static/built",
  entryNames: "[name]-[hash]",
  chunkNames: "part-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022", "safari16.4"],
  minify: true,
  metafile: true,
  legalComments: "none",
  loader: { ".woff2": "file", ".worker.js": "file" },
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
  plugins: [manifest],
};

await writeIcons();
if (process.argv.includes("--watch")) {
  const watching = await context(options);
  await watching.watch();
} else {
  await build(options);
}
