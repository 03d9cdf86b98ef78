/* Inside decode: a lane is one thread's work, the items it decodes at once and room for them. */
#ifndef RLAB_DECODE_LANE_H
#define RLAB_DECODE_LANE_H

#include "decode/method.h"

/* Items first, first + stride, ... Invariant: live[0 .. n_live) and spare[0 .. n_spare) are all
 * groups, each once. S = groups * width slots of the target; group g has slots g * width and on,
 * and slot g of the source. */
typedef struct rlab_lane {
    rlab_exec *exec;
    rlab_desk desk;
    int64_t next, stride;
    int32_t groups, n_live, n_spare;
    int32_t *live, *spare;              /* (groups,) */
    rlab_group *group;                  /* (groups,) */
    int32_t *token, *slot, *to, *reach; /* (S,) of a step */
    int64_t *off;                       /* (S + 1,) of a step */
    int32_t *source;                    /* (source_rows,) of sources that enter */
    uint8_t *allowed;                   /* (S, V), with a guide */
    unsigned char *state;               /* (S, state_size), with a guide */
    uint8_t *taken;                     /* (width,) */
    rlab_tap *taps;                     /* (n_taps,) the config's, with counters of its own */
    int64_t *fired;                     /* (n_taps,) */
    rlab_beam *beams;                   /* what the groups' arrays are parts of */
    rlab_candidate *children;
    rlab_final *finals;
    /* Of finished items: tokens, and the alternatives of every step. */
    RLAB_VEC(int32_t)
    out;
    RLAB_VEC(int32_t)
    out_alt_token;
    RLAB_VEC(double)
    out_alt_logp;
    rlab_ctx ctx;
} rlab_lane;

typedef struct rlab_decoder {
    const rlab_model *model;
    const rlab_sources *sources;
    const rlab_decode_config *config;
    int64_t longest, source_rows;
    int32_t width;
    rlab_lane *lanes;
    int n_lanes;
    int64_t *place, *alt_place; /* (R n,) where in its lane's `out` an output begins */
    rlab_decoded *out;
} rlab_decoder;

/* Makes room for `groups` items at once. */
rlab_status rlab_lane_init(rlab_ctx *ctx, rlab_decoder *d, rlab_lane *lane, int32_t groups);
void rlab_lane_free(rlab_lane *lane);
/* Room for what may leave in one rlab_lane_advance. */
rlab_status rlab_lane_reserve(rlab_ctx *ctx, const rlab_decoder *d, rlab_lane *lane);
/* Some steps; a failure stands in lane->ctx. Allocates nothing. */
void rlab_lane_advance(rlab_decoder *d, rlab_lane *lane);

/* places.c: decoding by a model that says a token a place, whole sources at once. Same outputs as
 * lanes give; needs the arrays of d->out but ids, and makes those. */
rlab_status rlab_decode_places(rlab_ctx *ctx, rlab_decoder *d, int threads);

/* Allocates count zeroed items into a pointer. */
#define RLAB_MAKE(field, count)                                                                    \
    do {                                                                                           \
        void *made_ = NULL;                                                                        \
        RLAB_TRY(rlab_alloc(ctx, &made_, (size_t)(count), sizeof *(field)));                       \
        (field) = made_;                                                                           \
    } while (0)

#endif
