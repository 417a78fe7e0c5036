(* Runs the part for number 0 here and for the others in domains of their own. *)
let run threads part =
  let others = List.init (threads - 1) (fun i -> Domain.spawn (fun () -> part (i + 1))) in
  part 0;
  List.iter Domain.join others
