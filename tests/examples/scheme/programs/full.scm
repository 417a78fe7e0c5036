; A heap that is full raises an error, which can be caught; afterwards there is room again.
(define (fill) (let loop ((l '())) (loop (cons (make-vector 100 0) l))))
(write (guard (e (#t (error-object-message e))) (fill))) (newline)
(define (deep n) (+ 1 (deep (+ n 1))))
(write (guard (e (#t (error-object-message e))) (deep 0))) (newline)
(write (guard (e (#t (error-object-message e))) (make-vector 100000000 0))) (newline)
(write (guard (e (#t (error-object-message e))) (fill))) (newline)
(write (length (let loop ((i 0) (l '())) (if (= i 100000) l (loop (+ i 1) (cons i l)))))) (newline)
