(* What the programs share.  Each prints one JSON object, with the names of `gait run --json`. *)

let number index = int_of_string Sys.argv.(index)
let now_ns () = int_of_float (Unix.gettimeofday () *. 1e9)

(* Xorshift numbers need 64 bits, which an int has not; bytes hold them without a box. *)
type random = Bytes.t

let random_make seed =
  let state = Bytes.create 8 in
  Bytes.set_int64_ne state 0 seed;
  state

(* The next number, modulo `bound`. *)
let random_below state bound =
  let x = Bytes.get_int64_ne state 0 in
  let x = Int64.logxor x (Int64.shift_left x 13) in
  let x = Int64.logxor x (Int64.shift_right_logical x 7) in
  let x = Int64.logxor x (Int64.shift_left x 17) in
  Bytes.set_int64_ne state 0 x;
  (* Of an unsigned number: the upper 63 bits first, then the last. *)
  let bound = Int64.of_int bound in
  let upper = Int64.rem (Int64.shift_right_logical x 1) bound in
  let whole = Int64.add (Int64.add upper upper) (Int64.logand x 1L) in
  Int64.to_int (Int64.rem whole bound)

let peak_bytes () =
  let status = open_in "/proc/self/status" in
  let rec find () =
    match input_line status with
    | line when String.length line > 6 && String.sub line 0 6 = "VmHWM:" ->
        Scanf.sscanf line "VmHWM: %d" (fun kib -> kib * 1024)
    | _ -> find ()
    | exception End_of_file -> 0
  in
  let bytes = find () in
  close_in status;
  bytes

(* Prints the result; `more` is the inside of a JSON object, or empty. *)
let report ~ops ~ns ~ns_per_op ~checksum more =
  Printf.printf
    "{\"version\": \"%s\", \"ops\": %d, \"seconds\": %.9f, \"ns_per_op\": %.4f, \"checksum\": \
     \"%016Lx\", \"peak_rss_bytes\": %d, \"cycles\": %d%s%s}\n"
    Sys.ocaml_version ops
    (float_of_int ns *. 1e-9)
    ns_per_op checksum (peak_bytes ()) (Gc.quick_stat ()).Gc.major_collections
    (if more = "" then "" else ", ")
    more
