/* Programs: inductive types, constructors and globals as tables; checked once more when sealed. */
#include "lang/inner.h"

#include <string.h>

static rlab_status
put_name(rlab_ctx *ctx, uint32_t *out, rlab_program *program, const char *name) {
    uint32_t at = (uint32_t)program->names.len;
    RLAB_TRY(rlab_text_put(ctx, &program->names, name, strlen(name) + 1));
    *out = at;
    return RLAB_OK;
}

static rlab_status
check_open(rlab_ctx *ctx, const rlab_program *program) {
    return program->sealed
               ? rlab_fail(ctx, RLAB_EVALUE, "program: it is sealed, so nothing can be added")
               : RLAB_OK;
}

rlab_status
rlab_program_new(rlab_ctx *ctx, rlab_program **out) {
    rlab_program *program;
    rlab_status status;
    RLAB_TRY(rlab_alloc(ctx, (void **)&program, 1, sizeof *program));
    status = rlab_store_init(ctx, &program->store, program);
    if (status != RLAB_OK) {
        rlab_free(program);
        return status;
    }
    *out = program;
    return RLAB_OK;
}

void
rlab_program_free(rlab_program *program) {
    if (!program)
        return;
    if (program->code)
        rlab_code_free(program->code);
    rlab_free(program->code);
    rlab_store_free(&program->store);
    rlab_vec_free(&program->types);
    rlab_vec_free(&program->ctors);
    rlab_vec_free(&program->globals);
    rlab_vec_free(&program->arg_types);
    rlab_vec_free(&program->tx);
    rlab_vec_free(&program->names);
    rlab_free(program);
}

rlab_status
rlab_program_add_type(rlab_ctx *ctx, uint32_t *out, rlab_program *program, const char *name,
                      uint32_t params, const char *notation) {
    static const char *const names[] = {"", "nat", "list", "prod"};
    rlab_type_row row = {0, params, (uint32_t)program->ctors.len, 0, RLAB_NOTATION_NONE};
    int kind = 0;
    RLAB_TRY(check_open(ctx, program));
    while (kind < 4 && strcmp(names[kind], notation) != 0)
        kind++;
    if (kind == 4)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "notation of type %s: expected '', 'nat', 'list' or 'prod', got '%s'",
                         name, notation);
    row.notation = (rlab_notation)kind;
    RLAB_TRY(rlab_vec_reserve(ctx, &program->types, program->types.len + 1));
    RLAB_TRY(put_name(ctx, &row.name, program, name));
    *out = (uint32_t)program->types.len;
    program->types.at[program->types.len++] = row;
    return RLAB_OK;
}

/* Checks that a postfix type expression is one whole type over `vars` variables. */
static rlab_status
check_tx(rlab_ctx *ctx, const rlab_program *program, const char *where, const uint32_t *tx,
         size_t len, uint32_t vars) {
    int64_t have = 0;
    for (size_t i = 0; i < len; i++) {
        uint32_t word = tx[i], pops;
        if (word & RLAB_TX_VAR) {
            if ((word & ~RLAB_TX_VAR) >= vars)
                return rlab_fail(ctx, RLAB_ETERM, "%s: type parameter %u of %u", where,
                                 word & ~RLAB_TX_VAR, vars);
            pops = 0;
        } else if (word == RLAB_TX_FUN) {
            pops = 2;
        } else {
            if (word >= program->types.len)
                return rlab_fail(ctx, RLAB_ETERM, "%s: type %u of %zu", where, word,
                                 program->types.len);
            pops = program->types.at[word].params;
        }
        have += 1 - (int64_t)pops;
        if (have < 1)
            return rlab_fail(
                ctx, RLAB_ETERM, "%s: a type lacks arguments (type %s takes %u)", where,
                word == RLAB_TX_FUN ? "->" : rlab_program_type_name(program, word), pops);
    }
    if (have != 1)
        return rlab_fail(ctx, RLAB_ETERM, "%s: expected one type expression, got %lld", where,
                         (long long)have);
    return RLAB_OK;
}

