/* Counts and ranks of any length, by size or by depth: tables of numbers of any length, rank and
 * unrank over them. Where a count by size has 64 bits, the tables of count.c take over. */
#include "lang/type.h"

#include <string.h>

#define LIMBS_MAX ((size_t)1 << 26) /* of one table: 256 MiB */
#define NUMBER_MAX (1 << 14)        /* limbs of one number: products of two take milliseconds */
#define DEPTH_LIMIT (UINT64_C(1) << 20)

/* By size, a level has a number a node and product (the numbering of count.c). By depth: for each
 * node, the values at most that deep; for each row and the domain, the product of those of its
 * arguments. */
static size_t
numbers_of(const rlab_type *type, bool depth) {
    return depth ? type->nodes.len + type->rows.len + 1 : type->n_tables;
}

static rlab_limbs
number_at(const rlab_type *type, bool depth, uint64_t level, size_t which) {
    const rlab_wide *w = &type->wide[depth];
    const rlab_wide_number *n = &w->numbers.at[(size_t)level * numbers_of(type, depth) + which];
    rlab_limbs view;
    view.at = w->limbs.at + n->at;
    view.len = n->len;
    return view;
}

static rlab_status
append(rlab_ctx *ctx, rlab_type *type, bool depth, const rlab_big *x) {
    rlab_wide *w = &type->wide[depth];
    rlab_wide_number n = {w->limbs.len, (uint32_t)x->len};
    if (x->len > NUMBER_MAX || w->limbs.len + x->len > LIMBS_MAX)
        return rlab_fail(ctx, RLAB_ECOUNT,
                         "the counts of values up to %s %llu have more than %d bits, or take more "
                         "than %zu MiB; choose a smaller %s",
                         depth ? "depth" : "size", (unsigned long long)w->levels, NUMBER_MAX * 32,
                         LIMBS_MAX >> 18, depth ? "depth" : "size");
    RLAB_TRY(rlab_vec_reserve(ctx, &w->limbs, w->limbs.len + x->len + 1));
    RLAB_TRY(rlab_vec_reserve(ctx, &w->numbers, w->numbers.len + 1));
    if (x->len)
        memcpy(w->limbs.at + w->limbs.len, x->at, x->len * sizeof *x->at);
    w->limbs.len += x->len;
    w->numbers.at[w->numbers.len++] = n;
    return RLAB_OK;
}

static rlab_limbs
one(void) {
    static const uint32_t digit = 1;
    rlab_limbs view;
    view.at = &digit;
    view.len = 1;
    return view;
}

static rlab_limbs
none(void) {
    rlab_limbs view;
    view.at = NULL;
    view.len = 0;
    return view;
}

/* ---- tables by size -------------------------------------------------------------------------- */

/* Ways to choose the arguments from `j` on with `size` constructors in all. */
static rlab_limbs
ways(const rlab_type *type, const rlab_type_row_of *row, uint32_t j, uint64_t size) {
    if (j >= row->count)
        return size == 0 ? one() : none();
    if (j + 1 == row->count)
        return number_at(type, false, size, type->args.at[row->args + j]);
    return number_at(type, false, size, row->tables + j);
}

/* The product of the arguments from j on: its argument j runs over the sizes of the others. */
static rlab_status
product_by_size(rlab_ctx *ctx, rlab_big *sum, uint64_t *work, const rlab_type *type,
                const rlab_type_row_of *row, uint32_t j, uint64_t size) {
    uint32_t arg = type->args.at[row->args + j];
    sum->len = 0;
    for (uint64_t i = type->nodes.at[arg].least; i <= size; i++) {
        rlab_limbs first = number_at(type, false, i, arg), rest = ways(type, row, j + 1, size - i);
        RLAB_TRY(rlab_big_add_product(ctx, sum, first, rest));
        *work += 1 + first.len * rest.len;
    }
    return RLAB_OK;
}

static rlab_status
products_by_size(rlab_ctx *ctx, rlab_big *sum, rlab_type *type, const rlab_type_row_of *row,
                 uint64_t size) {
    for (uint32_t j = 0; j + 1 < row->count; j++) {
        RLAB_TRY(product_by_size(ctx, sum, &type->wide[0].work, type, row, j, size));
        RLAB_TRY(append(ctx, type, false, sum));
    }
    return RLAB_OK;
}

