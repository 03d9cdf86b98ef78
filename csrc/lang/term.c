/* The term store: hash-consed nodes with size, depth and flags, built from postfix instructions. */
#include "lang/inner.h"

#include <stdio.h>
#include <string.h>

rlab_status
rlab_text_put(rlab_ctx *ctx, rlab_text *text, const char *s, size_t len) {
    RLAB_TRY(rlab_vec_reserve(ctx, text, text->len + len + 1));
    memcpy(text->at + text->len, s, len);
    text->len += len;
    text->at[text->len] = 0;
    return RLAB_OK;
}

rlab_status
rlab_text_puts(rlab_ctx *ctx, rlab_text *text, const char *s) {
    return rlab_text_put(ctx, text, s, strlen(s));
}

rlab_status
rlab_text_number(rlab_ctx *ctx, rlab_text *text, uint64_t value) {
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    return rlab_text_put(ctx, text, digits, (size_t)n);
}

rlab_status
rlab_ids_push(rlab_ctx *ctx, rlab_ids *ids, uint32_t id) {
    if (ids->len == ids->cap)
        RLAB_TRY(rlab_vec_reserve(ctx, ids, ids->len + 1));
    ids->at[ids->len++] = id;
    return RLAB_OK;
}

static rlab_status
copy_bytes(rlab_ctx *ctx, void **items, size_t *cap, size_t *len, const void *from, size_t from_len,
           size_t size) {
    RLAB_TRY(rlab_grow(ctx, items, cap, from_len + 1, size));
    if (from_len)
        memcpy(*items, from, from_len * size);
    *len = from_len;
    return RLAB_OK;
}

#define COPY_VEC(ctx, to, from)                                                                    \
    copy_bytes((ctx), (void **)&(to)->at, &(to)->cap, &(to)->len, (from)->at, (from)->len,         \
               sizeof *(to)->at)

static rlab_status
rehash(rlab_ctx *ctx, rlab_store *store, size_t cap) {
    uint32_t *table = NULL;
    size_t have = 0;
    RLAB_TRY(rlab_grow(ctx, (void **)&table, &have, cap, sizeof *table));
    memset(table, 0xff, cap * sizeof *table);
    for (size_t i = 0; i < store->nodes.len; i++) {
        size_t at = store->nodes.at[i].hash & (cap - 1);
        while (table[at] != RLAB_NO_TERM)
            at = (at + 1) & (cap - 1);
        table[at] = (uint32_t)i;
    }
    rlab_free(store->table);
    store->table = table;
    store->table_cap = cap;
    return RLAB_OK;
}

rlab_status
rlab_store_init(rlab_ctx *ctx, rlab_store *store, const rlab_program *program) {
    const rlab_store *base = &program->store;
    size_t cap = 256;
    rlab_status status;
    memset(store, 0, sizeof *store);
    store->program = program;
    while (cap < 2 * base->nodes.len + 2)
        cap *= 2;
    if ((status = COPY_VEC(ctx, &store->nodes, &base->nodes)) != RLAB_OK ||
        (status = COPY_VEC(ctx, &store->kids, &base->kids)) != RLAB_OK ||
        (status = COPY_VEC(ctx, &store->hints, &base->hints)) != RLAB_OK ||
        (status = COPY_VEC(ctx, &store->names, &base->names)) != RLAB_OK ||
        (status = rehash(ctx, store, cap)) != RLAB_OK) {
        rlab_store_free(store);
        return status;
    }
    if (store->hints.len == 0) {
        store->hints.at[0] = 0;
        store->hints.len = 1;
    }
    return RLAB_OK;
}

