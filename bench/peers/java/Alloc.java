/** Alloc SIZE COUNT LEAF THREADS: makes garbage as fast as it can, one object at a time. */
final class Alloc {
  // With the object's header of 12 or 16 bytes, these are of 16 and of 64 bytes.
  private static final class Small {
    int value;
  }

  private static final class Large {
    long value, b, c, d, e, f;
  }

  /** The one object that a thread keeps, on cache lines of its own. */
  private static final Object[] kept = new Object[64 * 32];

  private static void part(int number, int size, long count) {
    int slot = number * 32;
    if (size == 16) {
      for (long i = 0; i < count; i++) {
        Small object = new Small();
        object.value = (int) i;
        kept[slot] = object;
      }
    } else {
      for (long i = 0; i < count; i++) {
        Large object = new Large();
        object.value = i;
        kept[slot] = object;
      }
    }
  }

  public static void main(String[] words) throws Exception {
    int size = Integer.parseInt(words[0]), threads = Integer.parseInt(words[3]);
    long count = Long.parseLong(words[1]);
    if (size != 16 && size != 64) throw new IllegalArgumentException("SIZE is 16 or 64");
    part(0, size, count);
    long start = System.nanoTime();
    Peer.inParallel(threads, number -> part(number, size, count));
    long nanos = System.nanoTime() - start;
    long checksum = 0;
    for (int i = 0; i < threads; i++) {
      Object object = kept[i * 32];
      checksum += (object instanceof Small s ? s.value : ((Large) object).value) + 1;
    }
    Peer.report(count * threads, nanos, (double) nanos / count, checksum, "");
  }
}
