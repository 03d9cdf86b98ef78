/* Closed types: instances of inductive types, counting by size, rank and unrank, checking values.
 */
#include "lang/type.h"

#include <string.h>

#define NODES_MAX 4096
#define CHECK_SMALL 4096 /* larger values are checked once a shared part */

/* ---- instances
 * -------------------------------------------------------------------------------------- */

/* A type name with arguments, found once. `pending` terms of one closed expression lie on a stack.
 */
static rlab_status
find_node(rlab_ctx *ctx, uint32_t *out, rlab_type *type, uint32_t head, const uint32_t *args,
          uint32_t n) {
    rlab_type_node node;
    for (uint32_t i = 0; i < type->nodes.len; i++)
        if (type->nodes.at[i].type == head &&
            (n == 0 ||
             memcmp(type->params.at + type->nodes.at[i].params, args, n * sizeof *args) == 0)) {
            *out = i;
            return RLAB_OK;
        }
    if (type->nodes.len >= NODES_MAX)
        return rlab_fail(ctx, RLAB_ECOUNT, "type %s grows without end under its own constructors",
                         rlab_program_type_name(type->program, head));
    memset(&node, 0, sizeof node);
    node.type = head;
    node.limit = UINT64_MAX;
    node.params = (uint32_t)type->params.len;
    RLAB_TRY(rlab_vec_reserve(ctx, &type->params, type->params.len + n + 1));
    if (n)
        memcpy(type->params.at + type->params.len, args, n * sizeof *args);
    type->params.len += n;
    RLAB_TRY(rlab_vec_reserve(ctx, &type->nodes, type->nodes.len + 1));
    *out = (uint32_t)type->nodes.len;
    type->nodes.at[type->nodes.len++] = node;
    return RLAB_OK;
}

/* The node of a postfix expression whose variables are the parameters of node `owner`. */
static rlab_status
instance(rlab_ctx *ctx, uint32_t *out, rlab_type *type, const uint32_t *tx, size_t len,
         uint32_t owner, rlab_ids *stack) {
    stack->len = 0;
    for (size_t i = 0; i < len; i++) {
        uint32_t word = tx[i], node = 0, n;
        if (word & RLAB_TX_VAR) {
            uint32_t var = word & ~RLAB_TX_VAR;
            if (owner == UINT32_MAX)
                return rlab_fail(
                    ctx, RLAB_ETERM,
                    "expected a closed type, got type variable %u: say what it stands for", var);
            RLAB_TRY(
                rlab_ids_push(ctx, stack, type->params.at[type->nodes.at[owner].params + var]));
            continue;
        }
        if (word == RLAB_TX_FUN)
            return rlab_fail(ctx, RLAB_ETERM, "a function type has no values to count or read");
        if (word >= type->program->types.len)
            return rlab_fail(ctx, RLAB_EINDEX, "type %u of %zu", word, type->program->types.len);
        n = type->program->types.at[word].params;
        if (n > stack->len)
            return rlab_fail(ctx, RLAB_ETERM, "type %s: expected %u arguments, got %zu",
                             rlab_program_type_name(type->program, word), n, stack->len);
        stack->len -= n;
        RLAB_TRY(find_node(ctx, &node, type, word, stack->at + stack->len, n));
        RLAB_TRY(rlab_ids_push(ctx, stack, node));
    }
    if (stack->len != 1)
        return rlab_fail(ctx, RLAB_ETERM, "expected one type, got %zu", stack->len);
    *out = stack->at[0];
    return RLAB_OK;
}

/* Argument types of every constructor of every node, which may bring new nodes. */
static rlab_status
close_over(rlab_ctx *ctx, rlab_type *type, rlab_ids *stack) {
    const rlab_program *program = type->program;
    for (uint32_t i = 0; i < type->nodes.len; i++) {
        const rlab_type_row *row = &program->types.at[type->nodes.at[i].type];
        type->nodes.at[i].rows = (uint32_t)type->rows.len;
        for (uint32_t c = row->first; c < row->first + row->count; c++) {
            rlab_type_row_of con = {(uint32_t)type->args.len, program->ctors.at[c].arity, 0, 0};
            for (uint32_t a = 0; a < con.count; a++) {
                rlab_tx tx = rlab_ctor_arg(program, c, a);
                uint32_t node;
                RLAB_TRY(instance(ctx, &node, type, program->tx.at + tx.at, tx.len, i, stack));
                RLAB_TRY(rlab_ids_push(ctx, &type->args, node));
            }
            RLAB_TRY(rlab_vec_reserve(ctx, &type->rows, type->rows.len + 1));
            type->rows.at[type->rows.len++] = con;
        }
    }
    return RLAB_OK;
}

