/* The evaluator: runs compiled code on a stack of frames; proper tail calls, budgets, Ctrl-C. */
#include "lang/inner.h"

#include <string.h>

#define POLL_CALLS (1 << 16) /* calls between two looks at budget and signals */

#if defined(__GNUC__)
#define DISPATCH_TABLE static const void *const labels[] = {RLAB_OPCODES(LABEL)};
#define LABEL(op) &&op_##op,
#define OP(op) op_##op
#define NEXT goto *labels[*pc]
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
/* Or the compiler joins branches that end alike. */
#define KEEP_APART(x) __asm__ volatile("" : "+r"(x))
#else
#define DISPATCH_TABLE
#define OP(op) case RLAB_OP_##op
#define NEXT goto next
#define UNLIKELY(x) (x)
#define KEEP_APART(x) (void)(x)
#endif

/* Registers that live in locals while the loop runs. */
#define SAVE (m->used = hp)
#define LOAD                                                                                       \
    do {                                                                                           \
        H = m->heap;                                                                               \
        hp = m->used;                                                                              \
        hlimit = m->cap;                                                                           \
    } while (0)
#define ROOM(words)                                                                                \
    do {                                                                                           \
        if (UNLIKELY(hp + (words) > hlimit)) {                                                     \
            SAVE;                                                                                  \
            RLAB_TRY(rlab_heap_room(ctx, m, (words), (size_t)(R - m->stack) + margin, NULL));      \
            LOAD;                                                                                  \
            end = m->stack + m->high - margin;                                                     \
        }                                                                                          \
    } while (0)
#define LINK(to) ((rlab_val)((to) - words) << 1 | 1)
#define RETURN(value)                                                                              \
    do {                                                                                           \
        rlab_val result_ = (value);                                                                \
        pc = words + (R[-1] >> 1);                                                                 \
        R[-1] = result_;                                                                           \
        R -= pc[-1];                                                                               \
        NEXT;                                                                                      \
    } while (0)

/* The fields of a constructor that is matched. */
#define FIELDS                                                                                     \
    do {                                                                                           \
        n = *pc++;                                                                                 \
        taken += n >> RLAB_CODE_COST;                                                              \
        n &= (1u << RLAB_CODE_COST) - 1;                                                           \
        if (n) {                                                                                   \
            to[0] = cell[1];                                                                       \
            for (uint32_t i = 1; i < n; i++)                                                       \
                to[i] = cell[i + 1];                                                               \
        }                                                                                          \
    } while (0)
/* The first branches by comparison: a predicted jump, so that what follows need not wait for the
 * value, as it would for an address that is computed from it. */
#define BRANCH(i)                                                                                  \
    if (branch == (i)) {                                                                           \
        pc = words + pc[5 + (i)];                                                                  \
        KEEP_APART(pc);                                                                            \
        FIELDS;                                                                                    \
        NEXT;                                                                                      \
    }

static rlab_status
fail_stuck(rlab_ctx *ctx) {
    return rlab_fail(ctx, RLAB_ETERM,
                     "evaluation is stuck: a match or a call meets a function where "
                     "a constructor was expected; the program is not well typed");
}

/* Between calls, now and then: budget and signals. */
static rlab_status
look(rlab_ctx *ctx, uint64_t *left, int64_t *fuel, uint64_t steps) {
    if (*left == 0)
        return rlab_fail(ctx, RLAB_EBUDGET,
                         "step budget of %llu calls ran out; raise it or make the input smaller",
                         (unsigned long long)steps);
    *fuel = *left < POLL_CALLS ? (int64_t)*left : POLL_CALLS;
    *left -= (uint64_t)*fuel;
    return rlab_ctx_poll(ctx);
}

