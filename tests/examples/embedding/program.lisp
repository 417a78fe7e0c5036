; Checks that hold whenever the collector runs; check.sh's and CMake's settings make it run often.
(define range (lambda (n) (range-to 0 n nil)))
(define range-to (lambda (i n list) (if (< i n) (range-to (+ i 1) n (cons i list)) list)))
(define sum (lambda (list) (if list (+ (first list) (sum (rest list))) 0)))
(define fib (lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))))
(define map (lambda (f list) (if list (cons (f (first list)) (map f (rest list))) nil)))

(check "fib" (same (fib 15) 610))
(check "sum" (same (sum (range 100)) 4950))
(check "closures" (same (sum (map ((lambda (n) (lambda (i) (+ i n))) 10) (range 50))) 1725))
(check "text" (text-same (text '(a (1 "two") nil)) "(a (1 two) nil)"))

; Old objects that come to refer to new ones, and numbers where references were.
(define table (vector 500))
(define i 0)
(while (< i 3000)
  (put table (- i (if (< i 500) 0 (if (< i 1000) 500 (if (< i 1500) 1000
    (if (< i 2000) 1500 (if (< i 2500) 2000 2500))))))
    (if (< i 2500) (cons i nil) i))
  (define i (+ i 1)))
(define total 0)
(define i 0)
(while (< i 500)
  (define total (+ total (get table i)))
  (define i (+ i 1)))
(check "vectors" (same total 1374750))

; Old pairs whose rest changes, to new pairs that nothing else refers to.
(define cells (map (lambda (i) (cons i nil)) (range 100)))
(define turn 0)
(while (< turn 10)
  (define cell cells)
  (while cell
    (set-rest (first cell) (cons turn (cons turn nil)))
    (define cell (rest cell)))
  (define turn (+ turn 1)))
(define total 0)
(define cell cells)
(while cell
  (define total (+ total (first (rest (rest (first cell))))))
  (define cell (rest cell)))
(check "cells" (same total 900))

; References that move from one old vector to another and are gone from the first.
(define copies (vector 500))
(define turn 0)
(while (< turn 20)
  (define i 0)
  (while (< i 50)
    (put table i (cons turn i))
    (define i (+ i 1)))
  (copy copies table)
  (copy table (vector 50))
  (range 10)
  (define turn (+ turn 1)))
(check "copy" (same (+ (first (get copies 49)) (rest (get copies 49))) 68))

; Weak references. A conservative stack may keep what is dead, so nothing is said of that here.
(define kept (cons 1 2))
(define weak-kept (weak kept))
(define weak-number (weak 17))
(collect)
(check "weak" (same (strong weak-kept) kept))
(check "weak number" (same (strong weak-number) 17))

(define i 0)
(while (< i 100)
  (buffer 10000)
  (define i (+ i 1)))
(collect)
(check "buffers" (< (buffers) 100))

(check "errors" (same (try (lambda () (first 1))) nil))
(define forever (lambda (n) (+ 1 (forever n))))
(check "recursion" (same (try (lambda () (forever 1))) nil))

(define results (both (lambda () (sum (range 200))) (lambda () (fib 12))))
(check "threads" (same (first results) 19900))
(check "threads" (same (rest results) 144))

(define lines 0)
(define last-line nil)
(each-line (lambda (line)
    (define last-line line)
    (define lines (+ lines 1)))
  "program.lisp")
(check "lines" (< 60 lines))
(check "lines" (text-same last-line "; The last line."))
(check "errors in a callback" (same (try (lambda () (each-line (lambda (line) (first line))
  "program.lisp"))) nil))
; The last line.
