/* The door through which machines come in: every operand is checked, so that running trusts them.
 */
#include "asm/inner.h"

#include <string.h>

typedef enum operand { O, T, R, I, S, F, A, J, B } operand;

static const struct {
    const char *name;
    operand d, a, b;
    bool initial;
} ops[RLAB_ASM_OP_COUNT] = {
#define X(name, d, a, b, initial) {#name, d, a, b, initial},
#include "asm/op.def"
#undef X
};

const char *
rlab_asm_op_name(int op) {
    return op >= 0 && op < RLAB_ASM_OP_COUNT ? ops[op].name : NULL;
}

static const char *const operand_names[] = {
    "0",          "a temporary",        "a register",   "a parameter or variable",  "a variable",
    "a function", "argument registers", "a later line", "a line not after this one"};

static bool
within(int32_t value, int64_t first, int64_t end) {
    return value >= first && value < end;
}

/* Whether an operand of the instruction at `line` is what it must be. */
static bool
operand_fits(const rlab_asm *m, operand kind, int32_t value, int64_t line, int32_t function) {
    int64_t first = line < m->spec.rule ? 0 : m->spec.rule;
    int64_t end = line < m->spec.rule ? m->spec.rule : m->spec.n_code;
    switch (kind) {
    case O:
        return value == 0;
    case T:
        return within(value, m->temps, m->registers);
    case R:
        return within(value, 0, m->registers);
    case I:
        return line < m->spec.rule && within(value, m->params, m->temps);
    case S:
        return within(value, m->vars, m->temps);
    case F:
        return within(value, 0, m->spec.n_functions);
    case A: /* the function was checked before */
        return within(value, 0, m->registers - m->arity[function] + 1);
    case J:
        return within(value, line + 1, end);
    case B:
        return within(value, first, line + 1);
    }
    return false;
}

static rlab_status
check_line(rlab_ctx *ctx, const rlab_asm *m, int64_t line) {
    const rlab_asm_code *code = &m->code[line];
    const int32_t values[3] = {code->d, code->a, code->b};
    if (code->op < 0 || code->op >= RLAB_ASM_OP_COUNT)
        return rlab_fail_at(ctx, RLAB_EVALUE, line,
                            "machine code, line %lld: expected an instruction below %d, got %d",
                            (long long)line, (int)RLAB_ASM_OP_COUNT, (int)code->op);
    if (line < m->spec.rule && !ops[code->op].initial)
        return rlab_fail_at(ctx, RLAB_EVALUE, line,
                            "machine code, line %lld: %s cannot stand in the initial section",
                            (long long)line, ops[code->op].name);
    for (int i = 0; i < 3; i++) {
        operand kind = i == 0 ? ops[code->op].d : i == 1 ? ops[code->op].a : ops[code->op].b;
        if (!operand_fits(m, kind, values[i], line, code->a))
            return rlab_fail_at(ctx, RLAB_EVALUE, line,
                                "machine code, line %lld: %s expects %s as operand %d, got %d",
                                (long long)line, ops[code->op].name, operand_names[kind], i,
                                (int)values[i]);
    }
    return RLAB_OK;
}

static rlab_status
check_code(rlab_ctx *ctx, const rlab_asm *m) {
    const rlab_asm_spec *s = &m->spec;
    if (m->code[s->rule - 1].op != RLAB_ASM_END || m->code[s->n_code - 1].op != RLAB_ASM_END)
        return rlab_fail(ctx, RLAB_EVALUE, "machine code: each section must end in END");
    for (int64_t i = 0; i < s->n_functions; i++)
        if (!within(m->arity[i], 1, RLAB_ASM_ARITY_MAX + 1))
            return rlab_fail(ctx, RLAB_EVALUE,
                             "machine: function %lld: expected 1 or 2 arguments, "
                             "got %d",
                             (long long)i, (int)m->arity[i]);
    for (int64_t line = 0; line < s->n_code; line++)
        RLAB_TRY(check_line(ctx, m, line));
    return RLAB_OK;
}

static rlab_status
check_counts(rlab_ctx *ctx, const rlab_asm_spec *s) {
    const int64_t counts[5] = {s->n_consts, s->n_params, s->n_vars, s->n_temps, s->n_functions};
    int64_t sum = 1;
    for (int i = 0; i < 5; i++) {
        if (counts[i] < 0 || counts[i] > RLAB_ASM_REGISTERS_MAX)
            return rlab_fail(ctx, RLAB_EVALUE,
                             "machine: expected counts from 0 to %d, got %lld constants, %lld "
                             "parameters, %lld variables, %lld temporaries, %lld functions",
                             RLAB_ASM_REGISTERS_MAX, (long long)counts[0], (long long)counts[1],
                             (long long)counts[2], (long long)counts[3], (long long)counts[4]);
        sum += i < 4 ? counts[i] : 0;
    }
    if (sum > RLAB_ASM_REGISTERS_MAX)
        return rlab_fail(ctx, RLAB_EVALUE, "machine: expected at most %d registers, got %lld",
                         RLAB_ASM_REGISTERS_MAX, (long long)sum);
    if (s->n_code < 2 || s->n_code > RLAB_ASM_CODE_MAX || s->rule < 1 || s->rule >= s->n_code)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "machine code: expected 2 to %d lines and a rule that starts after the "
                         "first, got %lld lines and a rule at %lld",
                         RLAB_ASM_CODE_MAX, (long long)s->n_code, (long long)s->rule);
    return RLAB_OK;
}

static rlab_status
copy(rlab_ctx *ctx, void **out, const void *from, int64_t count, size_t size) {
    RLAB_TRY(rlab_alloc(ctx, out, (size_t)count, size));
    if (count)
        memcpy(*out, from, (size_t)count * size);
    return RLAB_OK;
}

static rlab_status
fill(rlab_ctx *ctx, rlab_asm *m, const rlab_asm_spec *s) {
    RLAB_TRY(copy(ctx, (void **)&m->consts, s->consts, s->n_consts, sizeof *m->consts));
    RLAB_TRY(copy(ctx, (void **)&m->arity, s->arity, s->n_functions, sizeof *m->arity));
    RLAB_TRY(copy(ctx, (void **)&m->initial, s->initial, s->n_functions, sizeof *m->initial));
    RLAB_TRY(copy(ctx, (void **)&m->code, s->code, s->n_code, sizeof *m->code));
    m->params = 1 + s->n_consts;
    m->vars = m->params + s->n_params;
    m->temps = m->vars + s->n_vars;
    m->registers = m->temps + s->n_temps;
    return check_code(ctx, m);
}

rlab_status
rlab_asm_new(rlab_ctx *ctx, rlab_asm **out, const rlab_asm_spec *spec) {
    rlab_asm *m;
    rlab_status status;
    RLAB_TRY(check_counts(ctx, spec));
    RLAB_TRY(rlab_alloc(ctx, (void **)&m, 1, sizeof *m));
    m->spec = *spec;
    status = fill(ctx, m, spec);
    if (status != RLAB_OK) {
        rlab_asm_free(m);
        return status;
    }
    *out = m;
    return RLAB_OK;
}

void
rlab_asm_free(rlab_asm *machine) {
    if (!machine)
        return;
    rlab_free(machine->consts);
    rlab_free(machine->arity);
    rlab_free(machine->initial);
    rlab_free(machine->code);
    rlab_free(machine);
}
