/* Counting the values of a type by size; rank and unrank, exact inverses of each other. */
#include "lang/type.h"

#include <string.h>

#define SIZE_LIMIT (UINT64_C(1) << 28)

/* ---- saturating numbers --------------------------------------------------------------------- */

static inline uint64_t
sat_mul(uint64_t a, uint64_t b) {
    if (((a | b) >> 32) == 0)
        return a * b;
    if (a == 0 || b == 0)
        return 0;
    return a > RLAB_SATURATED / b ? RLAB_SATURATED : a * b;
}

static inline uint64_t
sat_add(uint64_t a, uint64_t b) {
    return a > RLAB_SATURATED - b ? RLAB_SATURATED : a + b;
}

/* ---- tables --------------------------------------------------------------------------------- */

static void
number_tables(rlab_type *type, rlab_type_row_of *row) {
    row->tables = (uint32_t)type->n_tables;
    if (row->count > 1)
        type->n_tables += row->count - 1;
}

rlab_status
rlab_count_init(rlab_ctx *ctx, rlab_type *type) {
    type->product.args = (uint32_t)type->args.len;
    type->product.count = (uint32_t)type->domain.len;
    for (size_t i = 0; i < type->domain.len; i++)
        RLAB_TRY(rlab_ids_push(ctx, &type->args, type->domain.at[i]));
    type->n_tables = type->nodes.len;
    for (size_t r = 0; r < type->rows.len; r++)
        number_tables(type, &type->rows.at[r]);
    number_tables(type, &type->product);
    return RLAB_OK;
}

void
rlab_count_free(rlab_type *type) {
    rlab_free(type->tables);
    type->tables = NULL;
}

/* Ways to choose the arguments from `j` on with `size` constructors in all. */
static inline uint64_t
ways(const rlab_type *type, const rlab_type_row_of *row, uint32_t j, uint64_t size) {
    if (j >= row->count)
        return size == 0;
    if (j + 1 == row->count)
        return rlab_count_table(type, type->args.at[row->args + j])[size];
    return rlab_count_table(type, row->tables + j)[size];
}

/* Fills the products of one row at one size, last argument first. */
static void
fill_products(rlab_type *type, const rlab_type_row_of *row, uint64_t size) {
    for (uint32_t j = row->count > 1 ? row->count - 1 : 0; j-- > 0;) {
        const uint64_t *first = rlab_count_table(type, type->args.at[row->args + j]);
        uint64_t least = type->nodes.at[type->args.at[row->args + j]].least, sum = 0;
        for (uint64_t i = least; i <= size && sum != RLAB_SATURATED; i++)
            if (first[i])
                sum = sat_add(sum, sat_mul(first[i], ways(type, row, j + 1, size - i)));
        type->work += sum == RLAB_SATURATED ? 1 : size + 1;
        type->tables[(row->tables + j) * type->cap + size] = sum;
    }
}

static void
fill(rlab_type *type, uint64_t size) {
    for (uint32_t n = 0; n < type->nodes.len; n++) {
        const rlab_type_node *node = &type->nodes.at[n];
        uint32_t count = type->program->types.at[node->type].count;
        uint64_t sum = 0;
        for (uint32_t c = 0; size && size <= node->limit && c < count; c++)
            sum = sat_add(sum, ways(type, &type->rows.at[node->rows + c], 0, size - 1));
        type->tables[n * type->cap + size] = sum;
    }
    for (size_t r = 0; r < type->rows.len; r++)
        fill_products(type, &type->rows.at[r], size);
    fill_products(type, &type->product, size);
}

static rlab_status
widen(rlab_ctx *ctx, rlab_type *type, size_t sizes) {
    size_t cap = 2 * type->cap > sizes ? 2 * type->cap : sizes, total, have = 0;
    uint64_t *tables = NULL;
    if (cap < 64)
        cap = 64;
    if (!rlab_size_mul(cap, type->n_tables, &total))
        return rlab_fail(ctx, RLAB_EMEM, "tables of counts up to size %zu do not fit", sizes);
    RLAB_TRY(rlab_grow(ctx, (void **)&tables, &have, total, sizeof *tables));
    for (size_t t = 0; t < type->n_tables && type->sizes; t++)
        memcpy(tables + t * cap, type->tables + t * type->cap, type->sizes * sizeof *tables);
    rlab_free(type->tables);
    type->tables = tables;
    type->cap = cap;
    return RLAB_OK;
}

