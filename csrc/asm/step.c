/* One run: the rule's updates are collected against the old state, then made all at once. */
#include "asm/inner.h"

#include <string.h>

/* ---- a worker's memory ---------------------------------------------------------------------- */

rlab_status
rlab_asm_worker_init(rlab_ctx *ctx, rlab_asm_worker *w, const rlab_asm *machine,
                     rlab_asm_budget budget) {
    size_t places = 16, locations = (size_t)budget.locations;
    size_t n_vars = (size_t)machine->spec.n_vars;
    memset(w, 0, sizeof *w);
    while (places < 2 * locations && machine->spec.n_functions)
        places *= 2;
    w->machine = machine;
    w->budget = budget;
    w->mask = (uint32_t)(places - 1);
    RLAB_TRY(rlab_alloc(ctx, (void **)&w->registers, (size_t)machine->registers, sizeof(int32_t)));
    RLAB_TRY(rlab_alloc(ctx, (void **)&w->vars, n_vars, sizeof *w->vars));
    RLAB_TRY(rlab_alloc(ctx, (void **)&w->output, locations, sizeof *w->output));
    RLAB_TRY(rlab_alloc(ctx, (void **)&w->places, places, sizeof *w->places));
    RLAB_TRY(rlab_alloc(ctx, (void **)&w->updates, n_vars + 2 * locations, sizeof(uint32_t)));
    if (machine->spec.n_consts)
        memcpy(w->registers + 1, machine->consts, (size_t)machine->spec.n_consts * sizeof(int32_t));
    return RLAB_OK;
}

void
rlab_asm_worker_free(rlab_asm_worker *w) {
    rlab_free(w->registers);
    rlab_free(w->vars);
    rlab_free(w->output);
    rlab_free(w->places);
    rlab_free(w->updates);
}

/* ---- locations --------------------------------------------------------------------------------
 */

static bool
fault(rlab_asm_worker *w, rlab_asm_end end, int32_t function, int32_t a, int32_t b) {
    rlab_asm_update at = {0, function, a, b, 0};
    w->fault.end = end;
    w->fault.at = at;
    return false;
}

/* The place of a location: its own, or the free one where it would go. Neighbouring arguments are
 * neighbours in memory. At least half of the places are free, so the search ends. */
static rlab_asm_place *
place_of(const rlab_asm_worker *w, int32_t function, int32_t a, int32_t b) {
    uint32_t hash = (uint32_t)a + (uint32_t)function * UINT32_C(0x9e3779b1) +
                    (uint32_t)b * UINT32_C(0x85ebca77);
    hash += (hash >> 11) * UINT32_C(0x27d4eb2f);
    for (;; hash++) {
        rlab_asm_place *p = &w->places[hash & w->mask];
        if (p->cell.stamp <= w->start || (p->function == function && p->a == a && p->b == b))
            return p;
    }
}

static int32_t
get(const rlab_asm_worker *w, int32_t function, const int32_t *args) {
    int32_t b = w->machine->arity[function] == 2 ? args[1] : 0;
    const rlab_asm_place *p = place_of(w, function, args[0], b);
    return p->cell.stamp > w->start ? p->cell.value : w->machine->initial[function];
}

/* Adds an update to the set. False where the set has another value for the cell. */
static inline bool
update(rlab_asm_worker *w, rlab_asm_cell *cell, int64_t number, int32_t value) {
    if (cell->stamp == w->now)
        return cell->pending == value;
    cell->stamp = w->now;
    cell->pending = value;
    w->updates[w->n_updates++] = (uint32_t)number;
    return true;
}

static bool
conflict(rlab_asm_worker *w, const rlab_asm_cell *cell, int32_t value, int32_t function, int32_t a,
         int32_t b) {
    fault(w, RLAB_ASM_CONFLICT, function, a, b);
    w->fault.at.value = cell->pending;
    w->fault.other = value;
    return false;
}

static bool
set(rlab_asm_worker *w, int32_t reg, int32_t value) {
    int64_t i = reg - w->machine->vars;
    if (update(w, &w->vars[i], i, value))
        return true;
    return conflict(w, &w->vars[i], value, RLAB_ASM_VARIABLE, (int32_t)i, 0);
}

static bool
write(rlab_asm_worker *w, int32_t at, int32_t value) {
    rlab_asm_cell *cell;
    if (at < 0)
        return fault(w, RLAB_ASM_RANGE, RLAB_ASM_RESULT, at, 0);
    if (at >= w->budget.locations)
        return fault(w, RLAB_ASM_LOCATIONS, RLAB_ASM_RESULT, at, 0);
    cell = &w->output[at];
    if (cell->stamp <= w->start)
        cell->value = -1;
    if (at >= w->n_output)
        w->n_output = at + 1;
    if (update(w, cell, w->machine->spec.n_vars + at, value))
        return true;
    return conflict(w, cell, value, RLAB_ASM_RESULT, at, 0);
}