static rlab_status
level_by_size(rlab_ctx *ctx, rlab_big *sum, rlab_type *type, uint64_t size) {
    for (uint32_t n = 0; n < type->nodes.len; n++) {
        const rlab_type_node *node = &type->nodes.at[n];
        uint32_t count = type->program->types.at[node->type].count;
        sum->len = 0;
        for (uint32_t c = 0; size && size <= node->limit && c < count; c++)
            RLAB_TRY(
                rlab_big_add(ctx, sum, ways(type, &type->rows.at[node->rows + c], 0, size - 1)));
        RLAB_TRY(append(ctx, type, false, sum));
    }
    for (size_t r = 0; r < type->rows.len; r++)
        RLAB_TRY(products_by_size(ctx, sum, type, &type->rows.at[r], size));
    return products_by_size(ctx, sum, type, &type->product, size);
}

/* ---- tables by depth ------------------------------------------------------------------------- */

static rlab_limbs
at_most(const rlab_type *type, uint32_t node, uint64_t depth) {
    return number_at(type, true, depth, node);
}

/* Tuples of a row's arguments, none deeper than `depth`; row rows.len is the domain. */
static rlab_limbs
tuples(const rlab_type *type, size_t row, uint64_t depth) {
    return number_at(type, true, depth, type->nodes.len + row);
}

/* Values of a constructor (by row) exactly so deep: its tuples at most one less, without those two
 * less. The domain's row takes no depth of its own. */
static rlab_status
exactly(rlab_ctx *ctx, rlab_big *out, const rlab_type *type, size_t row, uint64_t depth) {
    uint64_t most = depth - (row < type->rows.len);
    RLAB_TRY(rlab_big_set(ctx, out, tuples(type, row, most)));
    if (most)
        rlab_big_sub(out, tuples(type, row, most - 1));
    return RLAB_OK;
}

static const rlab_type_row_of *
row_at(const rlab_type *type, size_t row) {
    return row < type->rows.len ? &type->rows.at[row] : &type->product;
}

static rlab_status
level_by_depth(rlab_ctx *ctx, rlab_big sums[2], rlab_type *type, uint64_t depth) {
    for (uint32_t n = 0; n < type->nodes.len; n++) {
        const rlab_type_node *node = &type->nodes.at[n];
        uint32_t count = type->program->types.at[node->type].count;
        uint64_t below = depth <= node->limit ? depth - 1 : node->limit - 1;
        sums[0].len = 0;
        for (uint32_t c = 0; depth && c < count; c++)
            RLAB_TRY(rlab_big_add(ctx, &sums[0], tuples(type, node->rows + c, below)));
        RLAB_TRY(append(ctx, type, true, &sums[0]));
    }
    for (size_t r = 0; r <= type->rows.len; r++) {
        const rlab_type_row_of *row = row_at(type, r);
        RLAB_TRY(rlab_big_set64(ctx, &sums[0], 1));
        for (uint32_t j = 0; j < row->count; j++) {
            rlab_big swap;
            sums[1].len = 0;
            RLAB_TRY(rlab_big_add_product(ctx, &sums[1], rlab_big_view(&sums[0]),
                                          at_most(type, type->args.at[row->args + j], depth)));
            swap = sums[0];
            sums[0] = sums[1];
            sums[1] = swap;
        }
        RLAB_TRY(append(ctx, type, true, &sums[0]));
    }
    return RLAB_OK;
}

/* ---- both ------------------------------------------------------------------------------------ */

