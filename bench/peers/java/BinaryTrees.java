/** BinaryTrees DEPTH THREADS: builds and walks short-lived trees beside one that stays. */
final class BinaryTrees {
  private BinaryTrees left, right;

  private static BinaryTrees make(int depth) {
    BinaryTrees tree = new BinaryTrees();
    if (depth > 0) {
      tree.left = make(depth - 1);
      tree.right = make(depth - 1);
    }
    return tree;
  }

  private long count() {
    return left == null ? 1 : 1 + left.count() + right.count();
  }

  /** This thread's share of the trees of each depth. */
  private static long part(int number, int threads, int depth) {
    long nodes = 0;
    for (int d = 4; d <= depth; d += 4) {
      long trees = 1L << (depth - d + 4);
      for (long i = trees * number / threads; i < trees * (number + 1) / threads; i++)
        nodes += make(d).count();
    }
    return nodes;
  }

  public static void main(String[] words) throws Exception {
    int depth = Integer.parseInt(words[0]), threads = Integer.parseInt(words[1]);
    long[] nodes = new long[threads];
    long start = System.nanoTime();
    long stretch = make(depth + 1).count();
    BinaryTrees longLived = make(depth);
    Peer.inParallel(threads, number -> nodes[number] = part(number, threads, depth));
    long kept = longLived.count();
    long nanos = System.nanoTime() - start;
    long ops = 0;
    for (long count : nodes) ops += count;
    Peer.report(ops, nanos, (double) nanos / ops, stretch + kept + ops, "");
  }
}
