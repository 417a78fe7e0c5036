#!/bin/sh
# interrupt.sh SCHEME: SIGINT ends what runs, and not the interpreter, which reads on.
directory=$(mktemp -d)
mkfifo "$directory/in" "$directory/out"
"$1" <"$directory/in" >"$directory/out" 2>&1 &
scheme=$!
exec 3>"$directory/in" 4<"$directory/out"
status=0
expect() {
  read -r line <&4
  [ "$line" = "$1" ] || { echo "'$line' in place of '$1'"; status=1; }
}
for work in '(let loop ((i 0)) (loop (+ i 1)))' '(let () (define (f x) (f (cons x 1))) (f 0))' \
  '(guard (e (#t (quote caught))) (let loop () (car (list 1)) (loop)))'; do
  echo "(begin (display \"ready\") (newline) (flush-output-port) $work)" >&3
  expect ready
  kill -INT "$scheme"
  expect 'error: interrupted'
done
echo '(+ 40 2)' >&3
expect 42
exec 3>&-
wait "$scheme" || status=1
rm -r "$directory"
exit $status
