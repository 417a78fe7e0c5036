(* mark_graph NODES ROUNDS SHAPE: the best time of ROUNDS forced collections of a graph that is all
   live. *)

(* A reference that may be none is a node or the integer 0, as a pointer in C is: an option would be
   an object of its own. *)
type node = {
  mutable a : Obj.t;
  mutable b : Obj.t;
  v : int;
  w : int;
  x : int;
}
(* 40 bytes and a header of 8: 48 *)

let none = Obj.repr 0
let is_node reference = Obj.is_block reference
let node_of reference : node = Obj.obj reference
let chain_nodes = 1000
let mixed_every = 8
let table = ref [||]
let root = ref none

(* Links the nodes of the table; whether the table is part of the shape. *)
let link shape =
  let state = Peer.random_make 88172645463325252L and table = !table in
  let nodes = Array.length table in
  let random () = table.(Peer.random_below state nodes) in
  let chain () =
    for i = 0 to nodes - 2 do
      (node_of table.(i)).a <- table.(i + 1)
    done
  in
  match shape with
  | "array" -> true
  | "random" ->
      Array.iter
        (fun at ->
          (node_of at).a <- random ();
          (node_of at).b <- random ())
        table;
      true
  | "mixed" ->
      for i = 0 to nodes - 1 do
        if (i + 1) mod chain_nodes <> 0 && i + 1 < nodes then
          (node_of table.(i)).a <- table.(i + 1);
        if i mod mixed_every = 0 then (node_of table.(i)).b <- random ()
      done;
      for i = 0 to nodes - 1 do
        if i mod chain_nodes <> 0 then table.(i) <- none
      done;
      true
  | "tree" ->
      for i = 0 to nodes - 1 do
        if (2 * i) + 1 < nodes then (node_of table.(i)).a <- table.((2 * i) + 1);
        if (2 * i) + 2 < nodes then (node_of table.(i)).b <- table.((2 * i) + 2)
      done;
      false
  | _ ->
      if shape = "shuffled" then
        for i = nodes - 1 downto 1 do
          let j = Peer.random_below state (i + 1) in
          let at = table.(i) in
          table.(i) <- table.(j);
          table.(j) <- at
        done;
      chain ();
      false

let rec count at total =
  if not (is_node at) then total
  else count (node_of at).a (count (node_of at).b (total + 1))

let rec chain_length at total =
  if is_node at then chain_length (node_of at).a (total + 1) else total

let checksum shape =
  if Array.length !table = 0 then count !root 0
  else
    let found at =
      if shape <> "random" then chain_length at 0
      else if is_node (node_of at).a && is_node (node_of at).b then 1
      else 0
    in
    Array.fold_left (fun total at -> total + found at) 0 !table

let () =
  let nodes = Peer.number 1 and rounds = Peer.number 2 and shape = Sys.argv.(3) in
  table := Array.make nodes none;
  for i = 0 to nodes - 1 do
    !table.(i) <- Obj.repr { a = none; b = none; v = 0; w = 0; x = i }
  done;
  let keep_table = link shape in
  root := !table.(0);
  if not keep_table then table := [||];
  Gc.major ();
  let best = ref max_int in
  for _ = 1 to rounds do
    let start = Peer.now_ns () in
    Gc.major ();
    best := min !best (Peer.now_ns () - start)
  done;
  Peer.report ~ops:nodes ~ns:!best
    ~ns_per_op:(float_of_int !best /. float_of_int nodes)
    ~checksum:(Int64.of_int (checksum shape))
    ""
