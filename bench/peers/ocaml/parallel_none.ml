(* Before OCaml 5 only one thread at a time ran. *)
let run threads part =
  if threads > 1 then failwith "this OCaml runs one thread at a time";
  part 0
