/* The door of base: what every other room stands on. Errors, memory, random numbers, parallel
 * loops, processor features. Knows nothing of terms, tensors or Python. */
#ifndef RLAB_BASE_BASE_H
#define RLAB_BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- status and ctx: how a function fails ------------------------------------------------- */

typedef enum rlab_status {
    RLAB_OK = 0,
#define X(code, python, when) RLAB_##code,
#include "base/status.def"
#undef X
    RLAB_STATUS_COUNT
} rlab_status;

#define RLAB_MESSAGE_MAX 2048

/* The caller's side of a fallible call. Every fallible function takes one first.
 * Invariant: status == RLAB_OK exactly while message is empty.
 * `position` is the index of the offending token or item where one exists, else -1.
 * `stop`, if set, is asked between steps (rlab_ctx_poll); it returns nonzero to stop. */
typedef struct rlab_ctx {
    rlab_status status;
    int64_t position;
    char message[RLAB_MESSAGE_MAX];
    int (*stop)(void *arg);
    void *stop_arg;
} rlab_ctx;

#if defined(__GNUC__)
#define RLAB_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define RLAB_PRINTF(f, a)
#endif

void rlab_ctx_init(rlab_ctx *ctx);

/* Records a failure (the first one stands) and returns its status, so that a function can end with
 * `return rlab_fail(ctx, RLAB_EVALUE, "size: expected at least 1, got %d", n)`. */
rlab_status rlab_fail(rlab_ctx *ctx, rlab_status status, const char *format, ...) RLAB_PRINTF(3, 4);

/* The same, with the index of the offending token or item. */
rlab_status rlab_fail_at(rlab_ctx *ctx, rlab_status status, int64_t position, const char *format,
                         ...) RLAB_PRINTF(4, 5);

/* Returns RLAB_EINTR if the caller asked to stop. Call between steps, never in a parallel region.
 */
rlab_status rlab_ctx_poll(rlab_ctx *ctx);

#define RLAB_TRY(call)                                                                             \
    do {                                                                                           \
        rlab_status rlab_try_status_ = (call);                                                     \
        if (rlab_try_status_ != RLAB_OK)                                                           \
            return rlab_try_status_;                                                               \
    } while (0)

/* ---- memory --------------------------------------------------------------------------------- */

/* Multiplies or adds sizes; false on overflow. */
bool rlab_size_mul(size_t a, size_t b, size_t *out);
bool rlab_size_add(size_t a, size_t b, size_t *out);

/* malloc of count * size zeroed bytes, 64-byte aligned; frees with rlab_free. NULL is never
 * returned with RLAB_OK, also for zero bytes. */
rlab_status rlab_alloc(rlab_ctx *ctx, void **out, size_t count, size_t size);
void rlab_free(void *p);

/* Grows *items (capacity *cap, items of `size` bytes) so that it holds at least `need`, at least
 * doubling. On failure nothing changes. New bytes are not cleared; no alignment but malloc's. */
rlab_status rlab_grow(rlab_ctx *ctx, void **items, size_t *cap, size_t need, size_t size);

/* A typed growable array: RLAB_VEC(int32_t) tokens = {0}; push with rlab_grow through this macro.
 * `len` items of `cap` are in use. */
#define RLAB_VEC(type)                                                                             \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t len, cap;                                                                           \
    }
#define rlab_vec_reserve(ctx, v, need)                                                             \
    rlab_grow((ctx), (void **)&(v)->at, &(v)->cap, (need), sizeof *(v)->at)
#define rlab_vec_free(v) (rlab_free((v)->at), (v)->at = NULL, (v)->len = (v)->cap = 0)

/* Scratch memory with mark and release. Blocks double; nothing moves; release keeps the blocks.
 * Under RLAB_SANITIZE every allocation is a malloc of its own, so overruns are seen. */
