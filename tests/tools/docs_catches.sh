#!/usr/bin/env bash
# docs_catches.sh CHECKER: each mistake in a document is caught, and what is right is let through.
set -euo pipefail
checker=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{docs/design,runtime/cycle,pacer,tools}

cat >"$tree/runtime/cycle/part.c" <<'END'
/* .part.defined  A rule, cited below. */
#define PART_WAIT_NS 200000
#define PART_BYTES ((size_t)4 << 10)
enum part {
  PART_COUNT = 2 * 8,
  PART_OTHER,
};
void gaiti_part_wait(void); /* (.part.defined) */
END
printf '#!/bin/sh\necho a picture\n' >"$tree/tools/draw"
chmod +x "$tree/tools/draw"
printf '`.page.defined` A rule of the page.\n\n`.short` One of its own.\n' >"$tree/docs/design/page.md"

# expect good|bad TEXT [FOLDER [ENDING]]: the text is a file of that folder; a page if not said.
number=0
expect() {
  number=$((number + 1))
  local file=${3:-docs}/probe_$number.${4:-md}
  printf '%b\n' "$2" >"$tree/$file"
  echo "$1 $file" >>"$tree/expected"
}

expect good 'A name, `gaiti_part_wait`, and a file, `runtime/cycle/part.c`.'
expect good 'The same, shorter: `cycle/part.c`, `part.c`, `gaiti_part_*`.'
expect good '```\ngaiti_part_missing\n```'
expect bad 'A name that is gone, `gaiti_part_missing`.'
expect bad 'A name over the end of a line, `call\ngaiti_part_missing`.'
expect bad 'A file that is gone: `runtime/cycle/whole.c`.'
expect bad 'A file that is gone: `whole.c`.'
expect bad 'A folder that is gone: `runtime/whole/`.'
expect bad 'Names that are gone: `gaiti_whole_*`.'

expect good '/* Waits: gaiti_part_wait, gaiti_part_, cycle/part.c, <part.h>. */' runtime/cycle c
expect bad '/* Waits: gaiti_part_missing. */' runtime/cycle c
expect bad '/* Waits: cycle/whole.c. */' runtime/cycle c

expect good 'It waits for `PART_WAIT_NS` (200 us), with `PART_BYTES` (4 KiB) and `PART_COUNT` (16).'
expect bad 'It waits for `PART_WAIT_NS` (50 us).'
expect bad 'It waits for `PART_WAIT_NS` (200 furlongs).'
expect bad 'It has `PART_BYTES` (4 MiB).'
expect bad 'It has `PART_COUNT` (15).'
expect bad 'It waits for `PART_GONE_NS` (200 us).'

expect good 'Cited: `.part.defined`, `.page.defined`.'
expect bad 'Cited: `.part.gone`.'
expect bad '`.part.again` In a page and in the code.' docs/design
expect bad '`.page.again` In two pages.' docs/design
expect bad '`.page.again` In two pages.' docs/design
expect bad '`.twice.here` Once.\n\n`.twice.here` Twice.' docs/design
expect good '`.once.here` Once, and `.short` is no word of mine.' docs/design
expect bad '`.brief` Mine, but `.short` is of another page.' docs/design
expect bad '`.not.here` Defined where no tag is.'
expect bad '/* Cited in a comment (.part.gone). */' runtime/cycle c
expect good 'int a = b.part.gone; /* 1.0.x, file.part.gone */' runtime/cycle c
expect bad '/* .part.again  In a page and in the code. */' pacer c

long=$(printf 'word %.0s' {1..21})
expect good "${long:0:100}"
expect bad "$long"
expect good "| $long |"
expect good "\`\`\`\n$long\n\`\`\`"
expect good "${long// /_}"

expect good '<!-- made by: tools/draw -->\n```text\na picture\n```'
expect good '# Some heading\n[here](#some-heading), [there](design/page.md), [far](https://example.org/a).'
expect bad '[gone](design/gone.md)'
expect bad '[no heading](#some-other)'
expect good '<!-- all of: enum part -->\n`PART_COUNT` and `PART_OTHER`.'
expect bad '<!-- all of: enum part -->\n`PART_COUNT`.'
expect bad '<!-- all of: enum gone -->'
expect bad '<!-- made by: tools/draw -->\n```text\nanother picture\n```'
expect bad '<!-- made by: tools/gone -->\n```text\na picture\n```'
expect bad '<!-- made by: tools/draw -->\n\nNo block.'

"$checker" "$tree" >"$tree/found" && echo "nothing was found" && exit 1
failed=0
while read -r kind file; do
  found=good
  ! grep -q "^$file:" "$tree/found" || found=bad
  [ "$found" = "$kind" ] && continue
  echo "found $found: $(cat "$tree/$file")"
  failed=1
done <"$tree/expected"
exit $failed