rlab_status
rlab_store_truncate(rlab_ctx *ctx, rlab_store *store, size_t nodes, size_t kids) {
    size_t dropped = store->nodes.len - nodes;
    if (dropped < store->table_cap / 8) {
        /* Newest first, so that every probe sequence is whole again when its older entry goes. */
        while (store->nodes.len > nodes) {
            uint32_t id = (uint32_t)--store->nodes.len;
            size_t at = store->nodes.at[id].hash & (store->table_cap - 1);
            while (store->table[at] != id)
                at = (at + 1) & (store->table_cap - 1);
            store->table[at] = RLAB_NO_TERM;
        }
        store->kids.len = kids;
        return RLAB_OK;
    }
    store->nodes.len = nodes;
    store->kids.len = kids;
    (void)ctx;
    memset(store->table, 0xff, store->table_cap * sizeof *store->table);
    for (size_t i = 0; i < nodes; i++) {
        size_t at = store->nodes.at[i].hash & (store->table_cap - 1);
        while (store->table[at] != RLAB_NO_TERM)
            at = (at + 1) & (store->table_cap - 1);
        store->table[at] = (uint32_t)i;
    }
    return RLAB_OK;
}

void
rlab_store_free(rlab_store *store) {
    rlab_vec_free(&store->nodes);
    rlab_vec_free(&store->kids);
    rlab_vec_free(&store->hints);
    rlab_vec_free(&store->names);
    rlab_vec_free(&store->walk_done);
    rlab_free(store->walk);
    rlab_free(store->table);
    store->walk = NULL;
    store->walk_cap = 0;
    store->table = NULL;
    store->table_cap = 0;
}

/* Binders that a node puts over its kid i. */
uint32_t
rlab_node_binders(const rlab_program *program, rlab_kind kind, uint32_t head, uint32_t kid) {
    switch (kind) {
    case RLAB_LAM:
    case RLAB_FIX:
        return 1;
    case RLAB_LET:
        return kid == 1;
    case RLAB_MATCH:
        return kid == 0 ? 0 : program->ctors.at[program->types.at[head].first + kid - 1].arity;
    default:
        return 0;
    }
}

static bool
partial(const rlab_store *store, const rlab_node *f, uint32_t args) {
    const rlab_program *program = store->program;
    switch ((rlab_kind)f->kind) {
    case RLAB_GLOBAL:
    case RLAB_FIXG:
        return args < program->globals.at[f->head].n_args;
    case RLAB_FIX:
        return args < (f->head & 0xffff);
    default:
        return false;
    }
}

static uint8_t
flags_of(const rlab_store *store, rlab_kind kind, uint32_t head, const rlab_term *kids,
         uint32_t count) {
    const rlab_program *program = store->program;
    uint8_t all = RLAB_TERM_VALUE | RLAB_TERM_DATA;
    switch (kind) {
    case RLAB_GLOBAL:
        return program->globals.at[head].n_args > 0 ? RLAB_TERM_VALUE : 0;
    case RLAB_FIXG:
    case RLAB_LAM:
    case RLAB_FIX:
        return RLAB_TERM_VALUE;
    case RLAB_CTOR:
        if (count < program->ctors.at[head].arity)
            all = RLAB_TERM_VALUE;
        break;
    case RLAB_APP:
        all = partial(store, rlab_term_node(store, kids[0]), count - 1) ? RLAB_TERM_VALUE : 0;
        break;
    default:
        return 0;
    }
    for (uint32_t i = 0; i < count && all; i++)
        all &= rlab_term_node(store, kids[i])->flags;
    return all;
}

/* Fills what follows from the kids: free, size, depth, flags. */
static void
measure(const rlab_store *store, rlab_node *node, const rlab_term *kids) {
    rlab_kind kind = (rlab_kind)node->kind;
    uint64_t size = kind == RLAB_CTOR;
    uint32_t depth = 0, free = kind == RLAB_VAR ? node->head + 1 : 0;
    for (uint32_t i = 0; i < node->count; i++) {
        const rlab_node *kid = rlab_term_node(store, kids[i]);
        size = size > UINT64_MAX - kid->size ? UINT64_MAX : size + kid->size;
        if (kid->depth > depth)
            depth = kid->depth;
        if (kid->free) {
            uint32_t under = rlab_node_binders(store->program, kind, node->head, i);
            uint32_t left = kid->free > under ? kid->free - under : 0;
            if (left > free)
                free = left;
        }
    }
    node->size = size;
    node->depth = depth + (kind == RLAB_CTOR && depth < UINT32_MAX);
    node->free = free;
    node->flags = flags_of(store, kind, node->head, kids, node->count);
}

