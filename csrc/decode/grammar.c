/* The guide of LL(1) grammars: prefixes of words that still fit. The encoding of a type is one. */
#include "decode/decode.h"

#include <string.h>

#include "decode/lane.h"

/* The state: what is still to come, last symbol first. Zeroed at the start, so `begun` is 0. */
typedef struct expected {
    int32_t begun, depth;
    int32_t owed; /* tokens of a shortest ending: the sum of the symbols' least */
    int32_t symbol[];
} expected;

static int32_t
rule_of(const rlab_grammar *g, int32_t symbol, int32_t token) {
    for (int32_t r = g->rule[symbol]; r < g->rule[symbol + 1]; r++)
        if (g->token[r] == token)
            return r;
    return RLAB_NONE;
}

static void
push(const rlab_grammar *g, expected *e, int32_t symbol) {
    e->symbol[e->depth++] = symbol;
    e->owed += g->least[symbol];
}

/* Reads a token that was allowed: the first expected symbol gives way to its rule's tail. */
static void
read_token(const rlab_grammar *g, expected *e, int32_t token) {
    int32_t symbol, rule;
    if (e->depth == 0)
        return;
    symbol = e->symbol[--e->depth];
    e->owed -= g->least[symbol];
    rule = rule_of(g, symbol, token);
    for (int32_t i = g->tail[rule + 1] - 1; i >= g->tail[rule]; i--)
        push(g, e, g->symbol[i]);
}

static int64_t
least_of_rule(const rlab_grammar *g, int32_t rule) {
    int64_t sum = 1;
    for (int32_t i = g->tail[rule]; i < g->tail[rule + 1]; i++)
        sum += g->least[g->symbol[i]];
    return sum;
}

static void
allow(const void *arg, void *state, int32_t last, int32_t room, uint8_t *allowed) {
    const rlab_grammar *g = arg;
    expected *e = state;
    int32_t symbol;
    if (e->begun)
        read_token(g, e, last);
    else
        push(g, e, 0);
    e->begun = 1;
    if (e->depth == 0) {
        allowed[g->eos] = 1;
        return;
    }
    symbol = e->symbol[e->depth - 1];
    for (int32_t r = g->rule[symbol]; r < g->rule[symbol + 1]; r++)
        if (e->owed - g->least[symbol] + least_of_rule(g, r) <= room)
            allowed[g->token[r]] = 1;
}

/* ---- making it ------------------------------------------------------------------------------ */

static rlab_status
check_rule(rlab_ctx *ctx, const rlab_grammar *g, int32_t symbol, int32_t rule, int32_t vocab) {
    if (g->token[rule] < 0 || g->token[rule] >= vocab || g->token[rule] == g->eos)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "grammar: expected tokens in [0, %d) that are not <eos>, got %d in rule "
                         "%d",
                         (int)vocab, (int)g->token[rule], (int)rule);
    if (rule_of(g, symbol, g->token[rule]) != rule)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "grammar: expected each token once a symbol, got token %d twice in "
                         "symbol %d",
                         (int)g->token[rule], (int)symbol);
    for (int32_t i = g->tail[rule]; i < g->tail[rule + 1]; i++)
        if (g->symbol[i] < 0 || g->symbol[i] >= g->n_symbols)
            return rlab_fail(ctx, RLAB_EVALUE,
                             "grammar: expected symbols in [0, %d), got %d in rule %d",
                             (int)g->n_symbols, (int)g->symbol[i], (int)rule);
    return RLAB_OK;
}

/* Offsets that begin at 0, never fall and end at `last`. */
static bool
are_offsets(const int32_t *off, int32_t n, int32_t last) {
    for (int32_t i = 0; i < n; i++)
        if (off[i] > off[i + 1])
            return false;
    return off[0] == 0 && off[n] == last;
}

static rlab_status
check_rules(rlab_ctx *ctx, const rlab_grammar *g, int32_t vocab) {
    if (g->n_symbols < 1 || !are_offsets(g->rule, g->n_symbols, g->n_rules) ||
        !are_offsets(g->tail, g->n_rules, g->tail[g->n_rules]))
        return rlab_fail(ctx, RLAB_EVALUE,
                         "grammar: expected offsets that begin at 0, never fall and end at the "
                         "number of rules, and of symbols");
    for (int32_t s = 0; s < g->n_symbols; s++)
        for (int32_t r = g->rule[s]; r < g->rule[s + 1]; r++)
            RLAB_TRY(check_rule(ctx, g, s, r, vocab));
    return RLAB_OK;
}

/* Lengths of shortest words, by lowering them until nothing changes. */
static rlab_status
measure(rlab_ctx *ctx, rlab_grammar *g, int32_t max_length) {
    const int32_t none = 1 << 25; /* more than any max_length */
    for (int32_t s = 0; s < g->n_symbols; s++)
        g->least[s] = none;
    for (bool changed = true; changed;) {
        changed = false;
        for (int32_t s = 0; s < g->n_symbols; s++)
            for (int32_t r = g->rule[s]; r < g->rule[s + 1]; r++) {
                int64_t least = least_of_rule(g, r);
                if (least < g->least[s]) {
                    g->least[s] = (int32_t)least;
                    changed = true;
                }
            }
    }
    if (g->least[0] > max_length)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "max_length: expected room for the grammar's shortest word (%s%d tokens), "
                         "got %d",
                         g->least[0] == none ? "there is none: above " : "",
                         (int)(g->least[0] == none ? none - 1 : g->least[0]), (int)max_length);
    return RLAB_OK;
}

rlab_status
rlab_grammar_guide(rlab_ctx *ctx, rlab_decode_guide *out, rlab_grammar *grammar, int32_t vocab,
                   int32_t max_length) {
    RLAB_TRY(check_rules(ctx, grammar, vocab));
    RLAB_MAKE(grammar->least, grammar->n_symbols);
    RLAB_TRY(measure(ctx, grammar, max_length));
    /* A symbol wants a token at least, so no more than max_length stand in what still fits. */
    *out = (rlab_decode_guide){.allow = allow,
                               .arg = grammar,
                               .state_size =
                                   sizeof(expected) + ((size_t)max_length + 1) * sizeof(int32_t)};
    return RLAB_OK;
}

void
rlab_grammar_free(rlab_grammar *grammar) {
    rlab_free(grammar->least);
    grammar->least = NULL;
}