static bool
put(rlab_asm_worker *w, int32_t function, const int32_t *args, int32_t value) {
    int32_t b = w->machine->arity[function] == 2 ? args[1] : 0;
    rlab_asm_place *p = place_of(w, function, args[0], b);
    int64_t number = w->machine->spec.n_vars + w->budget.locations + (p - w->places);
    if (p->cell.stamp <= w->start) {
        if (w->n_places == w->budget.locations)
            return fault(w, RLAB_ASM_LOCATIONS, function, args[0], b);
        w->n_places++;
        p->function = function;
        p->a = args[0];
        p->b = b;
        p->cell.value = w->machine->initial[function];
    }
    if (update(w, &p->cell, number, value))
        return true;
    return conflict(w, &p->cell, value, function, args[0], b);
}

/* ---- instructions -------------------------------------------------------------------------------
 */

/* Division that rounds down; the remainder has the divisor's sign. */
static int64_t
divide(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int32_t
draw(rlab_asm_worker *w, int32_t n) {
    if (!w->drawn)
        rlab_rng_init(&w->rng, w->seed, RLAB_STREAM_CHOOSE, w->index);
    w->drawn = true;
    return n < 1 ? 0 : (int32_t)rlab_rng_below(&w->rng, (uint64_t)n);
}

/* ADD SUB MUL DIV MOD; false on a fault. */
static bool
arithmetic(rlab_asm_worker *w, const rlab_asm_code *c) {
    int64_t a = w->registers[c->a], b = w->registers[c->b], value;
    if ((c->op == RLAB_ASM_DIV || c->op == RLAB_ASM_MOD) && b == 0)
        return fault(w, RLAB_ASM_DIVISION, RLAB_ASM_VARIABLE, 0, 0);
    switch (c->op) {
    case RLAB_ASM_ADD:
        value = a + b;
        break;
    case RLAB_ASM_SUB:
        value = a - b;
        break;
    case RLAB_ASM_MUL:
        value = a * b;
        break;
    case RLAB_ASM_DIV:
        value = divide(a, b);
        break;
    default:
        value = a - b * divide(a, b);
    }
    if (value < INT32_MIN || value > INT32_MAX)
        return fault(w, RLAB_ASM_RANGE, RLAB_ASM_VARIABLE, 0, 0);
    w->registers[c->d] = (int32_t)value;
    return true;
}

/* Runs a section from `line` to its END. Only NEXT goes back, and each time it costs a turn. */
static bool
section(rlab_asm_worker *w, int64_t line, bool *last) {
    const rlab_asm_code *const code = w->machine->code;
    int32_t *const r = w->registers;
    for (const rlab_asm_code *c = code + line;; c++) {
        switch ((rlab_asm_op)c->op) {
        case RLAB_ASM_END:
        case RLAB_ASM_OP_COUNT:
            return true;
        case RLAB_ASM_MOV:
        case RLAB_ASM_INIT:
            r[c->d] = r[c->a];
            break;
        case RLAB_ASM_NOT:
            r[c->d] = r[c->a] == 0;
            break;
        case RLAB_ASM_ADD:
        case RLAB_ASM_SUB:
        case RLAB_ASM_MUL:
        case RLAB_ASM_DIV:
        case RLAB_ASM_MOD:
            if (!arithmetic(w, c))
                return false;
            break;
        case RLAB_ASM_MIN:
            r[c->d] = r[c->a] < r[c->b] ? r[c->a] : r[c->b];
            break;
        case RLAB_ASM_MAX:
            r[c->d] = r[c->a] > r[c->b] ? r[c->a] : r[c->b];
            break;
        case RLAB_ASM_EQ:
            r[c->d] = r[c->a] == r[c->b];
            break;
        case RLAB_ASM_LT:
            r[c->d] = r[c->a] < r[c->b];
            break;
        case RLAB_ASM_LE:
            r[c->d] = r[c->a] <= r[c->b];
            break;
        case RLAB_ASM_JUMP:
            c = code + c->b - 1;
            break;
        case RLAB_ASM_JZ:
            c = r[c->d] == 0 ? code + c->b - 1 : c;
            break;
        case RLAB_ASM_JNZ:
            c = r[c->d] != 0 ? code + c->b - 1 : c;
            break;
        case RLAB_ASM_JEQ:
            c = r[c->d] == r[c->a] ? code + c->b - 1 : c;
            break;
        case RLAB_ASM_JNE:
            c = r[c->d] != r[c->a] ? code + c->b - 1 : c;
            break;
        case RLAB_ASM_JLT:
            c = r[c->d] < r[c->a] ? code + c->b - 1 : c;
            break;
        case RLAB_ASM_JGE:
            c = r[c->d] >= r[c->a] ? code + c->b - 1 : c;
            break;
        case RLAB_ASM_NEXT:
            if (r[c->d] >= r[c->a])
                break;
            if (--w->work < 0)
                return fault(w, RLAB_ASM_WORK, RLAB_ASM_VARIABLE, 0, 0);
            r[c->d]++;
            c = code + c->b - 1;
            break;
        case RLAB_ASM_HALT:
            *last = true;
            break;
        case RLAB_ASM_INPUT:
            r[c->d] = (uint32_t)r[c->a] < (uint64_t)w->length ? w->input[r[c->a]] : -1;
            break;
        case RLAB_ASM_OUTPUT: {
            int32_t at = r[c->a];
            bool stored = at >= 0 && at < w->n_output && w->output[at].stamp > w->start;
            r[c->d] = stored ? w->output[at].value : -1;
            break;
        }
        case RLAB_ASM_GET:
            r[c->d] = get(w, c->a, r + c->b);
            break;
        case RLAB_ASM_SET:
            if (!set(w, c->d, r[c->a]))
                return false;
            break;
        case RLAB_ASM_PUT:
            if (!put(w, c->a, r + c->b, r[c->d]))
                return false;
            break;
        case RLAB_ASM_WRITE:
            if (!write(w, r[c->d], r[c->a]))
                return false;
            break;
        case RLAB_ASM_RANDOM:
            r[c->d] = draw(w, r[c->a]);
            break;
        }
    }
}

/* ---- a run
 * ---------------------------------------------------------------------------------------- */

bool
rlab_asm_begin(rlab_asm_worker *w, const int32_t *input, int64_t length, uint64_t seed,
               uint64_t index) {
    const rlab_asm *m = w->machine;
    bool last = false;
    w->input = input;
    w->length = length;
    w->seed = seed;
    w->index = index;
    w->drawn = false;
    w->start = w->now;
    w->n_updates = w->n_places = w->n_output = 0;
    w->work = w->budget.work;
    memset(&w->fault, 0, sizeof w->fault);
    memset(w->registers + m->params, 0, (size_t)(m->registers - m->params) * sizeof(int32_t));
    if (length > INT32_MAX)
        return fault(w, RLAB_ASM_RANGE, RLAB_ASM_VARIABLE, 0, 0);
    w->registers[0] = (int32_t)length;
    return section(w, 0, &last);
}

bool
rlab_asm_collect(rlab_asm_worker *w, bool *last) {
    w->now++;
    w->n_updates = 0;
    *last = false;
    if (!section(w, w->machine->spec.rule, last))
        return false;
    w->fault.end = *last ? RLAB_ASM_HALTED : RLAB_ASM_STILL;
    *last |= w->n_updates == 0;
    return true;
}

static rlab_asm_cell *
cell_at(const rlab_asm_worker *w, uint32_t number) {
    int64_t i = number, n_vars = w->machine->spec.n_vars;
    if (i < n_vars)
        return &w->vars[i];
    i -= n_vars;
    return i < w->budget.locations ? &w->output[i] : &w->places[i - w->budget.locations].cell;
}

rlab_asm_update
rlab_asm_update_at(const rlab_asm_worker *w, int64_t i) {
    int64_t number = w->updates[i], n_vars = w->machine->spec.n_vars;
    rlab_asm_update u = {(int32_t)(w->now - w->start - 1), RLAB_ASM_VARIABLE, (int32_t)number, 0,
                         cell_at(w, (uint32_t)number)->pending};
    if (number >= n_vars) {
        number -= n_vars;
        u.function = RLAB_ASM_RESULT;
        u.a = (int32_t)number;
    }
    if (u.function == RLAB_ASM_RESULT && number >= w->budget.locations) {
        const rlab_asm_place *p = &w->places[number - w->budget.locations];
        u.function = p->function;
        u.a = p->a;
        u.b = p->b;
    }
    return u;
}

void
rlab_asm_apply(rlab_asm_worker *w) {
    int64_t n_vars = w->machine->spec.n_vars;
    for (int64_t i = 0; i < w->n_updates; i++) {
        uint32_t number = w->updates[i];
        rlab_asm_cell *cell = cell_at(w, number);
        if (number < n_vars)
            w->registers[w->machine->vars + number] = cell->pending;
        else
            cell->value = cell->pending;
    }
}

int64_t
rlab_asm_output(rlab_asm_worker *w) {
    int64_t n = 0;
    while (n < w->n_output && w->output[n].stamp > w->start && w->output[n].value >= 0)
        n++;
    for (int64_t i = n; i < w->n_output; i++)
        if (w->output[i].stamp > w->start && w->output[i].value >= 0) {
            fault(w, RLAB_ASM_HOLE, RLAB_ASM_RESULT, (int32_t)n, 0);
            return -1;
        }
    return n;
}

void
rlab_asm_go(rlab_asm_worker *w, const int32_t *input, int64_t length, uint64_t seed,
            uint64_t index) {
    bool last = false, fine = rlab_asm_begin(w, input, length, seed, index);
    int64_t steps = 0;
    for (; fine && !last; steps += fine) {
        if (steps == w->budget.steps)
            fine = fault(w, RLAB_ASM_STEPS, RLAB_ASM_VARIABLE, 0, 0);
        else if ((fine = rlab_asm_collect(w, &last)))
            rlab_asm_apply(w);
    }
    w->fault.steps = steps;
}