rlab_status
rlab_term_intern(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_kind kind, uint32_t head,
                 const rlab_term *kids, uint32_t count, uint32_t hint) {
    uint64_t hash = rlab_hash_mix(RLAB_HASH_START + kind, (uint64_t)head << 20 | count);
    size_t at;
    rlab_node *node;
    for (uint32_t i = 0; i < count; i++)
        hash = rlab_hash_mix(hash, store->nodes.at[kids[i]].hash);
    at = hash & (store->table_cap - 1);
    for (; store->table[at] != RLAB_NO_TERM; at = (at + 1) & (store->table_cap - 1)) {
        node = &store->nodes.at[store->table[at]];
        if (node->hash == hash && node->kind == kind && node->head == head &&
            node->count == count &&
            (count == 0 || memcmp(store->kids.at + node->kids, kids, count * sizeof *kids) == 0)) {
            *out = store->table[at];
            return RLAB_OK;
        }
    }
    if (store->nodes.len >= RLAB_NO_TERM - 1 || (store->limit && store->nodes.len >= store->limit))
        return rlab_fail(ctx, RLAB_EBUDGET,
                         "node budget of %llu terms ran out; raise it or make the input smaller",
                         (unsigned long long)(store->limit ? store->limit : RLAB_NO_TERM));
    if (store->nodes.len == store->nodes.cap)
        RLAB_TRY(rlab_vec_reserve(ctx, &store->nodes, store->nodes.len + 1));
    if (store->kids.len + count > store->kids.cap) {
        if (store->kids.len + count > UINT32_MAX)
            return rlab_fail(ctx, RLAB_EBUDGET, "a term store holds at most 2^32 arguments");
        RLAB_TRY(rlab_vec_reserve(ctx, &store->kids, store->kids.len + count));
    }
    node = &store->nodes.at[store->nodes.len];
    memset(node, 0, sizeof *node);
    node->kind = (uint8_t)kind;
    node->head = head;
    node->count = count;
    node->kids = (uint32_t)store->kids.len;
    node->hint = hint;
    node->hash = hash;
    measure(store, node, kids);
    if (3 * (store->nodes.len + 1) > 2 * store->table_cap) {
        RLAB_TRY(rehash(ctx, store, 2 * store->table_cap));
        at = hash & (store->table_cap - 1);
        while (store->table[at] != RLAB_NO_TERM)
            at = (at + 1) & (store->table_cap - 1);
    }
    if (count)
        memcpy(store->kids.at + store->kids.len, kids, count * sizeof *kids);
    store->kids.len += count;
    *out = (uint32_t)store->nodes.len++;
    store->table[at] = *out;
    return RLAB_OK;
}

rlab_status
rlab_term_app(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_term f, const rlab_term *args,
              uint32_t n) {
    const rlab_node *node = rlab_term_node(store, f);
    rlab_term few[RLAB_FEW], *all = few;
    uint32_t total, have;
    rlab_status status;
    if (n == 0) {
        *out = f;
        return RLAB_OK;
    }
    have = node->kind == RLAB_APP || node->kind == RLAB_CTOR ? node->count : 1;
    total = have + n;
    if (node->kind == RLAB_CTOR && total > store->program->ctors.at[node->head].arity)
        return rlab_fail(ctx, RLAB_ETERM, "constructor %s: expected at most %u arguments, got %u",
                         rlab_program_ctor_name(store->program, node->head),
                         store->program->ctors.at[node->head].arity, total);
    if (total > RLAB_FEW)
        RLAB_TRY(rlab_alloc(ctx, (void **)&all, total, sizeof *all));
    if (node->kind == RLAB_APP || node->kind == RLAB_CTOR) {
        if (have)
            memcpy(all, rlab_term_kids(store, f), have * sizeof *all);
    } else {
        all[0] = f;
    }
    memcpy(all + have, args, n * sizeof *all);
    status = node->kind == RLAB_CTOR
                 ? rlab_term_intern(ctx, out, store, RLAB_CTOR, node->head, all, total, 0)
                 : rlab_term_intern(ctx, out, store, RLAB_APP, 0, all, total, 0);
    if (all != few)
        rlab_free(all);
    return status;
}