static rlab_status
add_txs(rlab_ctx *ctx, uint32_t *first, rlab_program *program, const char *where,
        const uint32_t *tx, const uint32_t *ends, uint32_t n, uint32_t vars) {
    uint32_t base = (uint32_t)program->tx.len;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t start = i ? ends[i - 1] : 0;
        RLAB_TRY(check_tx(ctx, program, where, tx + start, ends[i] - start, vars));
    }
    RLAB_TRY(rlab_vec_reserve(ctx, &program->tx, program->tx.len + (n ? ends[n - 1] : 0) + 1));
    RLAB_TRY(rlab_vec_reserve(ctx, &program->arg_types, program->arg_types.len + n + 1));
    *first = (uint32_t)program->arg_types.len;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t start = i ? ends[i - 1] : 0;
        rlab_tx row = {base + start, ends[i] - start};
        program->arg_types.at[program->arg_types.len++] = row;
    }
    if (n && ends[n - 1]) {
        memcpy(program->tx.at + base, tx, ends[n - 1] * sizeof *tx);
        program->tx.len += ends[n - 1];
    }
    return RLAB_OK;
}

rlab_status
rlab_program_add_ctor(rlab_ctx *ctx, uint32_t *out, rlab_program *program, uint32_t type,
                      const char *name, const uint32_t *args, const uint32_t *ends, uint32_t n) {
    rlab_ctor_row row = {0, type, n, 0};
    rlab_type_row *owner;
    RLAB_TRY(check_open(ctx, program));
    if (type >= program->types.len)
        return rlab_fail(ctx, RLAB_EINDEX, "constructor %s: type %u of %zu", name, type,
                         program->types.len);
    owner = &program->types.at[type];
    if (owner->count && owner->first + owner->count != program->ctors.len)
        return rlab_fail(
            ctx, RLAB_EVALUE,
            "constructor %s: the constructors of type %s must be added one after another", name,
            rlab_program_type_name(program, type));
    RLAB_TRY(add_txs(ctx, &row.args, program, name, args, ends, n, owner->params));
    RLAB_TRY(rlab_vec_reserve(ctx, &program->ctors, program->ctors.len + 1));
    RLAB_TRY(put_name(ctx, &row.name, program, name));
    if (owner->count == 0)
        owner->first = (uint32_t)program->ctors.len;
    owner->count++;
    *out = (uint32_t)program->ctors.len;
    program->ctors.at[program->ctors.len++] = row;
    return RLAB_OK;
}

rlab_status
rlab_program_add_global(rlab_ctx *ctx, uint32_t *out, rlab_program *program, const char *name,
                        uint32_t n_args, int32_t struct_arg, uint32_t group, uint32_t type_vars,
                        const uint32_t *types, const uint32_t *ends, uint32_t n) {
    rlab_global_row row;
    memset(&row, 0, sizeof row);
    RLAB_TRY(check_open(ctx, program));
    if (n_args > 0xffff || struct_arg < -1 || struct_arg >= (int32_t)n_args)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "function %s: expected a decreasing argument in [-1, %u), got %d", name,
                         n_args, struct_arg);
    RLAB_TRY(add_txs(ctx, &row.args, program, name, types, ends, n + 1, type_vars));
    row.n_args = n_args;
    row.struct_arg = struct_arg;
    row.group = group;
    row.type_vars = type_vars;
    row.args_len = n;
    row.result = program->arg_types.at[row.args + n];
    row.body = RLAB_NO_TERM;
    RLAB_TRY(rlab_vec_reserve(ctx, &program->globals, program->globals.len + 1));
    RLAB_TRY(put_name(ctx, &row.name, program, name));
    *out = (uint32_t)program->globals.len;
    program->globals.at[program->globals.len++] = row;
    return RLAB_OK;
}