/* Makes the tables up to a level; a level that fails leaves nothing behind. */
static rlab_status
upto(rlab_ctx *ctx, rlab_type *type, bool depth, uint64_t level) {
    rlab_wide *w = &type->wide[depth];
    rlab_big sums[2] = {{0}, {0}};
    rlab_status status = RLAB_OK;
    if (level >= DEPTH_LIMIT)
        return rlab_fail(ctx, RLAB_ECOUNT, "%s: expected less than %llu, got %llu",
                         depth ? "depth" : "size", (unsigned long long)DEPTH_LIMIT,
                         (unsigned long long)level);
    if (!depth)
        RLAB_TRY(rlab_count_upto(ctx, type, level));
    while (w->levels <= level && status == RLAB_OK) {
        size_t limbs = w->limbs.len;
        if (w->work > RLAB_COUNT_WORK) {
            status = rlab_fail(ctx, RLAB_ECOUNT,
                               "counting the values up to size %llu takes too long (it got to "
                               "%llu); choose a smaller size",
                               (unsigned long long)level, (unsigned long long)w->levels);
            break;
        }
        status = depth ? level_by_depth(ctx, sums, type, w->levels)
                       : level_by_size(ctx, &sums[0], type, w->levels);
        if (status == RLAB_OK)
            status = rlab_ctx_poll(ctx);
        if (status == RLAB_OK) {
            w->levels++;
        } else {
            w->limbs.len = limbs;
            w->numbers.len = (size_t)w->levels * numbers_of(type, depth);
        }
    }
    rlab_vec_free(&sums[0]);
    rlab_vec_free(&sums[1]);
    return status;
}

rlab_status
rlab_wide_count(rlab_ctx *ctx, rlab_big *out, rlab_type *type, bool depth, uint64_t level) {
    uint64_t least, most, small;
    RLAB_TRY(rlab_type_sizes(ctx, &least, &most, type));
    if (!depth) {
        RLAB_TRY(rlab_count_upto(ctx, type, level));
        small = rlab_count_domain(type, level);
        if (small != RLAB_SATURATED)
            return rlab_big_set64(ctx, out, small);
    }
    RLAB_TRY(upto(ctx, type, depth, level));
    if (depth)
        return exactly(ctx, out, type, type->rows.len, level);
    return rlab_big_set(ctx, out, ways(type, &type->product, 0, level));
}

/* ---- unrank ---------------------------------------------------------------------------------- */

/* Work still to be done; the limbs of its rank lie on the stack of limbs, its own on top. */
typedef struct goal {
    uint32_t node, len;
    uint64_t level;
} goal;

typedef struct unranker {
    const rlab_type *type;
    bool depth;
    RLAB_VEC(goal)
    goals;
    rlab_ids limbs;
    rlab_ids *out; /* constructors: a value's after its arguments', once read backwards */
    rlab_big rank, block, left, quotient, radix;
    void *small; /* work of rlab_unrank_few */
    size_t small_cap;
} unranker;

static rlab_status
push_goal(rlab_ctx *ctx, unranker *u, uint32_t node, uint64_t level, const rlab_big *rank) {
    goal g = {node, (uint32_t)rank->len, level};
    RLAB_TRY(rlab_vec_reserve(ctx, &u->goals, u->goals.len + 1));
    RLAB_TRY(rlab_vec_reserve(ctx, &u->limbs, u->limbs.len + rank->len + 1));
    if (rank->len)
        memcpy(u->limbs.at + u->limbs.len, rank->at, rank->len * sizeof *rank->at);
    u->limbs.len += rank->len;
    u->goals.at[u->goals.len++] = g;
    return RLAB_OK;
}

/* Splits u->rank over a row's arguments, `size` constructors in all. */
static rlab_status
split_size(rlab_ctx *ctx, unranker *u, const rlab_type_row_of *row, uint64_t size) {
    for (uint32_t j = 0; j < row->count; j++) {
        uint32_t arg = u->type->args.at[row->args + j];
        uint64_t i = u->type->nodes.at[arg].least;
        if (j + 1 == row->count)
            return push_goal(ctx, u, arg, size, &u->rank);
        for (;; i++) {
            u->block.len = 0;
            RLAB_TRY(rlab_big_add_product(ctx, &u->block, number_at(u->type, false, i, arg),
                                          ways(u->type, row, j + 1, size - i)));
            if (rlab_big_compare(rlab_big_view(&u->rank), rlab_big_view(&u->block)) < 0)
                break;
            rlab_big_sub(&u->rank, rlab_big_view(&u->block));
        }
        size -= i;
        RLAB_TRY(rlab_big_divide(ctx, &u->quotient, &u->rank, ways(u->type, row, j + 1, size)));
        RLAB_TRY(push_goal(ctx, u, arg, i, &u->quotient));
    }
    return RLAB_OK;
}

/* Choices of argument k where argument `first` is the first one exactly `depth` deep: those before
 * it are less deep, those after it at most so deep. */