/* Smallest sizes by iteration: a node's is 1 + the least sum over a constructor's arguments. */
static void
least_sizes(rlab_type *type) {
    bool changed = true;
    for (uint32_t i = 0; i < type->nodes.len; i++)
        type->nodes.at[i].least = UINT64_MAX;
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < type->nodes.len; i++) {
            rlab_type_node *node = &type->nodes.at[i];
            uint32_t count = type->program->types.at[node->type].count;
            for (uint32_t c = 0; c < count; c++) {
                const rlab_type_row_of *row = &type->rows.at[node->rows + c];
                uint64_t sum = 1;
                for (uint32_t a = 0; a < row->count; a++) {
                    uint64_t one = type->nodes.at[type->args.at[row->args + a]].least;
                    sum = one > UINT64_MAX - sum ? UINT64_MAX : sum + one;
                }
                if (sum < node->least) {
                    node->least = sum;
                    changed = true;
                }
            }
        }
    }
}

/* Largest sizes: unbounded exactly where a node with values reaches itself through one with values.
 * n rounds of growth find a bound or prove that there is none. */
static void
most_sizes(rlab_type *type) {
    bool changed = true;
    for (uint32_t round = 0; changed; round++) {
        changed = false;
        for (uint32_t i = 0; i < type->nodes.len; i++) {
            rlab_type_node *node = &type->nodes.at[i];
            uint32_t count = type->program->types.at[node->type].count;
            for (uint32_t c = 0; c < count && node->least != UINT64_MAX; c++) {
                const rlab_type_row_of *row = &type->rows.at[node->rows + c];
                uint64_t sum = 1;
                bool empty = false;
                for (uint32_t a = 0; a < row->count; a++) {
                    const rlab_type_node *arg = &type->nodes.at[type->args.at[row->args + a]];
                    uint64_t one = arg->most > arg->least ? arg->most : arg->least;
                    empty |= arg->least == UINT64_MAX;
                    sum = one > UINT64_MAX - sum ? UINT64_MAX : sum + one;
                }
                if (round > type->nodes.len)
                    sum = UINT64_MAX;
                if (sum > node->limit)
                    sum = node->limit;
                if (!empty && sum > node->most) {
                    node->most = sum;
                    changed = true;
                }
            }
        }
    }
}

rlab_status
rlab_type_new(rlab_ctx *ctx, rlab_type **out, const rlab_program *program, const uint32_t *tx,
              const uint32_t *ends, uint32_t n) {
    rlab_type *type;
    rlab_ids stack = {0};
    rlab_status status = RLAB_OK;
    RLAB_TRY(rlab_alloc(ctx, (void **)&type, 1, sizeof *type));
    type->program = program;
    if (n < 1)
        status = rlab_fail(ctx, RLAB_EVALUE, "type: expected at least one type expression");
    for (uint32_t i = 0; i < n && status == RLAB_OK; i++) {
        uint32_t node, start = i ? ends[i - 1] : 0;
        status = instance(ctx, &node, type, tx + start, ends[i] - start, UINT32_MAX, &stack);
        if (status == RLAB_OK)
            status = rlab_ids_push(ctx, &type->domain, node);
    }
    if (status == RLAB_OK)
        status = close_over(ctx, type, &stack);
    if (status == RLAB_OK)
        status = rlab_count_init(ctx, type);
    rlab_vec_free(&stack);
    if (status != RLAB_OK) {
        rlab_type_free(type);
        return status;
    }
    least_sizes(type);
    most_sizes(type);
    *out = type;
    return RLAB_OK;
}