typedef struct rlab_block rlab_block;
typedef struct rlab_arena {
    rlab_block *head; /* newest block, or NULL */
    size_t used;      /* bytes in use over all blocks */
    size_t limit;     /* budget in bytes; 0 means none */
} rlab_arena;
typedef struct rlab_mark {
    rlab_block *block;
    size_t block_used, used;
} rlab_mark;

void rlab_arena_init(rlab_arena *arena, size_t limit);
void rlab_arena_free(rlab_arena *arena);
/* count * size bytes, not cleared, 64-byte aligned. */
rlab_status rlab_arena_alloc(rlab_ctx *ctx, void **out, rlab_arena *arena, size_t count,
                             size_t size);
rlab_mark rlab_arena_mark(const rlab_arena *arena);
void rlab_arena_release(rlab_arena *arena, rlab_mark mark);

/* Tests only: the n-th allocation from now on this thread fails (0 switches it off). */
void rlab_alloc_fail_after(int64_t n);

/* ---- random numbers by counter ----------------------------------------------------------------
 */

/* Philox4x32-10. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3"
 * (SC 2011), section 3. A pure function of key and counter: any thread can make any sample.
 * Our counter layout: key = experiment seed; counter = (draw, index low, index high, stream). */
void rlab_philox(uint32_t out[4], const uint32_t counter[4], uint64_t seed);

/* What a stream of random numbers is for; streams of one seed are independent. Append only:
 * the number of a stream is part of every result. */
typedef enum rlab_stream {
    RLAB_STREAM_INIT = 1, /* parameter initialisation: index = parameter */
    RLAB_STREAM_DROPOUT,  /* index = step and node */
    RLAB_STREAM_SHUFFLE,  /* order of items in an epoch: index = epoch */
    RLAB_STREAM_SPLIT,    /* permutation of ranks: index = size */
    RLAB_STREAM_SAMPLE,   /* sample i of a data set: index = i */
    RLAB_STREAM_DECODE,   /* sampled decoding: index = item */
    RLAB_STREAM_TEST,
    RLAB_STREAM_CHOOSE,   /* choose of an abstract state machine: index = input */
    RLAB_STREAM_POSITION, /* randomised positions: index = step, sequence and space */
    RLAB_STREAM_ADAPTER,  /* first values of low-rank updates: index = parameter */
    RLAB_STREAM_FUNCTION, /* sampled functions and mutants: index = item */
    RLAB_STREAM_SIZE      /* size of sample i where a law draws it: index = i */
} rlab_stream;

/* A cursor over the numbers of (seed, stream, index). Plain data: copy it to fork it. */
typedef struct rlab_rng {
    uint64_t seed;
    uint32_t counter[4];
    uint32_t buffer[4];
    int left;
} rlab_rng;

void rlab_rng_init(rlab_rng *rng, uint64_t seed, rlab_stream stream, uint64_t index);
uint32_t rlab_rng_u32(rlab_rng *rng);
uint64_t rlab_rng_u64(rlab_rng *rng);
/* Uniform in [0, n), n >= 1, without bias (rejection). */
uint64_t rlab_rng_below(rlab_rng *rng, uint64_t n);
/* Uniform in (0, 1), 24 bits, never 0 and never 1. */
float rlab_rng_float(rlab_rng *rng);
/* Standard normal, by inversion in double precision; no function of the C library is used. */
float rlab_rng_normal(rlab_rng *rng);

/* Item i of a pseudo-random permutation of [0, n), a function of (seed, stream, index) alone: a
 * keyed Feistel network with cycle walking, so any part of a permutation of 2^60 ranks costs its
 * own length. rlab_permute_inverse is its exact inverse. n >= 1, i < n. */
uint64_t rlab_permute(uint64_t n, uint64_t i, uint64_t seed, rlab_stream stream, uint64_t index);
uint64_t rlab_permute_inverse(uint64_t n, uint64_t i, uint64_t seed, rlab_stream stream,
                              uint64_t index);

