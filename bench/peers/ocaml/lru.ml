(* lru ENTRIES OPS: a cache as a hash table with chains and a list by recency.  The clock that the
   standard library has counts microseconds. *)

(* `Nil` is no entry; it is not allocated. *)
type entry =
  | Nil
  | Entry of {
      mutable next : entry;
      mutable older : entry;
      mutable newer : entry;
      key : int;
      value : Bytes.t;
    }

let bucket_ns = 32
let buckets = 1 lsl 22
let latency = Bigarray.Array1.create Bigarray.int32 Bigarray.c_layout buckets
let latency_total = ref 0
let latency_max = ref 0

let latency_add ns =
  let bucket = min (ns / bucket_ns) (buckets - 1) in
  latency.{bucket} <- Int32.add latency.{bucket} 1l;
  incr latency_total;
  if ns > !latency_max then latency_max := ns

let latency_quantile share =
  let wanted = float_of_int !latency_total *. share in
  let rec find i seen =
    if i = buckets then 0
    else
      let seen = seen + Int32.to_int latency.{i} in
      if seen > 0 && float_of_int seen >= wanted then i * bucket_ns else find (i + 1) seen
  in
  find 0 0

let mix64 key =
  let key = Int64.mul key 0x9E3779B97F4A7C15L in
  Int64.logxor key (Int64.shift_right_logical key 29)

(* The low 62 bits, of which the table's mask takes fewer. *)
let mix key = Int64.to_int (mix64 (Int64.of_int key)) land max_int
let table = ref [||]
let oldest = ref Nil
let newest = ref Nil
let count = ref 0
let hits = ref 0
let state = Peer.random_make 12345L
let slot_of key = mix key land (Array.length !table - 1)

let unlink = function
  | Nil -> ()
  | Entry gone ->
      (match gone.older with
      | Entry older -> older.newer <- gone.newer
      | Nil -> oldest := gone.newer);
      (match gone.newer with
      | Entry newer -> newer.older <- gone.older
      | Nil -> newest := gone.older)

let push = function
  | Nil -> ()
  | Entry made as at ->
      made.older <- !newest;
      made.newer <- Nil;
      (match !newest with Entry newest -> newest.newer <- at | Nil -> oldest := at);
      newest := at

let rec drop_after before gone =
  match before with
  | Nil -> ()
  | Entry link when link.next == gone -> (
      match gone with Entry gone -> link.next <- gone.next | Nil -> ())
  | Entry link -> drop_after link.next gone

let evict () =
  match !oldest with
  | Nil -> ()
  | Entry entry as gone ->
      unlink gone;
      let slot = slot_of entry.key in
      if !table.(slot) == gone then !table.(slot) <- entry.next
      else drop_after !table.(slot) gone;
      decr count

let add key slot =
  let value = Bytes.make (64 + Peer.random_below state 961) (Char.unsafe_chr (key land 0xff)) in
  let made = Entry { next = !table.(slot); older = Nil; newer = Nil; key; value } in
  !table.(slot) <- made;
  push made;
  incr count

let rec find at key =
  match at with
  | Entry entry when entry.key <> key -> find entry.next key
  | found -> found

let operation capacity =
  let key = Peer.random_below state (capacity * 2) in
  let slot = slot_of key in
  match find !table.(slot) key with
  | Entry _ as found ->
      incr hits;
      unlink found;
      push found
  | Nil ->
      if !count >= capacity then evict ();
      add key slot

let rec checksum at sum =
  match at with
  | Nil -> sum
  | Entry entry ->
      let value = Int64.of_int (Char.code (Bytes.get entry.value 0)) in
      checksum entry.newer (Int64.add (mix64 (Int64.add sum (Int64.of_int entry.key))) value)

let () =
  let capacity = Peer.number 1 and ops = Peer.number 2 in
  let slots = ref 1 in
  while !slots < capacity * 2 do
    slots := !slots * 2
  done;
  table := Array.make !slots Nil;
  Bigarray.Array1.fill latency 0l;
  let start = Peer.now_ns () in
  for i = 0 to ops - 1 do
    let before = Peer.now_ns () in
    operation capacity;
    let ns = Peer.now_ns () - before in
    if i > ops / 2 then latency_add ns
  done;
  let ns = Peer.now_ns () - start in
  Peer.report ~ops ~ns
    ~ns_per_op:(float_of_int ns /. float_of_int ops)
    ~checksum:(checksum !oldest (Int64.of_int !hits))
    (Printf.sprintf
       "\"op_p99_ns\": %d, \"op_p999_ns\": %d, \"op_p9999_ns\": %d, \"op_max_ns\": %d"
       (latency_quantile 0.99) (latency_quantile 0.999) (latency_quantile 0.9999) !latency_max)