/* The term under n lambdas, or RLAB_NO_TERM if there are fewer. */
static rlab_term
under_lambdas(const rlab_store *store, rlab_term term, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (rlab_term_node(store, term)->kind != RLAB_LAM)
            return RLAB_NO_TERM;
        term = rlab_term_kids(store, term)[0];
    }
    return term;
}

rlab_status
rlab_program_set_body(rlab_ctx *ctx, rlab_program *program, uint32_t global, rlab_term body) {
    rlab_global_row *row;
    RLAB_TRY(check_open(ctx, program));
    if (global >= program->globals.len)
        return rlab_fail(ctx, RLAB_EINDEX, "set_body: function %u of %zu", global,
                         program->globals.len);
    row = &program->globals.at[global];
    if (rlab_term_node(&program->store, body)->free)
        return rlab_fail(ctx, RLAB_ETERM, "body of %s: it has a free variable",
                         rlab_program_global_name(program, global));
    if (under_lambdas(&program->store, body, row->n_args) == RLAB_NO_TERM)
        return rlab_fail(ctx, RLAB_ETERM, "body of %s: expected %u lambdas around it",
                         rlab_program_global_name(program, global), row->n_args);
    row->body = body;
    return RLAB_OK;
}

static rlab_status
check_notation(rlab_ctx *ctx, const rlab_program *program, uint32_t type) {
    const rlab_type_row *row = &program->types.at[type];
    const rlab_ctor_row *ctor = program->ctors.at + row->first;
    bool good = true;
    if (row->notation == RLAB_NOTATION_NAT)
        good = row->count == 2 && ctor[0].arity == 0 && ctor[1].arity == 1 && row->params == 0;
    else if (row->notation == RLAB_NOTATION_LIST)
        good = row->count == 2 && ctor[0].arity == 0 && ctor[1].arity == 2 && row->params == 1;
    else if (row->notation == RLAB_NOTATION_PROD)
        good = row->count == 1 && ctor[0].arity == 2 && row->params == 2;
    if (!good)
        return rlab_fail(ctx, RLAB_EVALUE, "type %s: its constructors do not fit its notation",
                         rlab_program_type_name(program, type));
    return RLAB_OK;
}

rlab_status
rlab_program_seal(rlab_ctx *ctx, rlab_program *program) {
    rlab_code *code;
    rlab_status status;
    RLAB_TRY(check_open(ctx, program));
    for (uint32_t t = 0; t < program->types.len; t++)
        RLAB_TRY(check_notation(ctx, program, t));
    for (uint32_t g = 0; g < program->globals.len; g++)
        if (program->globals.at[g].body == RLAB_NO_TERM)
            return rlab_fail(ctx, RLAB_ETERM, "function %s has no body",
                             rlab_program_global_name(program, g));
    /* The literal fix of every Fixpoint is part of every store, so that reducing adds none. */
    for (uint32_t g = 0; g < program->globals.len; g++) {
        rlab_term unused;
        RLAB_TRY(rlab_term_intern(ctx, &unused, &program->store, RLAB_GLOBAL, g, NULL, 0, 0));
        if (program->globals.at[g].struct_arg >= 0)
            RLAB_TRY(rlab_term_intern(ctx, &unused, &program->store, RLAB_FIXG, g, NULL, 0, 0));
    }
    RLAB_TRY(rlab_alloc(ctx, (void **)&code, 1, sizeof *code));
    status = rlab_code_compile(ctx, code, program);
    if (status != RLAB_OK) {
        rlab_code_free(code);
        rlab_free(code);
        return status;
    }
    program->code = code;
    program->sealed = true;
    return RLAB_OK;
}

/* ---- postfix builder
 * ------------------------------------------------------------------------------ */

void
rlab_builder_init(rlab_builder *builder, rlab_store *store) {
    memset(builder, 0, sizeof *builder);
    builder->store = store;
}

void
rlab_builder_free(rlab_builder *builder) {
    rlab_vec_free(&builder->stack);
}

