/* The door of judge: what a prediction is worth. Sequences are packed int32 tokens. */
#ifndef RLAB_JUDGE_JUDGE_H
#define RLAB_JUDGE_JUDGE_H

#include "lang/lang.h"

/* R packed sequences. tokens (off[R],) int32; off (R+1,) int64, off[0] == 0, never falling. */
typedef struct rlab_packed {
    const int32_t *tokens;
    const int64_t *off;
} rlab_packed;

/* Compares every prediction with its target, position by position.
 *   exact (R,) uint8   out: 1 where both sequences are the same
 *   right (R,) int64   out: positions at which both have the same token
 *   length (R,) int64  out: the longer of the two lengths, so that surplus and missing tokens count
 *   first (R,) int64   out: the first position at which they part, -1 where they never do
 * Both have `count` sequences. */
void rlab_judge_compare(uint8_t *exact, int64_t *right, int64_t *length, int64_t *first,
                        rlab_packed predicted, rlab_packed target, int64_t count, int threads);

/* What steps.c adds to rlab_verdict: the term after has no reading; the term before has none, or a
 * budget ran out. */
enum { RLAB_MALFORMED = RLAB_WRONG + 1, RLAB_UNJUDGED, RLAB_STEP_VERDICTS };

/* Steps of reductions, in the output encoding of a codec. */
typedef struct rlab_steps {
    const rlab_program *program;
    const rlab_codec *codec;
    uint32_t group; /* the traced functions, or UINT32_MAX */
    rlab_strategy strategy;
    rlab_granularity granularity;
    uint64_t every, lookahead; /* steps a term; steps looked for in all */
    rlab_budget budget;
    rlab_packed before, after;
    uint8_t *verdict;  /* (R,) out: rlab_verdict, RLAB_MALFORMED or RLAB_UNJUDGED */
    int64_t *steps;    /* (R,) out: steps from before to after, where it is a reduct */
    int64_t *position; /* (R,) out: token at which after parts from what was expected, or cannot be
                          read; -1: none */
} rlab_steps;

/* Judges `count` steps, each by itself. Terms count as the same when they are written the same. */
rlab_status rlab_judge_steps(rlab_ctx *ctx, rlab_steps *steps, int64_t count, int threads);

/* Whether sequences are values of a side of a codec.
 *   position (R,) int64  out: the token where it is not, -1 where it is */
rlab_status rlab_judge_malformed(rlab_ctx *ctx, int64_t *position, const rlab_program *program,
                                 const rlab_codec *codec, int side, rlab_packed packed,
                                 int64_t count, int threads);

#endif
