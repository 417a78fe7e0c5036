#!/usr/bin/env bash
# debian.sh CPACK BUILD FOLDER: makes the Debian packages of the build, looks into each and unpacks
# them into FOLDER/root; lintian, where it is there, finds no error.
set -euo pipefail
command -v dpkg-deb >/dev/null || { echo "dpkg-deb is not here"; exit 77; }
rm -rf "$3"
mkdir -p "$3/root"
cd "$3"
"$1" --config "$2/CPackConfig.cmake" -G DEB -B "$3/made" >/dev/null
failed=0

# package NAME DEPENDS PATTERN...: DEPENDS matches the dependencies; the package has files for each
# pattern, its licence and its changes, and no other.
package() {
  local name=$1 depends=$2 pattern joined files
  shift 2
  set -- "$@" "^usr/share/doc/$name/copyright\$" "^usr/share/doc/$name/changelog\.(Debian\.)?gz\$"
  local deb=(made/"${name}"_*.deb)
  dpkg-deb -x "${deb[0]}" root
  files=$(dpkg-deb --fsys-tarfile "${deb[0]}" | tar -t | sed 's/^\.\///' | grep -v '/$')
  echo "$files" >>files
  [[ $(dpkg-deb -f "${deb[0]}" Depends) =~ $depends ]] ||
    { echo "$name depends on $(dpkg-deb -f "${deb[0]}" Depends)"; failed=1; }
  for pattern in "$@"; do
    grep -qE "$pattern" <<<"$files" || { echo "$name: no $pattern"; failed=1; }
  done
  joined=$(printf '|%s' "$@")
  if grep -vE "${joined#|}" <<<"$files"; then
    echo "these are not of $name"
    failed=1
  fi
}

version='0\.[0-9.]+-[0-9]+'
package libgait0.2 '^libc6 ' '^usr/lib/.*/libgait\.so\.[0-9.]+$'
package libgait-dev "^libgait0\.2 \(= $version\)" \
  '^usr/include/gait/gait\.h$' '^usr/include/gait/' \
  '/libgait\.(a|so)$' '/pkgconfig/gait\.pc$' '/cmake/gait/gait-[a-z-]+\.cmake$' \
  '^usr/share/man/man3/gait_alloc\.3\.gz$' '^usr/share/man/man3/.*\.3\.gz$' \
  '^usr/share/doc/libgait-dev/.*\.(md|c|bt|svg)$'
package gait '(^|, )libc6 .*libjansson' '^usr/bin/gait$' \
  '/bash-completion/completions/gait$' '/vendor-completions/_gait$' \
  '^usr/share/man/man1/gait(-[a-z-]+)?\.1\.gz$' '^usr/share/man/man7/gait_options\.7\.gz$'
[ "$(find made -maxdepth 1 -name '*.deb' | wc -l)" = 3 ] || { echo "more packages"; failed=1; }
[ -z "$(sort files | uniq -d)" ] || { echo "in two packages: $(sort files | uniq -d)"; failed=1; }

# The package tells of each symbol that the library has, and of no other.
dpkg-deb -e made/libgait0.2_*.deb control
diff <(nm -D --defined-only "$(find root -name 'libgait.so.0.2')" | awk '$2 != "A" { print $3 }' |
  sed 's/@@/@/' | sort) <(awk '/^ gait_/ { print $1 }' control/symbols | sort) || failed=1

LD_LIBRARY_PATH=$(dirname "$(find root -name 'libgait.so.0.2')")
export LD_LIBRARY_PATH
grep -q '^gogc ' <<<"$(root/usr/bin/gait options)"
if readelf -S "$(find root -name libgait.a)" | grep '\.debug_info'; then
  echo "the static library is not stripped"
  failed=1
fi
gzip -dc root/usr/share/man/man1/gait-run.1.gz | grep '^\.TH' >/dev/null
gzip -dc root/usr/share/doc/gait/changelog.gz | head -n 1 | grep '^# ' >/dev/null
if command -v lintian >/dev/null; then
  lintian --allow-root --fail-on error made/*.deb || failed=1
fi
exit $failed