static rlab_status
choices(rlab_ctx *ctx, rlab_big *out, const rlab_type *type, const rlab_type_row_of *row,
        uint32_t k, uint32_t first, uint64_t depth) {
    uint32_t arg = type->args.at[row->args + k];
    RLAB_TRY(rlab_big_set(ctx, out,
                          k < first ? at_most(type, arg, depth - 1) : at_most(type, arg, depth)));
    if (k == first)
        rlab_big_sub(out, at_most(type, arg, depth - 1));
    return RLAB_OK;
}

/* Product of the choices of arguments [from, count). */
static rlab_status
choices_from(rlab_ctx *ctx, unranker *u, rlab_big *out, const rlab_type_row_of *row, uint32_t from,
             uint32_t first, uint64_t depth) {
    RLAB_TRY(rlab_big_set64(ctx, out, 1));
    for (uint32_t k = from; k < row->count; k++) {
        rlab_big swap;
        RLAB_TRY(choices(ctx, &u->radix, u->type, row, k, first, depth));
        u->left.len = 0;
        RLAB_TRY(rlab_big_add_product(ctx, &u->left, rlab_big_view(out), rlab_big_view(&u->radix)));
        swap = *out;
        *out = u->left;
        u->left = swap;
    }
    return RLAB_OK;
}

/* A rank among the values at most so deep becomes a depth and a rank among those exactly so deep.
 */
static rlab_status
push_at_most(rlab_ctx *ctx, unranker *u, uint32_t arg, rlab_big *rank) {
    uint64_t e = 1;
    while (rlab_big_compare(rlab_big_view(rank), at_most(u->type, arg, e)) >= 0)
        e++;
    rlab_big_sub(rank, at_most(u->type, arg, e - 1));
    return push_goal(ctx, u, arg, e, rank);
}

/* Splits u->rank over a row's arguments, the deepest of which is `depth` deep. */
static rlab_status
split_depth(rlab_ctx *ctx, unranker *u, const rlab_type_row_of *row, uint64_t depth) {
    uint32_t first = 0;
    for (;; first++) {
        RLAB_TRY(choices_from(ctx, u, &u->block, row, 0, first, depth));
        if (rlab_big_compare(rlab_big_view(&u->rank), rlab_big_view(&u->block)) < 0)
            break;
        rlab_big_sub(&u->rank, rlab_big_view(&u->block));
    }
    for (uint32_t k = 0; k < row->count; k++) {
        uint32_t arg = u->type->args.at[row->args + k];
        RLAB_TRY(choices_from(ctx, u, &u->block, row, k + 1, first, depth));
        RLAB_TRY(rlab_big_divide(ctx, &u->quotient, &u->rank, rlab_big_view(&u->block)));
        if (k == first)
            RLAB_TRY(push_goal(ctx, u, arg, depth, &u->quotient));
        else
            RLAB_TRY(push_at_most(ctx, u, arg, &u->quotient));
    }
    return RLAB_OK;
}

/* One value: its constructor, its arguments as further goals. */
static rlab_status
unrank_goal(rlab_ctx *ctx, unranker *u, goal g) {
    const rlab_type_node *node = &u->type->nodes.at[g.node];
    uint32_t ctor = u->type->program->types.at[node->type].first;
    size_t row = node->rows;
    for (;; row++, ctor++) {
        const rlab_type_row_of *at = &u->type->rows.at[row];
        if (u->depth)
            RLAB_TRY(exactly(ctx, &u->block, u->type, row, g.level));
        else
            RLAB_TRY(rlab_big_set(ctx, &u->block, ways(u->type, at, 0, g.level - 1)));
        if (rlab_big_compare(rlab_big_view(&u->rank), rlab_big_view(&u->block)) < 0)
            break;
        rlab_big_sub(&u->rank, rlab_big_view(&u->block));
    }
    RLAB_TRY(rlab_ids_push(ctx, u->out, ctor));
    if (u->type->rows.at[row].count == 0)
        return RLAB_OK;
    if (u->depth)
        return split_depth(ctx, u, &u->type->rows.at[row], g.level - 1);
    return split_size(ctx, u, &u->type->rows.at[row], g.level - 1);
}