void
rlab_type_free(rlab_type *type) {
    if (!type)
        return;
    rlab_vec_free(&type->nodes);
    rlab_vec_free(&type->rows);
    rlab_vec_free(&type->args);
    rlab_vec_free(&type->params);
    rlab_vec_free(&type->domain);
    rlab_count_free(type);
    rlab_wide_free(type);
    rlab_free(type);
}

#define COPY(field)                                                                                \
    do {                                                                                           \
        RLAB_TRY(rlab_vec_reserve(ctx, &to->field, from->field.len + 1));                          \
        if (from->field.len)                                                                       \
            memcpy(to->field.at, from->field.at, from->field.len * sizeof *from->field.at);        \
        to->field.len = from->field.len;                                                           \
    } while (0)

/* Everything but the tables of counts. */
static rlab_status
copy_shape(rlab_ctx *ctx, rlab_type *to, const rlab_type *from) {
    COPY(nodes);
    COPY(rows);
    COPY(args);
    COPY(params);
    COPY(domain);
    to->program = from->program;
    to->product = from->product;
    to->n_tables = from->n_tables;
    return RLAB_OK;
}

rlab_status
rlab_type_bounded(rlab_ctx *ctx, rlab_type **out, const rlab_type *from, uint64_t nat) {
    rlab_type *type;
    rlab_status status;
    RLAB_TRY(rlab_alloc(ctx, (void **)&type, 1, sizeof *type));
    status = copy_shape(ctx, type, from);
    if (status != RLAB_OK) {
        rlab_type_free(type);
        return status;
    }
    for (uint32_t i = 0; i < type->nodes.len; i++) {
        rlab_type_node *node = &type->nodes.at[i];
        node->most = 0;
        if (type->program->types.at[node->type].notation == RLAB_NOTATION_NAT && nat < node->limit)
            node->limit = nat;
    }
    most_sizes(type);
    *out = type;
    return RLAB_OK;
}

uint32_t
rlab_type_arity(const rlab_type *type) {
    return (uint32_t)type->domain.len;
}

/* Nodes name older nodes only, except through constructors, so this ends; depth <= EXPR_DEPTH. */
static rlab_status
put_node(rlab_ctx *ctx, rlab_text *out, const rlab_type *type, uint32_t root) {
    RLAB_VEC(uint32_t)
    stack = {0};
    rlab_status status = RLAB_OK;
    const uint32_t close = UINT32_MAX, space = UINT32_MAX - 1, nested = UINT32_C(1) << 31;
#define PUSH(word)                                                                                 \
    (status == RLAB_OK ? (status = rlab_ids_push(ctx, (rlab_ids *)&stack, (word))) : 0)
    PUSH(root);
    while (status == RLAB_OK && stack.len) {
        uint32_t word = stack.at[--stack.len], n;
        const rlab_type_node *node;
        if (word == close || word == space) {
            status = rlab_text_puts(ctx, out, word == close ? ")" : " ");
            continue;
        }
        node = &type->nodes.at[word & ~nested];
        n = type->program->types.at[node->type].params;
        if (n && (word & nested)) {
            status = rlab_text_puts(ctx, out, "(");
            PUSH(close);
        }
        if (status == RLAB_OK)
            status = rlab_text_puts(ctx, out, rlab_program_type_name(type->program, node->type));
        for (uint32_t i = n; i-- > 0;) {
            PUSH(type->params.at[node->params + i] | nested);
            PUSH(space);
        }
    }
#undef PUSH
    rlab_vec_free(&stack);
    return status;
}

rlab_status
rlab_type_node_name(rlab_ctx *ctx, rlab_text *out, const rlab_type *type, uint32_t node) {
    return put_node(ctx, out, type, node);
}

rlab_status
rlab_type_name(rlab_ctx *ctx, rlab_text *out, const rlab_type *type) {
    for (size_t i = 0; i < type->domain.len; i++) {
        if (i)
            RLAB_TRY(rlab_text_puts(ctx, out, ", "));
        RLAB_TRY(put_node(ctx, out, type, type->domain.at[i]));
    }
    return RLAB_OK;
}

