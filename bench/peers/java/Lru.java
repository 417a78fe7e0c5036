import java.util.Arrays;

/** Lru ENTRIES OPS: a cache as a hash table with chains and a list by recency. */
final class Lru {
  private static final class Entry {
    Entry next, older, newer;
    long key;
    byte[] value;
  }

  private static final int BUCKET_NS = 32, BUCKETS = 1 << 22;

  private final Entry[] table;
  private final long mask;
  private final long capacity;
  private Entry oldest, newest;
  private long count, hits, random = 12345;
  private final int[] latency = new int[BUCKETS];
  private long latencyTotal, latencyMax;

  private Lru(long capacity) {
    this.capacity = capacity;
    int slots = 1;
    while (slots < capacity * 2) slots <<= 1;
    table = new Entry[slots];
    mask = slots - 1;
  }

  private void latencyAdd(long nanos) {
    latency[(int) Math.min(nanos / BUCKET_NS, BUCKETS - 1)]++;
    latencyTotal++;
    latencyMax = Math.max(latencyMax, nanos);
  }

  private long latencyQuantile(double share) {
    long seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
      seen += latency[i];
      if (seen > 0 && seen >= latencyTotal * share) return (long) i * BUCKET_NS;
    }
    return 0;
  }

  private static long mix(long key) {
    key *= 0x9E3779B97F4A7C15L;
    return key ^ key >>> 29;
  }

  private void unlink(Entry entry) {
    if (entry.older != null) entry.older.newer = entry.newer;
    else oldest = entry.newer;
    if (entry.newer != null) entry.newer.older = entry.older;
    else newest = entry.older;
  }

  private void push(Entry entry) {
    entry.older = newest;
    entry.newer = null;
    if (newest != null) newest.newer = entry;
    else oldest = entry;
    newest = entry;
  }

  private void evict() {
    Entry gone = oldest;
    unlink(gone);
    int slot = (int) (mix(gone.key) & mask);
    if (table[slot] == gone) {
      table[slot] = gone.next;
    } else {
      Entry before = table[slot];
      while (before.next != gone) before = before.next;
      before.next = gone.next;
    }
    count--;
  }

  private void add(long key, int slot) {
    Entry entry = new Entry();
    entry.key = key;
    random = Peer.random(random);
    entry.value = new byte[64 + (int) Long.remainderUnsigned(random, 961)];
    Arrays.fill(entry.value, (byte) key);
    entry.next = table[slot];
    table[slot] = entry;
    push(entry);
    count++;
  }

  private void operation() {
    random = Peer.random(random);
    long key = Long.remainderUnsigned(random, capacity * 2);
    int slot = (int) (mix(key) & mask);
    Entry entry = table[slot];
    while (entry != null && entry.key != key) entry = entry.next;
    if (entry != null) {
      hits++;
      unlink(entry);
      push(entry);
      return;
    }
    if (count >= capacity) evict();
    add(key, slot);
  }

  private long checksum() {
    long sum = hits;
    for (Entry entry = oldest; entry != null; entry = entry.newer)
      sum = mix(sum + entry.key) + (entry.value[0] & 0xff);
    return sum;
  }

  public static void main(String[] words) throws Exception {
    Lru cache = new Lru(Long.parseLong(words[0]));
    long ops = Long.parseLong(words[1]);
    long start = System.nanoTime();
    for (long i = 0; i < ops; i++) {
      long before = System.nanoTime();
      cache.operation();
      long nanos = System.nanoTime() - before;
      if (i > ops / 2) cache.latencyAdd(nanos);
    }
    long nanos = System.nanoTime() - start;
    String more =
        String.format(
            "\"op_p99_ns\": %d, \"op_p999_ns\": %d, \"op_p9999_ns\": %d, \"op_max_ns\": %d",
            cache.latencyQuantile(.99), cache.latencyQuantile(.999), cache.latencyQuantile(.9999),
            cache.latencyMax);
    Peer.report(ops, nanos, (double) nanos / ops, cache.checksum(), more);
  }
}