static rlab_status
unrank_few(rlab_ctx *ctx, unranker *u, goal g, uint64_t rank) {
    size_t need = ((size_t)g.level + u->type->domain.len + 1) * RLAB_UNRANK_WORK;
    RLAB_TRY(rlab_grow(ctx, &u->small, &u->small_cap, need, sizeof(uint64_t)));
    RLAB_TRY(rlab_vec_reserve(ctx, u->out, u->out->len + (size_t)g.level));
    rlab_unrank_ctors(u->out, u->type, g.node, g.level, rank, u->small);
    return RLAB_OK;
}

static rlab_status
unrank_all(rlab_ctx *ctx, unranker *u, uint64_t level, uint64_t most) {
    RLAB_TRY(u->depth ? split_depth(ctx, u, &u->type->product, level)
                      : split_size(ctx, u, &u->type->product, level));
    while (u->goals.len) {
        goal g = u->goals.at[--u->goals.len];
        rlab_limbs rank;
        uint64_t small;
        u->limbs.len -= g.len;
        rank.at = u->limbs.at + u->limbs.len;
        rank.len = g.len;
        if (u->out->len >= most)
            return rlab_fail(ctx, RLAB_EBUDGET,
                             "node budget of %llu nodes ran out; raise it or choose a smaller %s",
                             (unsigned long long)most, u->depth ? "depth" : "size");
        if (!u->depth && rlab_big_fits(rank, &small) &&
            rlab_count_table(u->type, g.node)[g.level] != RLAB_SATURATED) {
            RLAB_TRY(unrank_few(ctx, u, g, small));
            continue;
        }
        RLAB_TRY(rlab_big_set(ctx, &u->rank, rank));
        RLAB_TRY(unrank_goal(ctx, u, g));
    }
    return RLAB_OK;
}

rlab_status
rlab_wide_unrank(rlab_ctx *ctx, rlab_ids *out, const rlab_type *type, bool depth, uint64_t level,
                 rlab_limbs rank, uint64_t most) {
    unranker u;
    goal domain = {RLAB_DOMAIN, 0, level};
    uint64_t small;
    rlab_status status;
    memset(&u, 0, sizeof u);
    u.type = type;
    u.depth = depth;
    u.out = out;
    out->len = 0;
    if (!depth && rlab_count_domain(type, level) != RLAB_SATURATED && rlab_big_fits(rank, &small))
        status = unrank_few(ctx, &u, domain, small);
    else if ((status = rlab_big_set(ctx, &u.rank, rank)) == RLAB_OK)
        status = unrank_all(ctx, &u, level, most);
    rlab_vec_free(&u.goals);
    rlab_vec_free(&u.limbs);
    rlab_vec_free(&u.rank);
    rlab_vec_free(&u.block);
    rlab_vec_free(&u.left);
    rlab_vec_free(&u.quotient);
    rlab_vec_free(&u.radix);
    rlab_free(u.small);
    return status;
}

rlab_status
rlab_wide_check(rlab_ctx *ctx, rlab_type *type, bool depth, uint64_t level, rlab_limbs rank) {
    const char *by = depth ? "depth" : "size";
    unsigned long long at = level;
    rlab_big count = {0};
    rlab_text name = {0};
    uint64_t all, got;
    rlab_status status = rlab_wide_count(ctx, &count, type, depth, level);
    if (status == RLAB_OK && rlab_big_compare(rank, rlab_big_view(&count)) >= 0) {
        status = rlab_type_name(ctx, &name, type);
        if (status == RLAB_OK && count.len == 0)
            status =
                rlab_fail(ctx, RLAB_ECOUNT, "type %s has no value of %s %llu", name.at, by, at);
        else if (status == RLAB_OK && rlab_big_fits(rlab_big_view(&count), &all) &&
                 rlab_big_fits(rank, &got))
            status = rlab_fail(ctx, RLAB_ECOUNT,
                               "rank: type %s has %llu values of %s %llu, got rank %llu", name.at,
                               (unsigned long long)all, by, at, (unsigned long long)got);
        else if (status == RLAB_OK)
            status = rlab_fail(ctx, RLAB_ECOUNT,
                               "rank: type %s has fewer values of %s %llu than the rank given, of "
                               "%zu bits or more",
                               name.at, by, at, 32 * rank.len - 31);
    }
    rlab_vec_free(&name);
    rlab_vec_free(&count);
    return status;
}

