/* All states of a run as tokens: what `History.words` says, for a batch at a time. */
#include "asm/inner.h"

#include <string.h>

/* Where a location stands among those of its kind in a state: functions in order, then output. */
static int
order(const rlab_asm_update *x, int32_t function, int32_t a, int32_t b) {
    int32_t one = x->function == RLAB_ASM_RESULT ? INT32_MAX : x->function;
    int32_t two = function == RLAB_ASM_RESULT ? INT32_MAX : function;
    if (one != two)
        return one < two ? -1 : 1;
    if (x->a != a)
        return x->a < a ? -1 : 1;
    return x->b < b ? -1 : x->b > b;
}

/* Notes the value of a location, whose place among those known is found by halving. */
static rlab_status
note(rlab_ctx *ctx, rlab_asm_updates *known, const rlab_asm_update *u) {
    size_t low = 0, high = known->len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (order(&known->at[middle], u->function, u->a, u->b) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < known->len && order(&known->at[low], u->function, u->a, u->b) == 0) {
        known->at[low].value = u->value;
        return RLAB_OK;
    }
    RLAB_TRY(rlab_vec_reserve(ctx, known, known->len + 1));
    memmove(known->at + low + 1, known->at + low, (known->len - low) * sizeof *known->at);
    known->at[low] = *u;
    known->len++;
    return RLAB_OK;
}

static rlab_status
put(rlab_ctx *ctx, rlab_asm_words *out, int32_t token) {
    RLAB_TRY(rlab_vec_reserve(ctx, out, out->len + 1));
    out->at[out->len++] = token;
    return RLAB_OK;
}

/* Writes a number as decimal digits, most significant first, after a minus where negative. */
static rlab_status
put_number(rlab_ctx *ctx, rlab_asm_words *out, const rlab_asm_lexicon *lexicon, int32_t value) {
    int64_t left = value < 0 ? -(int64_t)value : value;
    int32_t digits[10];
    int n = 0;
    if (value < 0)
        RLAB_TRY(put(ctx, out, lexicon->digits[10]));
    do {
        digits[n++] = (int32_t)(left % 10);
        left /= 10;
    } while (left);
    while (n)
        RLAB_TRY(put(ctx, out, lexicon->digits[digits[--n]]));
    return RLAB_OK;
}

/* Writes a value of a sort: sort 0 is the whole numbers, the others have a token a value, from -1
 * on. */
static rlab_status
put_value(rlab_ctx *ctx, rlab_asm_words *out, const rlab_asm_lexicon *lexicon, int32_t sort,
          int32_t value) {
    int64_t at = lexicon->sort_off[sort] + 1 + (int64_t)value;
    if (sort == 0)
        return put_number(ctx, out, lexicon, value);
    if (value < -1 || at >= lexicon->sort_off[sort + 1] || lexicon->values[at] < 0)
        return rlab_fail(ctx, RLAB_EVALUE, "states: no word for the value %d of sort %d", value,
                         sort);
    return put(ctx, out, lexicon->values[at]);
}

/* Writes the state after a step: variables, then stored locations but those with their default. */
static rlab_status
put_state(rlab_ctx *ctx, rlab_asm_words *out, const rlab_asm_lexicon *lexicon,
          const rlab_asm_worker *w, const rlab_asm_updates *known) {
    const rlab_asm *m = w->machine;
    const int64_t n_vars = m->spec.n_vars, n_functions = m->spec.n_functions;
    for (int64_t i = 0; i < n_vars; i++) {
        RLAB_TRY(put(ctx, out, lexicon->names[i]));
        RLAB_TRY(
            put_value(ctx, out, lexicon, lexicon->sorts[3 * i + 2], w->registers[m->vars + i]));
    }
    for (size_t k = 0; k < known->len; k++) {
        const rlab_asm_update *u = &known->at[k];
        const bool result = u->function == RLAB_ASM_RESULT;
        const int64_t i = n_vars + (result ? n_functions : u->function);
        const int32_t *sorts = lexicon->sorts + 3 * i;
        if (u->value == (result ? -1 : m->initial[u->function]))
            continue;
        RLAB_TRY(put(ctx, out, lexicon->names[i]));
        RLAB_TRY(put_value(ctx, out, lexicon, sorts[0], u->a));
        if (!result && m->arity[u->function] == 2)
            RLAB_TRY(put_value(ctx, out, lexicon, sorts[1], u->b));
        RLAB_TRY(put_value(ctx, out, lexicon, sorts[2], u->value));
    }
    return RLAB_OK;
}

/* Applies the update set just collected, and notes what it stores. */
static rlab_status
step(rlab_ctx *ctx, rlab_asm_worker *w, rlab_asm_updates *known) {
    for (int64_t i = 0; i < w->n_updates; i++) {
        rlab_asm_update u = rlab_asm_update_at(w, i);
        if (u.function != RLAB_ASM_VARIABLE)
            RLAB_TRY(note(ctx, known, &u));
    }
    rlab_asm_apply(w);
    return RLAB_OK;
}

rlab_status
rlab_asm_go_states(rlab_ctx *ctx, rlab_asm_worker *w, rlab_asm_updates *known, rlab_asm_words *out,
                   const rlab_asm_lexicon *lexicon, bool fine) {
    bool last = false;
    int64_t steps = 0;
    known->len = 0;
    RLAB_TRY(put_state(ctx, out, lexicon, w, known));
    while (fine && !last) {
        if (steps == w->budget.steps) {
            w->fault.end = RLAB_ASM_STEPS;
            break;
        }
        if (!rlab_asm_collect(w, &last))
            break;
        RLAB_TRY(step(ctx, w, known));
        steps++;
        RLAB_TRY(put(ctx, out, lexicon->step));
        RLAB_TRY(put_state(ctx, out, lexicon, w, known));
    }
    w->fault.steps = steps;
    if (w->fault.end <= RLAB_ASM_STILL)
        (void)rlab_asm_output(w);
    return RLAB_OK;
}
