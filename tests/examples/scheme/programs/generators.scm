; Generators on fibers.
(define (count-to n) (make-generator (lambda () (let loop ((i 1)) (if (<= i n) (begin (yield i) (loop (+ i 1))))))))
(define (all g) (let ((x (generator-next g))) (if (eof-object? x) '() (cons x (all g)))))
(write (all (count-to 10))) (newline)
; A tree, walked by a generator that recurses.
(define (tree n) (if (= n 0) '() (list (tree (- n 1)) n (tree (- n 1)))))
(define (leaves t) (make-generator (lambda () (let walk ((t t)) (if (pair? t) (begin (walk (car t)) (yield (cadr t)) (walk (caddr t))))))))
(write (all (leaves (tree 5)))) (newline)
; Many at once, that allocate.
(define (summing n)
  (make-generator (lambda () (let loop ((l '()) (i 0)) (yield (apply + l)) (if (< i n) (loop (cons i l) (+ i 1)))))))
(define gs (map (lambda (i) (summing 50)) (make-list 40 0)))
(define (sum l) (apply + l))
(write (let loop ((i 0) (total 0)) (if (= i 51) total (loop (+ i 1) (+ total (sum (map generator-next gs))))))) (newline)
(write (map eof-object? (list (generator-next (car gs)) (generator-next (car gs))))) (newline)
; One in another, and what goes wrong.
(define (pairs g) (make-generator (lambda () (let loop () (let* ((a (generator-next g)) (b (generator-next g))) (if (eof-object? b) #f (begin (yield (cons a b)) (loop))))))))
(write (all (pairs (count-to 7)))) (newline)
(define bad (make-generator (lambda () (yield 1) (car 5))))
(write (list (generator-next bad) (guard (e (#t (error-object-message e))) (generator-next bad)) (eof-object? (generator-next bad)))) (newline)
(define self (make-generator (lambda () (generator-next self))))
(write (guard (e (#t (error-object-message e))) (generator-next self))) (newline)
(write (guard (e (#t (error-object-message e))) (yield 1))) (newline)
(write (list (generator? self) (generator? car) self)) (newline)
; Deep data, on the small stack of a fiber.
(define deep (let loop ((i 0) (l '())) (if (= i 1000000) l (loop (+ i 1) (list l)))))
(write (guard (e (#t (error-object-message e))) (generator-next (make-generator (lambda () (equal? deep (list deep))))))) (newline)
; Frames go to the heap there, too.
(define (down n) (if (= n 0) 0 (+ 1 (down (- n 1)))))
(write (generator-next (make-generator (lambda () (yield (down 100000)))))) (newline)
; Those that are dropped halfway give their stacks back.
(do ((i 0 (+ i 1))) ((= i 2000)) (let ((g (count-to 3))) (generator-next g) (if (= 0 (remainder i 200)) (collect))))
; Taken up on another thread.
(define g (count-to 4))
(write (map (lambda (i) (thread-join! (thread-start! (make-thread (lambda () (generator-next g)))))) '(1 2 3 4 5))) (newline)