/* ---- rank ------------------------------------------------------------------------------------ */

/* A value still to be ranked; the limbs of `times`, what one rank of it adds to the whole, lie on
 * the stack of limbs. */
typedef struct visit {
    rlab_term term;
    uint32_t node, len;
} visit;

typedef struct ranker {
    const rlab_type *type;
    const rlab_store *store;
    bool depth;
    RLAB_VEC(visit)
    visits;
    rlab_ids limbs;
    rlab_big rank, times, sum, block, factor;
    unranker scratch; /* of choices_from */
} ranker;

static rlab_status
push_visit(rlab_ctx *ctx, ranker *r, rlab_term term, uint32_t node, const rlab_big *times) {
    visit v = {term, node, (uint32_t)times->len};
    RLAB_TRY(rlab_vec_reserve(ctx, &r->visits, r->visits.len + 1));
    RLAB_TRY(rlab_vec_reserve(ctx, &r->limbs, r->limbs.len + times->len));
    memcpy(r->limbs.at + r->limbs.len, times->at, times->len * sizeof *times->at);
    r->limbs.len += times->len;
    r->visits.at[r->visits.len++] = v;
    return RLAB_OK;
}

/* r->rank += r->times * x */
static rlab_status
count_in(rlab_ctx *ctx, ranker *r, rlab_limbs x) {
    return rlab_big_add_product(ctx, &r->rank, rlab_big_view(&r->times), x);
}

/* Pushes an argument, each rank of which counts r->times * r->factor. */
static rlab_status
push_argument(rlab_ctx *ctx, ranker *r, rlab_term term, uint32_t node) {
    r->sum.len = 0;
    RLAB_TRY(
        rlab_big_add_product(ctx, &r->sum, rlab_big_view(&r->times), rlab_big_view(&r->factor)));
    return push_visit(ctx, r, term, node, &r->sum);
}

static rlab_status
rank_by_size(rlab_ctx *ctx, ranker *r, const rlab_type_row_of *row, const rlab_term *args,
             uint64_t size) {
    for (uint32_t j = 0; j < row->count; j++) {
        uint32_t arg = r->type->args.at[row->args + j];
        uint64_t own = rlab_term_node(r->store, args[j])->size;
        if (j + 1 < row->count) {
            r->block.len = 0;
            for (uint64_t i = r->type->nodes.at[arg].least; i < own; i++)
                RLAB_TRY(rlab_big_add_product(ctx, &r->block, number_at(r->type, false, i, arg),
                                              ways(r->type, row, j + 1, size - i)));
            RLAB_TRY(count_in(ctx, r, rlab_big_view(&r->block)));
        }
        size -= own;
        RLAB_TRY(rlab_big_set(ctx, &r->factor, ways(r->type, row, j + 1, size)));
        RLAB_TRY(push_argument(ctx, r, args[j], arg));
    }
    return RLAB_OK;
}

static rlab_status
rank_by_depth(rlab_ctx *ctx, ranker *r, const rlab_type_row_of *row, const rlab_term *args,
              uint64_t depth) {
    uint32_t first = 0;
    while (first < row->count && rlab_term_node(r->store, args[first])->depth < depth) {
        RLAB_TRY(choices_from(ctx, &r->scratch, &r->block, row, 0, first, depth));
        RLAB_TRY(count_in(ctx, r, rlab_big_view(&r->block)));
        first++;
    }
    for (uint32_t k = 0; k < row->count; k++) {
        uint32_t arg = r->type->args.at[row->args + k];
        uint64_t own = rlab_term_node(r->store, args[k])->depth;
        RLAB_TRY(choices_from(ctx, &r->scratch, &r->factor, row, k + 1, first, depth));
        if (k != first) {
            r->block.len = 0;
            RLAB_TRY(rlab_big_add_product(ctx, &r->block, rlab_big_view(&r->factor),
                                          at_most(r->type, arg, own - 1)));
            RLAB_TRY(count_in(ctx, r, rlab_big_view(&r->block)));
        }
        RLAB_TRY(push_argument(ctx, r, args[k], arg));
    }
    return RLAB_OK;
}