/* ---- copying between stores
 * ---------------------------------------------------------------------- */

static uint32_t
hint_count(const rlab_store *store, const rlab_node *node) {
    uint32_t names = 0;
    if (node->kind == RLAB_MATCH)
        for (uint32_t i = 1; i < node->count; i++)
            names += rlab_node_binders(store->program, RLAB_MATCH, node->head, i);
    else if (node->kind == RLAB_LAM || node->kind == RLAB_LET || node->kind == RLAB_FIX)
        names = 1;
    return names;
}

static rlab_status
copy_hint(rlab_ctx *ctx, uint32_t *out, rlab_store *to, const rlab_store *from,
          const rlab_node *node) {
    uint32_t names = hint_count(from, node), first = (uint32_t)to->hints.len;
    *out = 0;
    if (node->hint == 0 || names == 0)
        return RLAB_OK;
    for (uint32_t i = 0; i < names; i++)
        RLAB_TRY(rlab_store_name(ctx, to, from->names.at + from->hints.at[node->hint + i]));
    *out = first;
    return RLAB_OK;
}

rlab_status
rlab_store_name(rlab_ctx *ctx, rlab_store *store, const char *name) {
    RLAB_TRY(rlab_ids_push(ctx, &store->hints, (uint32_t)store->names.len));
    return rlab_text_put(ctx, &store->names, name, strlen(name) + 1);
}

/* Kids are older than their nodes: one pass marks what the term needs, one pass copies it. */
rlab_status
rlab_term_copy(rlab_ctx *ctx, rlab_term *out, rlab_store *to, const rlab_store *from,
               rlab_term term) {
    uint32_t base = (uint32_t)from->program->store.nodes.len;
    uint32_t *map = NULL;
    rlab_ids kids = {0};
    size_t have = 0;
    rlab_status status = RLAB_OK;
    if (to == from || term < base) {
        *out = term;
        return RLAB_OK;
    }
    RLAB_TRY(rlab_grow(ctx, (void **)&map, &have, term - base + 1, sizeof *map));
    memset(map, 0, (term - base + 1) * sizeof *map);
    map[term - base] = 1;
    for (uint32_t i = term; i >= base && i != UINT32_MAX; i--)
        if (map[i - base])
            for (uint32_t k = 0; k < from->nodes.at[i].count; k++)
                if (rlab_term_kids(from, i)[k] >= base)
                    map[rlab_term_kids(from, i)[k] - base] = 1;
    for (uint32_t i = base; i <= term && status == RLAB_OK; i++) {
        const rlab_node *node = &from->nodes.at[i];
        uint32_t hint;
        if (!map[i - base])
            continue;
        kids.len = 0;
        for (uint32_t k = 0; k < node->count && status == RLAB_OK; k++) {
            uint32_t kid = rlab_term_kids(from, i)[k];
            status = rlab_ids_push(ctx, &kids, kid < base ? kid : map[kid - base]);
        }
        if (status == RLAB_OK)
            status = copy_hint(ctx, &hint, to, from, node);
        if (status == RLAB_OK)
            status = rlab_term_intern(ctx, &map[i - base], to, (rlab_kind)node->kind, node->head,
                                      kids.at, node->count, hint);
    }
    if (status == RLAB_OK)
        *out = map[term - base];
    rlab_vec_free(&kids);
    rlab_free(map);
    return status;
}