rlab_status
rlab_machine_run(rlab_ctx *ctx, rlab_machine *m, uint32_t start, uint32_t n, size_t at,
                 uint64_t steps) {
    DISPATCH_TABLE
    const uint32_t *const words = m->code->words.at;
    const rlab_fn *const fns = m->code->fns.at;
    const uint32_t n_globals = (uint32_t)m->program->globals.len;
    const size_t margin = (size_t)m->code->max_frame + 4 * RLAB_CODE_STUBS;
    uint64_t *const counts = m->counts;
    uint64_t left = steps, taken = 0;
    int64_t fuel = 0;
    rlab_val *R, *H, *end;
    size_t hp, hlimit;
    const uint32_t *pc;
    uint32_t fn = start, fresh;

    RLAB_TRY(rlab_stack_room(ctx, m, at + 2 * margin));
    R = m->stack + at + 1;
    end = m->stack + m->high - margin;
    LOAD;
    R[-1] = (rlab_val)RLAB_CODE_HALT << 1 | 1;
    if (n == fns[fn].args)
        goto enter;
    R[n] = rlab_val_fn(fn);

    /* Apply R[n] to R[0 .. n), of which the last `fresh` were not there before. */
apply:
    fresh = n;
apply_more:
    {
        rlab_val f = R[n];
        uint32_t args;
        if (!rlab_val_is_cell(f)) {
            if (UNLIKELY((f & 3) != 3))
                return fail_stuck(ctx);
            fn = f >> 2;
        } else if ((H[f >> 1] & 3) == RLAB_CELL_CLO) {
            fn = H[f >> 1] >> 2;
        } else if ((H[f >> 1] & 3) == RLAB_CELL_PAP) {
            const rlab_val *cell = H + (f >> 1);
            uint32_t have = cell[0] >> 2;
            for (uint32_t i = n; i-- > 0;)
                R[have + i] = R[i];
            for (uint32_t i = 0; i < have; i++)
                R[i] = cell[2 + i];
            n += have;
            R[n] = cell[1];
            if (UNLIKELY(n > RLAB_CODE_STUBS))
                return rlab_fail(ctx, RLAB_ETERM, "a function takes more than %d arguments",
                                 RLAB_CODE_STUBS / 2);
            goto apply_more;
        } else {
            return fail_stuck(ctx);
        }
        args = fns[fn].args;
        if (fns[fn].lambda)
            taken += n > args ? fresh - (n - args) : fresh;
        if (n < args) {
            ROOM(2 + n);
            H[hp] = n << 2 | RLAB_CELL_PAP;
            H[hp + 1] = R[n];
            for (uint32_t i = 0; i < n; i++)
                H[hp + 2 + i] = R[i];
            hp += 2 + n;
            RETURN((rlab_val)((hp - 2 - n) << 1));
        }
        if (n > args) {
            /* Keep the rest below: R[0 .. rest), link, first arguments, function. */
            rlab_val few[RLAB_CODE_STUBS + 1];
            uint32_t rest = n - args;
            memcpy(few, R, args * sizeof *R);
            f = R[n];
            memmove(R, R + args, rest * sizeof *R);
            R[rest] = (rlab_val)rlab_code_stub(rest) << 1 | 1;
            memcpy(R + rest + 1, few, args * sizeof *R);
            R += rest + 1;
            R[args] = f;
            n = args;
        }
        if (fns[fn].ctor) {
            ROOM(1 + n);
            H[hp] = (fn - n_globals) << 2 | RLAB_CELL_CON;
            memcpy(H + hp + 1, R, n * sizeof *R);
            hp += 1 + n;
            RETURN((rlab_val)((hp - 1 - n) << 1));
        }
        if (rlab_val_is_cell(R[n])) {
            uint32_t caps = fns[fn].caps;
            const rlab_val *cell = H + (R[n] >> 1) + 1;
            for (uint32_t i = 0; i < caps; i++)
                R[n + 1 + i] = cell[i];
        }
        /* Arguments are in place. */
    enter:
        if (fn < n_globals)
            counts[fn]++;
    enter_global:
        if (UNLIKELY(--fuel < 0)) {
            RLAB_TRY(look(ctx, &left, &fuel, steps));
            fuel--;
        }
        if (UNLIKELY(R > end)) {
            size_t offset = (size_t)(R - m->stack);
            RLAB_TRY(rlab_stack_room(ctx, m, offset + 2 * margin));
            R = m->stack + offset;
            end = m->stack + m->high - margin;
        }
        taken += fns[fn].cost;
        pc = words + fns[fn].entry;
        NEXT;
    }

#if !defined(__GNUC__)
next:
    switch ((rlab_op)*pc) {
#endif
        OP(MOVE) : R[pc[1]] = R[pc[2]];
        pc += 3;
        NEXT;
        OP(LOADK) : R[pc[1]] = pc[2];
        pc += 3;
        NEXT;
        OP(LOADC) : R[pc[1]] = m->stack[pc[2]];
        pc += 3;
        NEXT;
        OP(RET) : RETURN(R[pc[1]]);
        OP(RETK) : RETURN(pc[1]);
        OP(CON1) : ROOM(2);
        H[hp] = pc[2] << 2;
        H[hp + 1] = R[pc[3]];
        R[pc[1]] = (rlab_val)(hp << 1);
        hp += 2;
        pc += 4;
        NEXT;
        OP(CON2) : ROOM(3);
        H[hp] = pc[2] << 2;
        H[hp + 1] = R[pc[3]];
        H[hp + 2] = R[pc[4]];
        R[pc[1]] = (rlab_val)(hp << 1);
        hp += 3;
        pc += 5;
        NEXT;
        OP(CONN) : n = pc[3];
        ROOM(1 + n);
        H[hp] = pc[2] << 2;
        for (uint32_t i = 0; i < n; i++)
            H[hp + 1 + i] = R[pc[4 + i]];
        R[pc[1]] = (rlab_val)(hp << 1);
        hp += 1 + n;
        pc += 4 + n;
        NEXT;
        OP(RETCON1) : ROOM(2);
        H[hp] = pc[1] << 2;
        H[hp + 1] = R[pc[2]];
        hp += 2;
        RETURN((rlab_val)((hp - 2) << 1));
        OP(RETCON2) : ROOM(3);
        H[hp] = pc[1] << 2;
        H[hp + 1] = R[pc[2]];
        H[hp + 2] = R[pc[3]];
        hp += 3;
        RETURN((rlab_val)((hp - 3) << 1));
        OP(RETCONN) : n = pc[2];
        ROOM(1 + n);
        H[hp] = pc[1] << 2;
        for (uint32_t i = 0; i < n; i++)
            H[hp + 1 + i] = R[pc[3 + i]];
        hp += 1 + n;
        RETURN((rlab_val)((hp - 1 - n) << 1));
        OP(CALL) : fn = pc[1];
        n = pc[2];
        pc += 3;
        for (; n; n--, pc += 2)
            R[pc[0]] = R[pc[1]];
        R += pc[0];
        R[-1] = LINK(pc + 1);
        counts[fn]++;
        goto enter_global;
        OP(CALL1) : fn = pc[1];
        {
            rlab_val a = R[pc[2]];
            R += pc[3];
            R[0] = a;
            R[-1] = LINK(pc + 4);
        }
        counts[fn]++;
        goto enter_global;
        OP(TCALL) : fn = pc[1];
        n = pc[2];
        {
            rlab_val few[RLAB_CODE_STUBS];
            for (uint32_t i = 0; i < n; i++)
                few[i] = R[pc[3 + i]];
            for (uint32_t i = 0; i < n; i++)
                R[i] = few[i];
        }
        counts[fn]++;
        goto enter_global;
        OP(TCALL1) : fn = pc[1];
        R[0] = R[pc[2]];
        counts[fn]++;
        goto enter_global;
        OP(TCALL2) : fn = pc[1];
        {
            rlab_val a = R[pc[2]], b = R[pc[3]];
            R[0] = a;
            R[1] = b;
        }
        counts[fn]++;
        goto enter_global;
        OP(APPLY) : n = pc[1];
        R += pc[2];
        R[-1] = LINK(pc + 3);
        goto apply;
        OP(TAPPLY) : n = pc[1];
        if (pc[2])
            for (uint32_t i = 0, from = pc[2]; i <= n; i++)
                R[i] = R[from + i];
        goto apply;
        OP(CLO) : n = pc[3];
        ROOM(2 + n);
        H[hp] = pc[2] << 2 | RLAB_CELL_CLO;
        H[hp + 1] = 1; /* a cell has room for where it moved */
        for (uint32_t i = 0; i < n; i++)
            H[hp + 1 + i] = R[pc[4 + i]];
        R[pc[1]] = (rlab_val)(hp << 1);
        hp += 1 + (n ? n : 1);
        pc += 4 + n;
        NEXT;
        OP(MATCH) : {
            rlab_val v = R[pc[1]], *to = R + pc[4];
            const rlab_val *cell = NULL;
            uint32_t branch;
            if (rlab_val_is_cell(v)) {
                cell = H + (v >> 1);
                branch = (cell[0] >> 2) - pc[2];
                if (UNLIKELY((cell[0] & 3) != RLAB_CELL_CON || branch >= pc[3]))
                    return fail_stuck(ctx);
            } else {
                branch = (v >> 2) - pc[2];
                if (UNLIKELY((v & 2) || branch >= pc[3]))
                    return fail_stuck(ctx);
            }
            BRANCH(0);
            BRANCH(1);
            BRANCH(2);
            pc = words + pc[5 + branch];
            FIELDS;
            NEXT;
        }
        OP(JUMP) : pc = words + pc[1];
        NEXT;
        OP(HALT) : SAVE;
        m->taken = taken;
        return RLAB_OK;
#if !defined(__GNUC__)
    case RLAB_OP_COUNT:
        return rlab_fail(ctx, RLAB_EINTERNAL, "unknown instruction");
    }
#endif
}

