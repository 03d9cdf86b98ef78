/* Exact match and token accuracy: a hot loop over millions of short sequences. */
#include "judge/judge.h"

#define GRAIN 4096 /* sequences a chunk */

typedef struct compare_job {
    uint8_t *exact;
    int64_t *right, *length, *first;
    rlab_packed predicted, target;
} compare_job;

static void
compare_one(const compare_job *job, int64_t i) {
    int64_t from_p = job->predicted.off[i], n_p = job->predicted.off[i + 1] - from_p;
    int64_t from_t = job->target.off[i], n_t = job->target.off[i + 1] - from_t;
    const int32_t *p = job->predicted.tokens + from_p, *t = job->target.tokens + from_t;
    int64_t both = n_p < n_t ? n_p : n_t, right = 0, first = -1;
    for (int64_t k = 0; k < both; k++) {
        if (p[k] == t[k])
            right++;
        else if (first < 0)
            first = k;
    }
    if (first < 0 && n_p != n_t)
        first = both;
    job->exact[i] = first < 0;
    job->right[i] = right;
    job->length[i] = n_p > n_t ? n_p : n_t;
    job->first[i] = first;
}

static void
compare_body(void *arg, int64_t first, int64_t last, int worker) {
    (void)worker;
    for (int64_t i = first; i < last; i++)
        compare_one(arg, i);
}

void
rlab_judge_compare(uint8_t *exact, int64_t *right, int64_t *length, int64_t *first,
                   rlab_packed predicted, rlab_packed target, int64_t count, int threads) {
    compare_job job = {exact, right, length, first, predicted, target};
    rlab_par_for(threads, count, GRAIN, compare_body, &job);
}
