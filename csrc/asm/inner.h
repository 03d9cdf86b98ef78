/* What the files of asm share: the checked machine and a worker's scratch state. */
#ifndef RLAB_ASM_INNER_H
#define RLAB_ASM_INNER_H

#include "asm/asm.h"

/* Invariant: code, consts, arity and initial are owned copies that rlab_asm_new has checked. */
struct rlab_asm {
    rlab_asm_spec spec;
    int32_t *consts, *arity, *initial;
    rlab_asm_code *code;
    int64_t params, vars, temps, registers; /* first register of each kind, and how many */
};

/* A location's content: `value` in the old state; `pending` the update of step `stamp`. A cell is
 * in use in this run iff stamp >= the run's first step; nothing is cleared between runs. */
typedef struct rlab_asm_cell {
    int32_t value, pending;
    uint64_t stamp;
} rlab_asm_cell;

typedef struct rlab_asm_place {
    int32_t function, a, b;
    rlab_asm_cell cell;
} rlab_asm_place;

/* One worker's state. Steps are numbered over all its runs by `now`; `start` is the number before
 * the run's first step. The update set: indices of cells, variables first, then output, then
 * places. */
typedef struct rlab_asm_worker {
    const rlab_asm *machine;
    const int32_t *input;
    int64_t length;
    rlab_asm_budget budget;
    int32_t *registers;
    rlab_asm_cell *vars, *output;
    rlab_asm_place *places; /* open addressing, mask + 1 of them */
    uint32_t mask;
    uint32_t *updates;
    int64_t n_updates, n_places, n_output; /* n_output: one past the highest position written */
    uint64_t now, start;
    int64_t work; /* turns left */
    uint64_t seed, index;
    bool drawn;
    rlab_rng rng;
    rlab_asm_fault fault;
} rlab_asm_worker;

rlab_status rlab_asm_worker_init(rlab_ctx *ctx, rlab_asm_worker *w, const rlab_asm *machine,
                                 rlab_asm_budget budget);
void rlab_asm_worker_free(rlab_asm_worker *w);

typedef RLAB_VEC(int32_t)
rlab_asm_words;
typedef RLAB_VEC(rlab_asm_update)
rlab_asm_updates;

/* Puts an input in and runs the initial section. False: w->fault says why not. */
bool rlab_asm_begin(rlab_asm_worker *w, const int32_t *input, int64_t length, uint64_t seed,
                    uint64_t index);
/* Computes the update set of the rule; *last is set if the run ends with this step. False: fault.
 */
bool rlab_asm_collect(rlab_asm_worker *w, bool *last);
/* The i-th update of the set just collected. */
rlab_asm_update rlab_asm_update_at(const rlab_asm_worker *w, int64_t i);
void rlab_asm_apply(rlab_asm_worker *w);
/* Length of the output after a run, or -1 (a hole: w->fault). */
int64_t rlab_asm_output(rlab_asm_worker *w);
/* begin, then collect and apply until the run ends. */
void rlab_asm_go(rlab_asm_worker *w, const int32_t *input, int64_t length, uint64_t seed,
                 uint64_t index);
/* After begin, which was `fine` or not: as go, and appends every state to `out` as tokens. `known`
 * is scratch: the stored locations in order. Fails only where memory or words do. */
rlab_status rlab_asm_go_states(rlab_ctx *ctx, rlab_asm_worker *w, rlab_asm_updates *known,
                               rlab_asm_words *out, const rlab_asm_lexicon *lexicon, bool fine);

#endif
