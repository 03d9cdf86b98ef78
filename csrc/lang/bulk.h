/* The state of the environment machine that takes many contractions at once: bulk.c, unload.c. */
#ifndef RLAB_LANG_BULK_H
#define RLAB_LANG_BULK_H

#include "lang/inner.h"

/* A word stands for a value: below RLAB_BULK_CELL a closed value of the store, else a cell of the
 * arena. An environment is a place in the arena: index i of a term is the word i + 1 below it. It
 * grows in place where nothing lies behind it; otherwise what is needed of it is copied. */
#define RLAB_BULK_CELL UINT32_C(0x80000000)

/* The first word of a cell is kind | id << 3. */
typedef enum rlab_bulk_kind {
    RLAB_BULK_CON,     /* id: constructor; all its arguments */
    RLAB_BULK_PARTIAL, /* id: constructor; number of arguments, these */
    RLAB_BULK_CLOSURE, /* a `fun` or `fix` with free indices, its environment */
    RLAB_BULK_PAP,     /* id: number of arguments; function, these: too few to unfold it */
    RLAB_BULK_READ     /* has been read back: the term that it is */
} rlab_bulk_kind;

/* What is done with the value of the term under way. */
typedef enum rlab_bulk_wait {
    RLAB_BULK_FIELDS, /* it is argument `next` of a constructor; those before it lie at `base` */
    RLAB_BULK_ARGS,   /* it is kid `next` of an application; the function lies at `base`, then the
                         arguments so far, also those that the function brought along */
    RLAB_BULK_HEAD,   /* it is the head of an application whose arguments have not been looked at */
    RLAB_BULK_REST,   /* it is applied to the values from `base` on */
    RLAB_BULK_MATCH,
    RLAB_BULK_LET
} rlab_bulk_wait;

typedef struct rlab_bulk_frame {
    rlab_bulk_wait wait;
    rlab_term term; /* the node with the hole; none for RLAB_BULK_REST */
    uint32_t env;
    uint32_t base; /* values.len when it was pushed */
    uint32_t next;
} rlab_bulk_frame;

typedef enum rlab_bulk_mode {
    RLAB_BULK_EVAL,  /* `term` in `env` is to be reduced */
    RLAB_BULK_GIVE,  /* `value` goes to the innermost frame */
    RLAB_BULK_APPLY, /* the value at `base` is applied to those behind it */
    RLAB_BULK_HALT
} rlab_bulk_mode;

/* Invariant between two turns of the loop: the whole term is what rlab_bulk_unload makes of it. */
typedef struct rlab_bulk {
    rlab_ctx *ctx;
    rlab_store *store;
    rlab_ids arena, values;
    RLAB_VEC(rlab_bulk_frame)
    frames;
    rlab_bulk_mode mode, halted; /* halted: the mode when it was halted */
    rlab_term term;
    uint32_t env, value, base;
    uint64_t left; /* contractions it may still take */
    rlab_status status;
    rlab_ids work, kids; /* scratch of reading back */
} rlab_bulk;

/* Reduces a closed term by cbv until `most` contractions are taken, it is a value, it is stuck, the
 * arena is full, or the caller asks to stop (RLAB_EINTR), whichever comes first: what it became and
 * how many contractions that took. Any other failure leaves the term as it was, none taken. */
rlab_status rlab_bulk_run(rlab_ctx *ctx, rlab_term *out, uint64_t *taken, rlab_bulk *b,
                          rlab_store *store, rlab_term term, uint64_t most);
void rlab_bulk_free(rlab_bulk *b);
/* unload.c: the whole term of a halted machine; its cells are used up. */
rlab_status rlab_bulk_unload(rlab_ctx *ctx, rlab_term *out, rlab_bulk *b);

/* Words of a cell behind the first one that are values, and where they lie. */
static inline uint32_t *
rlab_bulk_parts(rlab_bulk *b, uint32_t cell, uint32_t *count) {
    uint32_t *at = b->arena.at + (cell & ~RLAB_BULK_CELL);
    switch ((rlab_bulk_kind)(at[0] & 7)) {
    case RLAB_BULK_CON:
        *count = b->store->program->ctors.at[at[0] >> 3].arity;
        return at + 1;
    case RLAB_BULK_PARTIAL:
        *count = at[1];
        return at + 2;
    case RLAB_BULK_CLOSURE:
        *count = rlab_term_node(b->store, at[1])->free;
        return b->arena.at + at[2] - *count;
    case RLAB_BULK_PAP:
        *count = (at[0] >> 3) + 1;
        return at + 1;
    default:
        *count = 0;
        return at;
    }
}

#endif
