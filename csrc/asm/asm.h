/* The door of asm: abstract state machines over int32 tokens, checked once and then run on batches.
 * Source: Gurevich, "Evolving algebras 1993: Lipari guide", for states, update sets and steps. */
#ifndef RLAB_ASM_ASM_H
#define RLAB_ASM_ASM_H

#include "base/base.h"

typedef enum rlab_asm_op {
#define X(name, d, a, b, initial) RLAB_ASM_##name,
#include "asm/op.def"
#undef X
    RLAB_ASM_OP_COUNT
} rlab_asm_op;

/* "END", "MOV", ...; NULL beyond the last. */
const char *rlab_asm_op_name(int op);

/* An instruction; what d, a and b are is in op.def. */
typedef struct rlab_asm_code {
    int32_t op, d, a, b;
} rlab_asm_code;

#define RLAB_ASM_ARITY_MAX 2
#define RLAB_ASM_REGISTERS_MAX 65536
#define RLAB_ASM_CODE_MAX 1000000

/* A machine as numbers. Registers: 0 the input's length, then constants, parameters, variables
 * (dynamic functions of arity 0), temporaries. Constants and all below a variable never change
 * during a run; a variable's register holds the old state and changes between steps only.
 *   consts (n_consts,)     int32  values of the constants
 *   arity (n_functions,)   int32  1 or 2: dynamic functions with arguments
 *   initial (n_functions,) int32  their value wherever none was stored
 *   code (n_code,)                the initial section [0, rule), then the rule [rule, n_code);
 *                                 each ends in END */
typedef struct rlab_asm_spec {
    const int32_t *consts, *arity, *initial;
    const rlab_asm_code *code;
    int64_t n_consts, n_params, n_vars, n_temps, n_functions, n_code, rule;
} rlab_asm_spec;

typedef struct rlab_asm rlab_asm;

/* Copies and checks a machine. Whatever the numbers are, running what this accepts reads and writes
 * no memory outside the machine's own and ends within the budgets. */
rlab_status rlab_asm_new(rlab_ctx *ctx, rlab_asm **out, const rlab_asm_spec *spec);
void rlab_asm_free(rlab_asm *machine);

/* How a run ended. Only the first two have an output. The numbers are part of stored results. */
typedef enum rlab_asm_end {
    RLAB_ASM_HALTED = 0, /* a step with halt */
    RLAB_ASM_STILL,      /* a step whose update set is empty: nothing will change any more */
    RLAB_ASM_CONFLICT,   /* two updates of one location with different values */
    RLAB_ASM_STEPS,      /* the budget of steps ran out */
    RLAB_ASM_WORK,       /* the budget of turns of forall and choose ran out */
    RLAB_ASM_LOCATIONS,  /* the budget of stored locations ran out */
    RLAB_ASM_RANGE,      /* arithmetic left 32 bits, or output at a negative position */
    RLAB_ASM_DIVISION,   /* division by zero */
    RLAB_ASM_HOLE,       /* output has a position without a token before one with a token */
    RLAB_ASM_MEMORY,     /* no memory for the output */
    RLAB_ASM_END_COUNT
} rlab_asm_end;

/* Limits of one run. locations bounds the stored locations of all functions with arguments, and
 * apart from them the output's length. */
typedef struct rlab_asm_budget {
    int64_t steps, work, locations;
} rlab_asm_budget;

#define RLAB_ASM_LOCATIONS_MAX (INT64_C(1) << 26)

/* A location: `function` is the index of a function with arguments, or one of these; for a variable
 * `a` is its index. Arguments that a location lacks are 0. */
#define RLAB_ASM_VARIABLE (-1)
#define RLAB_ASM_RESULT (-2)
typedef struct rlab_asm_update {
    int32_t step, function, a, b, value;
} rlab_asm_update;

/* Where a run failed; for a conflict the location and both values, in `at.value` and `other`. */
typedef struct rlab_asm_fault {
    rlab_asm_end end;
    rlab_asm_update at;
    int32_t other;
    int64_t steps; /* steps made */
} rlab_asm_fault;

/* What a batch gave. tokens (off[R],) int32 of off (R+1,) int64; end (R,) of rlab_asm_end;
 * steps (R,): steps made. Owned by the result. */
typedef struct rlab_asm_result {
    int32_t *tokens;
    int64_t *off;
    uint8_t *end;
    int32_t *steps;
    int64_t count;
} rlab_asm_result;

void rlab_asm_result_free(rlab_asm_result *result);

/* Runs a machine on R packed inputs. `choose` draws from (seed, RLAB_STREAM_CHOOSE, first + r), so
 * the result does not depend on threads nor on how a set is cut into batches. */
rlab_status rlab_asm_run(rlab_ctx *ctx, rlab_asm_result *out, const rlab_asm *machine,
                         const int32_t *tokens, const int64_t *off, int64_t count, uint64_t seed,
                         uint64_t first, rlab_asm_budget budget, int threads);

/* The words that states are written with.
 *   names (n_vars + n_functions + 1,)     token of each variable, function and of the output
 *   sorts (n_vars + n_functions + 1, 3)   sorts of two arguments and of the value; 0: whole number
 *   sort_off (n_sorts + 1,), values       the tokens of a sort's values from -1 on; -1: none
 *   digits (11,)                          0 to 9 and the minus
 *   step                                  stands between states */
typedef struct rlab_asm_lexicon {
    const int32_t *names, *sorts, *sort_off, *values, *digits;
    int32_t step;
} rlab_asm_lexicon;

/* As rlab_asm_run; the tokens are those of every state of each run, also of a failed one. */
rlab_status rlab_asm_states(rlab_ctx *ctx, rlab_asm_result *out, const rlab_asm *machine,
                            const rlab_asm_lexicon *lexicon, const int32_t *tokens,
                            const int64_t *off, int64_t count, uint64_t seed, uint64_t first,
                            rlab_asm_budget budget, int threads);

/* Numbers of variables and of functions with arguments. */
void rlab_asm_counts(const rlab_asm *machine, int64_t *n_vars, int64_t *n_functions);

/* One run with its history: for every step its update set, in the order in which the rule made it
 * (steps from 0); `initial` (n_vars,) the variables before the first step; `tokens` the output,
 * empty after a failure. */
typedef struct rlab_asm_history {
    RLAB_VEC(rlab_asm_update)
    updates;
    RLAB_VEC(int32_t)
    tokens;
    int32_t *initial;
    int64_t n_vars;
    rlab_asm_fault fault;
} rlab_asm_history;

void rlab_asm_history_free(rlab_asm_history *history);
rlab_status rlab_asm_trace(rlab_ctx *ctx, rlab_asm_history *out, const rlab_asm *machine,
                           const int32_t *tokens, int64_t length, uint64_t seed, uint64_t index,
                           rlab_asm_budget budget);

#endif
