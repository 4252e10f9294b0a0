"""`python3 -m config.parts`: bring parts, or say where a program is."""

from __future__ import annotations

import sys

from config.parts import PARTS, PartMissingError, install, program


def main(arguments: list[str]) -> int:
    """`install PART...` or `where PROGRAM`; 0 done, 1 cannot, 2 asked wrongly."""
    match arguments:
        case ["install", *names] if names:
            install(names, lambda text: print(text, flush=True))
        case ["where", name]:
            known = PARTS.get(name)
            print(program(next(iter(known.programs)) if known else name))
        case _:
            print(f"python3 -m config.parts install [{'|'.join(PARTS)}]... or ... where PROGRAM")
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PartMissingError as error:
        sys.exit(f"parts: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
