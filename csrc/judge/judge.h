/* The door of judge: what a prediction is worth. Knows base alone; sequences are packed int32
 * tokens. */
#ifndef RLAB_JUDGE_JUDGE_H
#define RLAB_JUDGE_JUDGE_H

#include "base/base.h"

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

#endif