rlab_status
rlab_count_upto(rlab_ctx *ctx, rlab_type *type, uint64_t size) {
    if (size < type->sizes)
        return RLAB_OK;
    if (size >= SIZE_LIMIT)
        return rlab_fail(ctx, RLAB_ECOUNT, "size: expected less than %llu, got %llu",
                         (unsigned long long)SIZE_LIMIT, (unsigned long long)size);
    if (size >= type->cap)
        RLAB_TRY(widen(ctx, type, (size_t)size + 1));
    while (type->sizes <= size) {
        if (type->work > RLAB_COUNT_WORK)
            return rlab_fail(ctx, RLAB_ECOUNT,
                             "counting the values up to size %llu takes too long (it got to %zu); "
                             "choose a smaller size",
                             (unsigned long long)size, type->sizes);
        fill(type, type->sizes);
        type->sizes++;
        if (type->sizes % 64 == 0)
            RLAB_TRY(rlab_ctx_poll(ctx));
    }
    return RLAB_OK;
}

uint64_t
rlab_count_domain(const rlab_type *type, uint64_t size) {
    return ways(type, &type->product, 0, size);
}

rlab_status
rlab_type_count(rlab_ctx *ctx, uint64_t *out, rlab_type *type, uint64_t size) {
    uint64_t count, least, most;
    RLAB_TRY(rlab_type_sizes(ctx, &least, &most, type));
    RLAB_TRY(rlab_count_upto(ctx, type, size));
    count = rlab_count_domain(type, size);
    if (count == RLAB_SATURATED) {
        rlab_text name = {0};
        RLAB_TRY(rlab_type_name(ctx, &name, type));
        rlab_fail(
            ctx, RLAB_ECOUNT,
            "type %s: its values of size %llu number 2^64 - 1 or more, beyond 64 bits; choose a "
            "smaller size",
            name.at, (unsigned long long)size);
        rlab_vec_free(&name);
        return RLAB_ECOUNT;
    }
    *out = count;
    return RLAB_OK;
}

rlab_status
rlab_count_check(rlab_ctx *ctx, rlab_type *type, uint64_t size, uint64_t rank) {
    uint64_t count;
    rlab_text name = {0};
    RLAB_TRY(rlab_type_count(ctx, &count, type, size));
    if (rank < count)
        return RLAB_OK;
    RLAB_TRY(rlab_type_name(ctx, &name, type));
    if (count == 0)
        rlab_fail(ctx, RLAB_ECOUNT, "type %s has no value of size %llu", name.at,
                  (unsigned long long)size);
    else
        rlab_fail(ctx, RLAB_ECOUNT, "rank: type %s has %llu values of size %llu, got rank %llu",
                  name.at, (unsigned long long)count, (unsigned long long)size,
                  (unsigned long long)rank);
    rlab_vec_free(&name);
    return RLAB_ECOUNT;
}

/* ---- unrank --------------------------------------------------------------------------------- */

/* Work still to be done: three words each, `where` (heap word, or root argument) and node in one.
 */
typedef struct todo {
    uint32_t where, node;
    uint64_t size, rank;
} todo;

/* Splits (size, rank) over the arguments of a row: the size of argument j and its rank go to the
 * work list, the last one's stay in *size, *rank. */
static inline todo *
split(const rlab_type *type, const rlab_type_row_of *row, uint32_t where, uint64_t *size,
      uint64_t *rank, todo *work) {
    for (uint32_t j = 0; j + 1 < row->count; j++) {
        uint32_t arg = type->args.at[row->args + j];
        const uint64_t *first = rlab_count_table(type, arg);
        uint64_t i = type->nodes.at[arg].least, rest, block;
        for (;; i++) {
            rest = ways(type, row, j + 1, *size - i);
            block = first[i] * rest;
            if (*rank < block)
                break;
            *rank -= block;
        }
        work->where = where + j;
        work->node = arg;
        work->size = i;
        work->rank = *rank / rest;
        *rank %= rest;
        *size -= i;
        work++;
    }
    return work;
}

void
rlab_unrank_heap(rlab_val *out, const rlab_type *type, rlab_machine *m, uint64_t size,
                 uint64_t rank, uint64_t *scratch) {
    const uint32_t root = UINT32_C(1) << 31; /* argument, not heap word */
    todo *const bottom = (todo *)(void *)scratch, *work = bottom;
    const rlab_type_row_of *row = &type->product;
    rlab_val *const heap = m->heap;
    size_t hp = m->used;
    work = split(type, row, root, &size, &rank, work);
    work->where = root + row->count - 1;
    work->node = type->args.at[row->args + row->count - 1];
    work->size = size;
    work->rank = rank;
    work++;
    while (work > bottom) {
        uint32_t where = (--work)->where, n = work->node;
        size = work->size;
        rank = work->rank;
        for (;;) {
            const rlab_type_node *node = &type->nodes.at[n];
            uint32_t ctor = type->program->types.at[node->type].first;
            uint64_t total;
            rlab_val value;
            row = &type->rows.at[node->rows];
            size--;
            for (; rank >= (total = ways(type, row, 0, size)); row++, ctor++)
                rank -= total;
            value = row->count ? (rlab_val)(hp << 1) : rlab_val_ctor0(ctor);
            if (where & root)
                out[where & ~root] = value;
            else
                heap[where] = value;
            if (row->count == 0)
                break;
            heap[hp] = ctor << 2 | RLAB_CELL_CON;
            if (row->count > 1)
                work = split(type, row, (uint32_t)hp + 1, &size, &rank, work);
            where = (uint32_t)hp + row->count;
            hp += 1 + row->count;
            n = type->args.at[row->args + row->count - 1];
        }
    }
    m->used = hp;
}