static rlab_status
rank_args(rlab_ctx *ctx, ranker *r, const rlab_type_row_of *row, const rlab_term *args,
          uint64_t level) {
    return r->depth ? rank_by_depth(ctx, r, row, args, level)
                    : rank_by_size(ctx, r, row, args, level);
}

static rlab_status
rank_visit(rlab_ctx *ctx, ranker *r, const visit *v) {
    const rlab_node *node = rlab_term_node(r->store, v->term);
    const rlab_type_node *at = &r->type->nodes.at[v->node];
    uint32_t ctor = node->head - r->type->program->types.at[at->type].first;
    for (uint32_t c = 0; c < ctor; c++) {
        if (r->depth)
            RLAB_TRY(exactly(ctx, &r->block, r->type, at->rows + c, node->depth));
        else
            RLAB_TRY(rlab_big_set(
                ctx, &r->block, ways(r->type, &r->type->rows.at[at->rows + c], 0, node->size - 1)));
        RLAB_TRY(count_in(ctx, r, rlab_big_view(&r->block)));
    }
    if (node->count == 0)
        return RLAB_OK;
    return rank_args(ctx, r, &r->type->rows.at[at->rows + ctor], rlab_term_kids(r->store, v->term),
                     (r->depth ? node->depth : node->size) - 1);
}

static rlab_status
rank_all(rlab_ctx *ctx, ranker *r, const rlab_term *args, uint64_t level) {
    uint64_t done = 0;
    RLAB_TRY(rlab_big_set64(ctx, &r->times, 1));
    RLAB_TRY(rank_args(ctx, r, &r->type->product, args, level));
    while (r->visits.len) {
        visit v = r->visits.at[--r->visits.len];
        rlab_limbs times;
        r->limbs.len -= v.len;
        times.at = r->limbs.at + r->limbs.len;
        times.len = v.len;
        RLAB_TRY(rlab_big_set(ctx, &r->times, times));
        RLAB_TRY(rank_visit(ctx, r, &v));
        if (++done % 1024 == 0)
            RLAB_TRY(rlab_ctx_poll(ctx));
    }
    return RLAB_OK;
}

rlab_status
rlab_wide_rank(rlab_ctx *ctx, uint64_t *level, rlab_big *rank, rlab_type *type, bool depth,
               const rlab_store *store, const rlab_term *args) {
    ranker r;
    uint64_t total = 0;
    rlab_status status;
    RLAB_TRY(rlab_type_check(ctx, type, store, args));
    for (size_t i = 0; i < type->domain.len; i++) {
        const rlab_node *node = rlab_term_node(store, args[i]);
        if (!depth)
            total = node->size > UINT64_MAX - total ? UINT64_MAX : total + node->size;
        else if (node->depth > total)
            total = node->depth;
    }
    if (!depth) {
        RLAB_TRY(rlab_count_upto(ctx, type, total));
        if (rlab_count_domain(type, total) != RLAB_SATURATED) {
            uint64_t small;
            RLAB_TRY(rlab_type_rank(ctx, level, &small, type, store, args));
            return rlab_big_set64(ctx, rank, small);
        }
    }
    RLAB_TRY(upto(ctx, type, depth, total));
    memset(&r, 0, sizeof r);
    r.type = r.scratch.type = type;
    r.store = store;
    r.depth = depth;
    status = rank_all(ctx, &r, args, total);
    if (status == RLAB_OK)
        status = rlab_big_set(ctx, rank, rlab_big_view(&r.rank));
    if (status == RLAB_OK)
        *level = total;
    rlab_vec_free(&r.visits);
    rlab_vec_free(&r.limbs);
    rlab_vec_free(&r.rank);
    rlab_vec_free(&r.times);
    rlab_vec_free(&r.sum);
    rlab_vec_free(&r.block);
    rlab_vec_free(&r.factor);
    rlab_vec_free(&r.scratch.left);
    rlab_vec_free(&r.scratch.radix);
    return status;
}

void
rlab_wide_free(rlab_type *type) {
    for (int depth = 0; depth < 2; depth++) {
        rlab_vec_free(&type->wide[depth].numbers);
        rlab_vec_free(&type->wide[depth].limbs);
    }
}
