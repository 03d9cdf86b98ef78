/* The gradient's norm and AdamW, in blocks of the flat buffers whose sums have one fixed order. */
#include "learn/learn.h"

#include <math.h>

#define BLOCK 16384 /* floats a block: 64 KiB a buffer, a multiple of RLAB_DECAY_BLOCK */

typedef struct work {
    const rlab_optimizer *o;
    rlab_adamw hyper;
} work;

size_t
rlab_optimizer_cells(size_t size) {
    return (size + BLOCK - 1) / BLOCK;
}

static size_t
block_size(const rlab_optimizer *o, int64_t block) {
    size_t left = o->size - (size_t)block * BLOCK;
    return left < BLOCK ? left : BLOCK;
}

static void
norm_blocks(void *arg, int64_t first, int64_t last, int worker) {
    const rlab_optimizer *o = ((const work *)arg)->o;
    (void)worker;
    for (int64_t block = first; block < last; block++)
        o->cells[block] = o->kernels->sumsq(block_size(o, block), o->g + block * BLOCK);
}

double
rlab_optimizer_norm(const rlab_optimizer *o, int threads) {
    work job = {.o = o};
    int64_t blocks = (int64_t)rlab_optimizer_cells(o->size);
    double sum = 0.0;
    rlab_par_for(threads, blocks, 1, norm_blocks, &job);
    for (int64_t block = 0; block < blocks; block++)
        sum += o->cells[block];
    return sqrt(sum);
}

static void
update_blocks(void *arg, int64_t first, int64_t last, int worker) {
    const work *job = arg;
    const rlab_optimizer *o = job->o;
    (void)worker;
    for (int64_t block = first; block < last; block++) {
        int64_t at = block * BLOCK;
        o->kernels->adamw(block_size(o, block), &job->hyper, o->decay + at / RLAB_DECAY_BLOCK,
                          o->g + at, o->w + at, o->m + at, o->v + at);
    }
}

/* x^n by squaring: the same bits everywhere. */
static double
power(double x, int64_t n) {
    double result = 1.0;
    for (; n > 0; n >>= 1, x *= x)
        if (n & 1)
            result *= x;
    return result;
}

void
rlab_optimizer_update(const rlab_optimizer *o, const rlab_train_config *config, double lr,
                      int64_t t, double norm, int threads) {
    work job = {.o = o};
    rlab_adamw *h = &job.hyper;
    h->lr = (float)lr;
    h->beta1 = (float)config->beta1;
    h->beta2 = (float)config->beta2;
    h->eps = (float)config->eps;
    h->weight_decay = (float)config->weight_decay;
    h->bias1 = (float)(1.0 - power(config->beta1, t));
    h->bias2 = (float)(1.0 - power(config->beta2, t));
    h->grad_scale = config->clip > 0.0 && norm > config->clip ? (float)(config->clip / norm) : 1.0f;
    rlab_par_for(threads, (int64_t)rlab_optimizer_cells(o->size), 1, update_blocks, &job);
}