void
rlab_unrank_ctors(rlab_ids *out, const rlab_type *type, uint32_t n, uint64_t size, uint64_t rank,
                  uint64_t *scratch) {
    todo *const bottom = (todo *)(void *)scratch, *work = bottom;
    const rlab_type_row_of *row = &type->product;
    if (n == RLAB_DOMAIN) {
        work = split(type, row, 0, &size, &rank, work);
        n = type->args.at[row->args + row->count - 1];
    }
    for (;;) {
        const rlab_type_node *node = &type->nodes.at[n];
        uint32_t ctor = type->program->types.at[node->type].first;
        uint64_t total;
        row = &type->rows.at[node->rows];
        size--;
        for (; rank >= (total = ways(type, row, 0, size)); row++, ctor++)
            rank -= total;
        out->at[out->len++] = ctor;
        if (row->count) {
            work = split(type, row, 0, &size, &rank, work);
            n = type->args.at[row->args + row->count - 1];
        } else if (work > bottom) {
            n = (--work)->node;
            size = work->size;
            rank = work->rank;
        } else {
            return;
        }
    }
}

rlab_status
rlab_type_unrank(rlab_ctx *ctx, rlab_term *out, rlab_type *type, rlab_store *store, bool depth,
                 uint64_t level, rlab_limbs rank) {
    rlab_ids ctors = {0};
    rlab_status status = rlab_wide_check(ctx, type, depth, level, rank);
    if (status == RLAB_OK)
        status = rlab_wide_unrank(ctx, &ctors, type, depth, level, rank, RLAB_BUDGET_NODES);
    if (status == RLAB_OK)
        status = rlab_ctors_terms(ctx, out, store, &ctors, (uint32_t)type->domain.len);
    rlab_vec_free(&ctors);
    return status;
}

/* ---- rank ----------------------------------------------------------------------------------- */

typedef struct visit {
    rlab_term term;
    uint32_t node;
    uint64_t times; /* what one rank of this value adds to the whole */
} visit;

typedef RLAB_VEC(visit)
visits;

static rlab_status
rank_args(rlab_ctx *ctx, uint64_t *rank, visits *stack, const rlab_type *type,
          const rlab_type_row_of *row, const rlab_store *store, const rlab_term *args,
          uint64_t size, uint64_t times) {
    RLAB_TRY(rlab_vec_reserve(ctx, stack, stack->len + row->count));
    for (uint32_t j = 0; j < row->count; j++) {
        uint32_t arg = type->args.at[row->args + j];
        uint64_t own = rlab_term_node(store, args[j])->size;
        visit v = {args[j], arg, times};
        if (j + 1 < row->count) {
            for (uint64_t i = type->nodes.at[arg].least; i < own; i++)
                *rank += times * rlab_count_table(type, arg)[i] * ways(type, row, j + 1, size - i);
            size -= own;
            v.times = times * ways(type, row, j + 1, size);
        }
        stack->at[stack->len++] = v;
    }
    return RLAB_OK;
}

rlab_status
rlab_type_rank(rlab_ctx *ctx, uint64_t *size, uint64_t *rank, rlab_type *type,
               const rlab_store *store, const rlab_term *args) {
    visits stack = {0};
    uint64_t total = 0, sum = 0, count;
    rlab_status status;
    RLAB_TRY(rlab_type_check(ctx, type, store, args));
    for (size_t i = 0; i < type->domain.len; i++)
        total = sat_add(total, rlab_term_node(store, args[i])->size);
    RLAB_TRY(rlab_type_count(ctx, &count, type, total));
    status = rank_args(ctx, &sum, &stack, type, &type->product, store, args, total, 1);
    while (status == RLAB_OK && stack.len) {
        visit v = stack.at[--stack.len];
        const rlab_node *node = rlab_term_node(store, v.term);
        const rlab_type_node *at = &type->nodes.at[v.node];
        uint32_t ctor = node->head - type->program->types.at[at->type].first;
        for (uint32_t c = 0; c < ctor; c++)
            sum += v.times * ways(type, &type->rows.at[at->rows + c], 0, node->size - 1);
        status = rank_args(ctx, &sum, &stack, type, &type->rows.at[at->rows + ctor], store,
                           rlab_term_kids(store, v.term), node->size - 1, v.times);
    }
    rlab_vec_free(&stack);
    if (status == RLAB_OK) {
        *size = total;
        *rank = sum;
    }
    return status;
}
