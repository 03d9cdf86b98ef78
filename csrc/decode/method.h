/* Inside decode: what a method of method.def is, and what it works on. */
#ifndef RLAB_DECODE_METHOD_H
#define RLAB_DECODE_METHOD_H

#include "decode/decode.h"

/* A live hypothesis: its tokens stand at chosen + slot * max_length. */
typedef struct rlab_beam {
    int32_t slot, token; /* token: the last one, which the decoder reads next */
    double score, drawn, key;
    rlab_rng rng;
} rlab_beam;

/* A hypothesis with one more token. */
typedef struct rlab_candidate {
    int32_t parent, token; /* parent: number of the beam */
    double score, drawn, key;
} rlab_candidate;

/* A hypothesis that ended: its tokens stand at stored + (the group's first slot + place) *
 * max_length. Invariant: the places of a group's `width` finals, in use or not, are a permutation.
 */
typedef struct rlab_final {
    int32_t place, length;
    bool finished;
    double score, drawn, key;
} rlab_final;

/* One item being decoded, on slots first_slot .. first_slot + width. All beams have `length`
 * tokens. Invariant between steps: finals are sorted by key, best first. */
typedef struct rlab_group {
    int64_t item;
    int32_t first_slot, length, n_beams, n_children, n_finals;
    rlab_beam *beam, *next; /* (width,) */
    rlab_candidate *child;  /* (width,) */
    rlab_final *final;      /* (width,) */
    rlab_rng rng;
} rlab_group;

/* What a thread's methods share. */
typedef struct rlab_desk {
    const rlab_decode_config *config;
    const rlab_kernels *kernels;
    int32_t width, vocab;     /* hypotheses of an item; V */
    float *work;              /* (V,) */
    double *logp, *phi, *own; /* (V,) */
    int32_t *order;           /* (V,) */
    rlab_candidate *best;     /* (2 width,) */
    const uint8_t *allowed;   /* (beams, V) of the group at work, or NULL */
    int32_t *chosen;          /* (slots, max_length) of beams */
    int32_t *stored;          /* (slots, max_length) of finals */
    int32_t *alt_token;       /* (slots, max_length + 1, alternatives) of beams, or NULL */
    double *alt_logp;
    int32_t *stored_alt_token; /* the same of finals */
    double *stored_alt_logp;
} rlab_desk;

struct rlab_decode_method {
    const char *name;
    bool independent; /* width is num_return_sequences: nothing is shared but the source */
    bool wide;        /* num_beams may be above 1 */
    /* Sets n_beams and what a beam begins with (scores and keys come as 0). */
    void (*begin)(const rlab_desk *desk, rlab_group *group);
    /* From logits (n_beams, V): files what ends, makes children of the rest, best first; without
     * children the item is done. False if a number that must be finite is not. */
    bool (*step)(rlab_desk *desk, rlab_group *group, const float *logits);
};

#define X(name) extern const rlab_decode_method rlab_decode_##name;
#include "decode/method.def"
#undef X

/* ---- shared by methods (pick.c) ---------------------------------------------------------------
 */

/* Log-probabilities of logits (V,); false if they are not finite. */
bool rlab_decode_logps(const rlab_desk *desk, const float *logits, double *logp);

/* The distribution to draw from, in the order Hugging Face applies it: logits / temperature, top-k
 * (with all that equal the k-th), top-p (the likeliest tokens until their share reaches p), min-p
 * (at least p times the likeliest). allowed (V,) or NULL acts first. Fills desk->work with weights,
 * 0 where a token is left out, and gives their sum; 0 if nothing is left. */
double rlab_decode_weights(const rlab_desk *desk, const float *logits, const uint8_t *allowed);

/* Puts a candidate among the best so far, sorted by key; of equals the earlier stands first.
 * Returns their number, at most `most`. */
int32_t rlab_decode_keep(rlab_candidate *best, int32_t n, int32_t most,
                         const rlab_candidate *candidate);

/* Files a hypothesis that ended: `finished`, the parent's tokens and <eos>; else the parent's
 * tokens alone. Where there are `width` already, the one with the worst key goes. */
void rlab_decode_file(const rlab_desk *desk, rlab_group *group, const rlab_candidate *candidate,
                      bool finished);

/* Uniform in (0, 1), 52 bits. */
double rlab_decode_uniform(rlab_rng *rng);

/* The likeliest `n` tokens of logits (V,), best first, smaller ids first among equals. */
bool rlab_decode_top(rlab_desk *desk, const float *logits, int32_t n, int32_t *token, double *logp);

/* ---- numbers (number.c): errors of a few units in the last place ------------------------------
 */

double rlab_decode_exp(double x);
double rlab_decode_log(double x);
double rlab_decode_log1p(double x);                  /* log(1 + x) */
double rlab_decode_log1mexp(double x);               /* log(1 - exp(x)), x <= 0 */
double rlab_decode_power(double x, double exponent); /* x > 0 */

#endif
