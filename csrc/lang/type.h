/* Closed types as tables: what counting, parsing and encoding share. */
#ifndef RLAB_LANG_TYPE_H
#define RLAB_LANG_TYPE_H

#include "lang/inner.h"

/* An applied type. Its constructors are rows[node.rows ..], in declaration order. */
typedef struct rlab_type_node {
    uint32_t type;
    uint32_t params; /* its arguments, as nodes, in type->params */
    uint32_t rows;
    uint64_t least, most; /* sizes of values; least UINT64_MAX: none, most UINT64_MAX: no bound */
    uint64_t limit;       /* largest size admitted: a bound on nat; else UINT64_MAX */
} rlab_type_node;

/* A constructor of a node (or the domain): argument nodes are type->args[args .. args + count). */
typedef struct rlab_type_row_of {
    uint32_t args, count;
    uint32_t tables; /* of products of the arguments from 1 on, in type->tables */
    uint32_t spare;
} rlab_type_row_of;

/* Numbers of any length by level (a size or a depth), a level's one after another: wide.c. */
typedef struct rlab_wide_number {
    size_t at; /* in limbs */
    uint32_t len;
} rlab_wide_number;
typedef struct rlab_wide {
    rlab_ids limbs;
    RLAB_VEC(rlab_wide_number)
    numbers;
    uint64_t levels;
    uint64_t work; /* products of limbs so far */
} rlab_wide;

/* Products that the tables of a type may take: seconds. Beyond, a count is refused. */
#define RLAB_COUNT_WORK (UINT64_C(1) << 31)

/* Invariant: every table holds the sizes 0 .. sizes - 1; SATURATED marks more than 64 bits. */
#define RLAB_SATURATED UINT64_MAX
struct rlab_type {
    const rlab_program *program;
    RLAB_VEC(rlab_type_node)
    nodes;
    RLAB_VEC(rlab_type_row_of)
    rows;
    rlab_ids args, params;
    rlab_ids domain;          /* nodes, one an argument */
    rlab_type_row_of product; /* the domain as a row whose constructor takes no size */
    uint64_t *tables;         /* [node or product][size], cap sizes each */
    size_t n_tables, cap, sizes;
    uint64_t work;     /* products that the tables took so far */
    rlab_wide wide[2]; /* by size, by depth */
};

rlab_status rlab_count_init(rlab_ctx *ctx, rlab_type *type);
void rlab_count_free(rlab_type *type);
/* Makes tables for sizes up to `size`. */
rlab_status rlab_count_upto(rlab_ctx *ctx, rlab_type *type, uint64_t size);
rlab_status rlab_type_node_name(rlab_ctx *ctx, rlab_text *out, const rlab_type *type,
                                uint32_t node);
/* Unranks argument by argument into the heap, the arguments to out[i]. Tables must be there, the
 * rank in range, and the heap must have room for 2 * size + 2 words. */
void rlab_unrank_heap(rlab_val *out, const rlab_type *type, rlab_machine *m, uint64_t size,
                      uint64_t rank, uint64_t *work);
rlab_status rlab_count_check(rlab_ctx *ctx, rlab_type *type, uint64_t size, uint64_t rank);
/* Values of the domain; tables must be there. */
uint64_t rlab_count_domain(const rlab_type *type, uint64_t size);
/* Appends the constructors of a value (node RLAB_DOMAIN: of all arguments), each after what it is
 * applied to once the list is read backwards. There must be room; work: RLAB_UNRANK_WORK words for
 * each of size + the arity of the domain + 1. */
#define RLAB_DOMAIN UINT32_MAX
#define RLAB_UNRANK_WORK 3
void rlab_unrank_ctors(rlab_ids *out, const rlab_type *type, uint32_t node, uint64_t size,
                       uint64_t rank, uint64_t *work);
/* Values of constructors in that order: into a store, or into a heap that has room for them (work:
 * a word a constructor). */
rlab_status rlab_ctors_terms(rlab_ctx *ctx, rlab_term *out, rlab_store *store,
                             const rlab_ids *ctors, uint32_t n);
void rlab_ctors_heap(rlab_val *out, rlab_machine *m, const rlab_ids *ctors, rlab_val *work);
/* The constructors of the values at a level and rank, which must be in range (rlab_wide_check makes
 * the tables and sees to it); at most `most` of them. */
rlab_status rlab_wide_unrank(rlab_ctx *ctx, rlab_ids *out, const rlab_type *type, bool depth,
                             uint64_t level, rlab_limbs rank, uint64_t most);
void rlab_wide_free(rlab_type *type);
static inline const uint64_t *
rlab_count_table(const rlab_type *type, uint32_t table) {
    return type->tables + (size_t)table * type->cap;
}

#endif
