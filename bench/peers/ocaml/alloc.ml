(* alloc SIZE COUNT LEAF THREADS: makes garbage as fast as it can, one object at a time. *)

(* With the header of 8 bytes, these are of 16 and of 64 bytes. *)
type small = { only : int }
type large = { a : int; b : int; c : int; d : int; e : int; f : int; g : int }

let kept = Array.make (64 * 32) (Obj.repr 0)

let part size count number =
  let slot = number * 32 in
  if size = 16 then
    for i = 0 to count - 1 do
      kept.(slot) <- Obj.repr { only = Sys.opaque_identity i }
    done
  else
    for i = 0 to count - 1 do
      let i = Sys.opaque_identity i in
      kept.(slot) <- Obj.repr { a = i; b = 0; c = 0; d = 0; e = 0; f = 0; g = 0 }
    done

let () =
  let size = Peer.number 1 and count = Peer.number 2 and threads = Peer.number 4 in
  if size <> 16 && size <> 64 then failwith "SIZE is 16 or 64";
  part size count 0;
  let start = Peer.now_ns () in
  Parallel.run threads (part size count);
  let ns = Peer.now_ns () - start in
  let checksum = ref 0 in
  for i = 0 to threads - 1 do
    let first : int = Obj.obj (Obj.field kept.(i * 32) 0) in
    checksum := !checksum + first + 1
  done;
  Peer.report ~ops:(count * threads) ~ns
    ~ns_per_op:(float_of_int ns /. float_of_int count)
    ~checksum:(Int64.of_int !checksum) ""