/* ---- terms beside a program -------------------------------------------------------------------
 */

#define COPY(to, from)                                                                             \
    do {                                                                                           \
        RLAB_TRY(rlab_vec_reserve(ctx, (to), (from)->len + 1));                                    \
        if ((from)->len)                                                                           \
            memcpy((to)->at, (from)->at, (from)->len * sizeof *(to)->at);                          \
        (to)->len = (from)->len;                                                                   \
    } while (0)

rlab_status
rlab_code_copy(rlab_ctx *ctx, rlab_code *to, const rlab_code *from) {
    memset(to, 0, sizeof *to);
    COPY(&to->words, &from->words);
    COPY(&to->fns, &from->fns);
    COPY(&to->constants, &from->constants);
    to->max_frame = from->max_frame;
    return RLAB_OK;
}

void
rlab_code_free(rlab_code *code) {
    rlab_vec_free(&code->words);
    rlab_vec_free(&code->fns);
    rlab_vec_free(&code->constants);
}

rlab_status
rlab_eval(rlab_ctx *ctx, rlab_term *out, uint64_t *calls, rlab_machine *m, rlab_store *store,
          rlab_term term, uint32_t group, rlab_budget budget) {
    rlab_code code;
    uint32_t fn;
    rlab_status status;
    if (rlab_term_node(store, term)->flags & RLAB_TERM_DATA) {
        if (calls)
            *calls = 0;
        *out = term;
        return RLAB_OK;
    }
    memset(&code, 0, sizeof code);
    status = rlab_code_copy(ctx, &code, m->program->code);
    if (status == RLAB_OK)
        status = rlab_code_add_term(ctx, &fn, &code, store, term);
    if (status == RLAB_OK) {
        m->code = &code;
        rlab_machine_limit(m, budget.nodes);
        memset(m->counts, 0, m->program->globals.len * sizeof *m->counts);
        status = rlab_machine_constants(ctx, m, store);
        if (status == RLAB_OK)
            status = rlab_machine_run(ctx, m, fn, 0, m->base, budget.steps);
        if (status == RLAB_OK)
            status = rlab_heap_export(ctx, out, store, m, m->stack[m->base]);
        if (status == RLAB_OK && calls)
            *calls = rlab_machine_calls(m, group);
        m->code = m->program->code;
    }
    rlab_code_free(&code);
    return status;
}