rlab_status
rlab_type_sizes(rlab_ctx *ctx, uint64_t *min, uint64_t *max, rlab_type *type) {
    uint64_t least = 0, most = 0;
    for (size_t i = 0; i < type->domain.len; i++) {
        const rlab_type_node *node = &type->nodes.at[type->domain.at[i]];
        if (node->least == UINT64_MAX) {
            rlab_text name = {0};
            RLAB_TRY(put_node(ctx, &name, type, type->domain.at[i]));
            rlab_fail(ctx, RLAB_ECOUNT, "type %s has no values", name.at);
            rlab_vec_free(&name);
            return RLAB_ECOUNT;
        }
        least = node->least > UINT64_MAX - least ? UINT64_MAX : least + node->least;
        most = node->most > UINT64_MAX - most ? UINT64_MAX : most + node->most;
    }
    *min = least;
    *max = most;
    return RLAB_OK;
}

/* ---- checking
 * ------------------------------------------------------------------------------------------- */

static rlab_status
fail_constructor(rlab_ctx *ctx, const rlab_type *type, uint32_t node, const rlab_node *term,
                 const rlab_program *program) {
    rlab_text name = {0};
    RLAB_TRY(put_node(ctx, &name, type, node));
    if (term->kind != RLAB_CTOR)
        rlab_fail(ctx, RLAB_ETERM, "expected a value of type %s, got a term that is not a value",
                  name.at);
    else
        rlab_fail(ctx, RLAB_ETERM, "expected a value of type %s, got constructor %s of type %s",
                  name.at, rlab_program_ctor_name(program, term->head),
                  rlab_program_type_name(program, program->ctors.at[term->head].type));
    rlab_vec_free(&name);
    return RLAB_ETERM;
}

static rlab_status
check_one(rlab_ctx *ctx, const rlab_type *type, const rlab_store *store, rlab_term term,
          uint32_t node, rlab_ids *stack, rlab_ids *seen) {
    const rlab_program *program = type->program;
    stack->len = 0;
    RLAB_TRY(rlab_ids_push(ctx, stack, term));
    RLAB_TRY(rlab_ids_push(ctx, stack, node));
    while (stack->len) {
        uint32_t n = stack->at[--stack->len], t = stack->at[--stack->len];
        const rlab_node *at = rlab_term_node(store, t);
        const rlab_type_row *row = &program->types.at[type->nodes.at[n].type];
        const rlab_type_row_of *con;
        if (seen->len && seen->at[t] == n + 1)
            continue; /* shared and already checked at this type */
        if (at->kind != RLAB_CTOR || !(at->flags & RLAB_TERM_DATA) ||
            at->head - row->first >= row->count)
            return fail_constructor(ctx, type, n, at, program);
        if (at->size > type->nodes.at[n].limit)
            return rlab_fail(ctx, RLAB_ETERM, "expected a nat below %llu, got %llu",
                             (unsigned long long)type->nodes.at[n].limit,
                             (unsigned long long)at->size - 1);
        if (seen->len)
            seen->at[t] = n + 1;
        con = &type->rows.at[type->nodes.at[n].rows + at->head - row->first];
        for (uint32_t i = 0; i < at->count; i++) {
            RLAB_TRY(rlab_ids_push(ctx, stack, rlab_term_kids(store, t)[i]));
            RLAB_TRY(rlab_ids_push(ctx, stack, type->args.at[con->args + i]));
        }
    }
    return RLAB_OK;
}

rlab_status
rlab_type_check(rlab_ctx *ctx, const rlab_type *type, const rlab_store *store,
                const rlab_term *args) {
    rlab_ids stack = {0}, seen = {0};
    rlab_status status = RLAB_OK;
    for (size_t i = 0; i < type->domain.len; i++)
        if (rlab_term_node(store, args[i])->size > CHECK_SMALL)
            seen.len = store->nodes.len;
    if (seen.len) {
        status = rlab_vec_reserve(ctx, &seen, seen.len);
        if (status == RLAB_OK)
            memset(seen.at, 0, seen.len * sizeof *seen.at);
    }
    for (size_t i = 0; i < type->domain.len && status == RLAB_OK; i++)
        status = check_one(ctx, type, store, args[i], type->domain.at[i], &stack, &seen);
    rlab_vec_free(&stack);
    rlab_vec_free(&seen);
    return status;
}
