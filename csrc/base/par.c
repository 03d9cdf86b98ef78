/* The only OpenMP loop: chunks of fixed size handed to workers, so results never depend on threads.
 */
#define _GNU_SOURCE
#include "base/base.h"

#include <pthread.h>
#include <sched.h>
#ifdef _OPENMP
#include <omp.h>
#endif

/* After fork the child has one thread and libgomp's pool is gone: entering a region would hang.
 * Set once in the child, read by every loop; the one mutable global of the library. */
static volatile int forked;

static void
mark_forked(void) {
    forked = 1;
}

static void
watch_fork(void) {
    pthread_atfork(NULL, NULL, mark_forked);
}

static void
run_serial(int64_t n, int64_t grain, rlab_par_body *body, void *arg) {
    for (int64_t first = 0; first < n; first += grain)
        body(arg, first, n - first < grain ? n : first + grain, 0);
}

void
rlab_par_for(int threads, int64_t n, int64_t grain, rlab_par_body *body, void *arg) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int64_t chunks;
    pthread_once(&once, watch_fork);
    if (grain < 1)
        grain = 1;
    chunks = n > 0 ? (n - 1) / grain + 1 : 0;
    if (threads > chunks)
        threads = (int)chunks;
    if (threads <= 1 || forked) {
        run_serial(n, grain, body, arg);
        return;
    }
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
        int64_t first = chunk * grain;
        body(arg, first, n - first < grain ? n : first + grain, omp_get_thread_num());
    }
#else
    run_serial(n, grain, body, arg);
#endif
}

int
rlab_par_processors(void) {
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        int count = CPU_COUNT(&set);
        return count < 1 ? 1 : count;
    }
#endif
    return 1;
}
