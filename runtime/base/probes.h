/* probes.h: places at which a tracer may look, of sys/sdt.h.
 *
 * A probe is one instruction that does nothing, and a note in the file of the library that says
 * where it is and where its arguments are.  A tracer (bpftrace, perf, gdb) puts a trap there for as
 * long as it looks.  Arguments are computed all the same, so they are values that are at hand.
 * docs/manual.md has the table of them (test package.probes), and no probe is on a fast path.
 *
 * Without sys/sdt.h, as with musl's compiler, a probe is nothing (option GAIT_PROBES of CMake). */
#ifndef GAITI_BASE_PROBES_H
#define GAITI_BASE_PROBES_H

#if GAITI_PROBES
#include <sys/sdt.h>
#define PROBE3(name, a, b, c)             STAP_PROBE3(gait, name, a, b, c)
#define PROBE4(name, a, b, c, d)          STAP_PROBE4(gait, name, a, b, c, d)
#define PROBE5(name, a, b, c, d, e)       STAP_PROBE5(gait, name, a, b, c, d, e)
#define PROBE6(name, a, b, c, d, e, f)    STAP_PROBE6(gait, name, a, b, c, d, e, f)
#define PROBE7(name, a, b, c, d, e, f, g) STAP_PROBE7(gait, name, a, b, c, d, e, f, g)
#else
#define PROBE3(name, a, b, c)             ((void)sizeof(a), (void)sizeof(b), (void)sizeof(c))
#define PROBE4(name, a, b, c, d)          (PROBE3(name, a, b, c), (void)sizeof(d))
#define PROBE5(name, a, b, c, d, e)       (PROBE4(name, a, b, c, d), (void)sizeof(e))
#define PROBE6(name, a, b, c, d, e, f)    (PROBE5(name, a, b, c, d, e), (void)sizeof(f))
#define PROBE7(name, a, b, c, d, e, f, g) (PROBE6(name, a, b, c, d, e, f), (void)sizeof(g))
#endif

#endif
