import { registerIconLibrary } from "@awesome.me/webawesome/dist/components/icon/library.js";

// Icons of the components from our own origin: their default resolver asks a public server.
const own = (name: string): string => new URL(`./icons/${name}.svg`, import.meta.url).href;
for (const library of ["default", "system"]) registerIconLibrary(library, { resolver: own });
