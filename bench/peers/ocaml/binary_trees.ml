(* binary_trees DEPTH THREADS: builds and walks short-lived trees beside one that stays. *)

type tree = Leaf | Node of tree * tree

let rec make depth =
  if depth = 0 then Node (Leaf, Leaf) else Node (make (depth - 1), make (depth - 1))

let rec count = function Leaf -> 0 | Node (left, right) -> 1 + count left + count right

(* This thread's share of the trees of each depth. *)
let part depth threads nodes number =
  let walked = ref 0 in
  for step = 1 to depth / 4 do
    let depth_now = 4 * step in
    let trees = 1 lsl (depth - depth_now + 4) in
    for _ = trees * number / threads to (trees * (number + 1) / threads) - 1 do
      walked := !walked + count (make depth_now)
    done
  done;
  nodes.(number) <- !walked

let () =
  let depth = Peer.number 1 and threads = Peer.number 2 in
  let nodes = Array.make threads 0 in
  let start = Peer.now_ns () in
  let stretch = count (make (depth + 1)) in
  let long_lived = make depth in
  Parallel.run threads (part depth threads nodes);
  let kept = count long_lived in
  let ns = Peer.now_ns () - start in
  let ops = Array.fold_left ( + ) 0 nodes in
  Peer.report ~ops ~ns
    ~ns_per_op:(float_of_int ns /. float_of_int ops)
    ~checksum:(Int64.of_int (stretch + kept + ops))
    ""
