import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntConsumer;

/** What the programs share.  Each prints one JSON object, with the names of `gait run --json`. */
final class Peer {
  private Peer() {}

  /** The next of a sequence of xorshift numbers. */
  static long random(long x) {
    x ^= x << 13;
    x ^= x >>> 7;
    return x ^ x << 17;
  }

  /** Runs the part for number 0 on this thread and for the others on threads of their own. */
  static void inParallel(int threads, IntConsumer part) throws InterruptedException {
    CountDownLatch done = new CountDownLatch(threads - 1);
    for (int i = 1; i < threads; i++) {
      int number = i;
      new Thread(
              null,
              () -> {
                part.accept(number);
                done.countDown();
              },
              "worker")
          .start();
    }
    part.accept(0);
    done.await();
  }

  private static long peakBytes() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status")))
      if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
    return 0;
  }

  private static long cycles() {
    long cycles = 0;
    for (var collector : java.lang.management.ManagementFactory.getGarbageCollectorMXBeans())
      cycles += collector.getCollectionCount();
    return cycles;
  }

  /** Prints the result; `more` is the inside of a JSON object, or empty. */
  static void report(long ops, long nanos, double nsPerOp, long checksum, String more)
      throws Exception {
    System.out.printf(
        java.util.Locale.ROOT,
        "{\"version\": \"%s\", \"ops\": %d, \"seconds\": %.9f, \"ns_per_op\": %.4f,"
            + " \"checksum\": \"%016x\", \"peak_rss_bytes\": %d, \"cycles\": %d%s%s}%n",
        System.getProperty("java.version"), ops, nanos * 1e-9, nsPerOp, checksum, peakBytes(),
        cycles(), more.isEmpty() ? "" : ", ", more);
  }
}