/* ---- numbers of any length --------------------------------------------------------------------
 */

/* A natural number: limbs of 32 bits, least first, the last one not 0; zero has none. A rlab_big
 * owns its limbs, rlab_limbs only looks at them. */
typedef RLAB_VEC(uint32_t)
rlab_big;
typedef struct rlab_limbs {
    const uint32_t *at;
    size_t len;
} rlab_limbs;

static inline rlab_limbs
rlab_big_view(const rlab_big *x) {
    rlab_limbs view;
    view.at = x->at;
    view.len = x->len;
    return view;
}
int rlab_big_compare(rlab_limbs a, rlab_limbs b);
/* Whether it has at most 64 bits; then *out is its value. */
bool rlab_big_fits(rlab_limbs a, uint64_t *out);
rlab_status rlab_big_set(rlab_ctx *ctx, rlab_big *out, rlab_limbs a);
rlab_status rlab_big_set64(rlab_ctx *ctx, rlab_big *out, uint64_t value);
rlab_status rlab_big_add(rlab_ctx *ctx, rlab_big *sum, rlab_limbs a);
/* x -= a, which is at most x. */
void rlab_big_sub(rlab_big *x, rlab_limbs a);
/* sum += a * b; neither is a view of sum. */
rlab_status rlab_big_add_product(rlab_ctx *ctx, rlab_big *sum, rlab_limbs a, rlab_limbs b);
/* quotient = x / divisor, x = the remainder; divisor is not 0 and no view of x. */
rlab_status rlab_big_divide(rlab_ctx *ctx, rlab_big *quotient, rlab_big *x, rlab_limbs divisor);
/* rlab_rng_below and rlab_permute for any n; the same numbers where n has at most 64 bits. */
rlab_status rlab_big_below(rlab_ctx *ctx, rlab_big *out, rlab_rng *rng, rlab_limbs n);
rlab_status rlab_big_permute(rlab_ctx *ctx, rlab_big *out, rlab_limbs n, rlab_limbs item,
                             uint64_t seed, rlab_stream stream, uint64_t index);

/* ---- hashing ------------------------------------------------------------------------------------
 */

/* Mixes a word into a running 64-bit hash; start from RLAB_HASH_START. Not cryptographic. */
#define RLAB_HASH_START UINT64_C(0x9e3779b97f4a7c15)
static inline uint64_t
rlab_hash_mix(uint64_t hash, uint64_t word) {
    uint64_t x = (hash ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 29;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 32);
}

/* ---- parallel loops -----------------------------------------------------------------------------
 */

/* Runs body(arg, first, last, worker) over [0, n) cut into chunks of `grain` items, on `threads`
 * threads. Chunks are the same whatever the number of threads, and `worker` (in [0, threads)) may
 * only choose scratch memory, never a result. The only OpenMP loop in the library. The body returns
 * void: whatever can fail was done before, or fills a cell of a status array. */
typedef void rlab_par_body(void *arg, int64_t first, int64_t last, int worker);
void rlab_par_for(int threads, int64_t n, int64_t grain, rlab_par_body *body, void *arg);

/* Processors this process may use (affinity mask), at least 1. */
int rlab_par_processors(void);

/* ---- processor
 * ------------------------------------------------------------------------------------- */

typedef enum rlab_isa {
    RLAB_ISA_BASE = 0,
    RLAB_ISA_AVX2,
    RLAB_ISA_AVX512,
    RLAB_ISA_AVX512BF16,
    RLAB_ISA_COUNT
} rlab_isa;

const char *rlab_isa_name(rlab_isa isa); /* "base", "avx2", "avx512", "avx512bf16" */
/* The widest instruction set that this processor and this build have. */
rlab_isa rlab_isa_best(void);
/* `name` NULL or "": the best one. An unknown or unavailable name is an error that lists what there
 * is. */
rlab_status rlab_isa_choose(rlab_ctx *ctx, rlab_isa *out, const char *name);

#endif