/* Terms that an instruction pops; EINDEX if its head names nothing. */
static rlab_status
pops_of(rlab_ctx *ctx, uint32_t *out, const rlab_program *program, rlab_kind kind, uint32_t head,
        uint32_t n) {
    size_t bound = SIZE_MAX;
    const char *what = "";
    *out = 0;
    switch (kind) {
    case RLAB_VAR:
        if (head >= 0x7fffffff)
            return rlab_fail(ctx, RLAB_EINDEX, "code: variable %u is too large", head);
        return RLAB_OK;
    case RLAB_GLOBAL:
    case RLAB_FIXG:
        bound = program->globals.len, what = "function";
        break;
    case RLAB_CTOR:
        bound = program->ctors.len, what = "constructor";
        break;
    case RLAB_MATCH:
        bound = program->types.len, what = "type";
        if (head < bound)
            *out = 1 + program->types.at[head].count;
        break;
    case RLAB_APP:
        *out = n + 1;
        break;
    case RLAB_LAM:
    case RLAB_FIX:
        *out = 1;
        break;
    case RLAB_LET:
        *out = 2;
        break;
    }
    if (head >= bound)
        return rlab_fail(ctx, RLAB_EINDEX, "code: %s %u of %zu", what, head, bound);
    return RLAB_OK;
}

static rlab_status
check_names(rlab_ctx *ctx, const rlab_program *program, rlab_kind kind, uint32_t head, uint32_t n) {
    uint32_t expected = 0;
    if (kind == RLAB_LAM || kind == RLAB_LET || kind == RLAB_FIX)
        expected = 1;
    if (kind == RLAB_MATCH)
        for (uint32_t c = 0; c < program->types.at[head].count; c++)
            expected += program->ctors.at[program->types.at[head].first + c].arity;
    if (n != expected)
        return rlab_fail(ctx, RLAB_ETERM, "code: expected %u binder names, got %u", expected, n);
    return RLAB_OK;
}

rlab_status
rlab_builder_push(rlab_ctx *ctx, rlab_builder *builder, rlab_kind kind, uint32_t head, uint32_t n,
                  const char *const *names, uint32_t n_names) {
    rlab_store *store = builder->store;
    uint32_t pops, hint = 0;
    rlab_term term, *from;
    RLAB_TRY(pops_of(ctx, &pops, store->program, kind, head, n));
    RLAB_TRY(check_names(ctx, store->program, kind, head, n_names));
    if (pops > builder->stack.len)
        return rlab_fail(ctx, RLAB_ETERM, "code: an instruction takes %u terms, %zu are there",
                         pops, builder->stack.len);
    from = builder->stack.at + builder->stack.len - pops;
    if (kind == RLAB_FIX && under_lambdas(store, from[0], head & 0xffff) == RLAB_NO_TERM)
        return rlab_fail(ctx, RLAB_ETERM, "code: a fix of %u arguments needs as many lambdas",
                         head & 0xffff);
    if (n_names) {
        hint = (uint32_t)store->hints.len;
        for (uint32_t i = 0; i < n_names; i++)
            RLAB_TRY(rlab_store_name(ctx, store, names[i]));
    }
    if (kind == RLAB_APP)
        RLAB_TRY(rlab_term_app(ctx, &term, store, from[0], from + 1, n));
    else
        RLAB_TRY(rlab_term_intern(ctx, &term, store, kind, head, from, pops, hint));
    builder->stack.len -= pops;
    return rlab_ids_push(ctx, &builder->stack, term);
}

rlab_status
rlab_builder_finish(rlab_ctx *ctx, rlab_term *out, rlab_builder *builder) {
    if (builder->stack.len != 1)
        return rlab_fail(ctx, RLAB_ETERM, "code: expected one term at the end, got %zu",
                         builder->stack.len);
    *out = builder->stack.at[0];
    return RLAB_OK;
}
