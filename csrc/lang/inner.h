/* What the files of lang share behind the door: small helpers, compiled code, the machine's heap.
 */
#ifndef RLAB_LANG_INNER_H
#define RLAB_LANG_INNER_H

#include "lang/lang.h"

#define RLAB_FEW 16 /* arguments kept in a local array; more go to the heap */

rlab_status rlab_ids_push(rlab_ctx *ctx, rlab_ids *ids, uint32_t id);
/* Appends a binder name and its hint. */
rlab_status rlab_store_name(rlab_ctx *ctx, rlab_store *store, const char *name);
uint32_t rlab_node_binders(const rlab_program *program, rlab_kind kind, uint32_t head,
                           uint32_t kid);
/* Forgets every node from the given lengths on. */
rlab_status rlab_store_truncate(rlab_ctx *ctx, rlab_store *store, size_t nodes, size_t kids);

/* ---- compiled code (code.c, eval.c)
 * --------------------------------------------------------------- */

/* Slots are words of the current frame R. The link of a call is R[-1] of the callee: where to go
 * on, and where the result goes. One row an instruction: name, operands. */
#define RLAB_OPCODES(X)                                                                            \
    X(MOVE)    /* dst src */                                                                       \
    X(LOADK)   /* dst word */                                                                      \
    X(LOADC)   /* dst constant */                                                                  \
    X(RET)     /* src */                                                                           \
    X(RETK)    /* word */                                                                          \
    X(CON1)    /* dst ctor a */                                                                    \
    X(CON2)    /* dst ctor a b */                                                                  \
    X(CONN)    /* dst ctor n srcs.. */                                                             \
    X(RETCON1) /* ctor a */                                                                        \
    X(RETCON2) /* ctor a b */                                                                      \
    X(RETCONN) /* ctor n srcs.. */                                                                 \
    X(CALL)    /* fn moves (dst src).. base: arguments lie at base.. */                            \
    X(CALL1)   /* fn src base: one move, to base */                                                \
    X(TCALL)   /* fn n srcs.. */                                                                   \
    X(TCALL1)  /* fn src */                                                                        \
    X(TCALL2)  /* fn src src */                                                                    \
    X(APPLY)   /* n base: arguments at base.., function at base + n */                             \
    X(TAPPLY)  /* n base */                                                                        \
    X(CLO)     /* dst fn n srcs.. */                                                               \
    X(MATCH)   /* src first count dst targets..; a target starts with how many fields to load and, \
                  from bit RLAB_CODE_COST on, how many contractions the branch always takes */     \
    X(JUMP)    /* target */                                                                        \
    X(HALT)

typedef enum rlab_op {
#define X(op) RLAB_OP_##op,
    RLAB_OPCODES(X)
#undef X
        RLAB_OP_COUNT
} rlab_op;

/* A function that code can enter: globals first (same index), then constructors, then local ones.
 * Frame: arguments, then for local functions the function itself and its captured values. */
typedef struct rlab_fn {
    uint32_t entry; /* index in words */
    uint32_t args, caps;
    uint32_t frame; /* slots it uses */
    uint32_t cost;  /* contractions of entering it and of what it always does */
    bool ctor, local;
    bool lambda; /* its betas are counted where it is applied, argument by argument */
} rlab_fn;

/* Words before a place that a call returns to: how far the caller's frame lies below the callee's.
 * words[RLAB_CODE_HALT] ends a run; words[rlab_code_stub(m)] applies R[m] to R[0 .. m). */
#define RLAB_CODE_HALT 1
#define RLAB_CODE_STUBS 128 /* most arguments of one application */
#define RLAB_CODE_COST 8
struct rlab_code {
    rlab_ids words;
    RLAB_VEC(rlab_fn)
    fns;
    rlab_ids constants; /* closed data of the program's store (or of the term's store) */
    uint32_t max_frame; /* of any function */
};
static inline uint32_t
rlab_code_stub(uint32_t m) {
    return 3 + 4 * m;
}

rlab_status rlab_code_compile(rlab_ctx *ctx, rlab_code *code, const rlab_program *program);
void rlab_code_free(rlab_code *code);
/* Appends a function without arguments that computes a closed term; its index in *fn. */
rlab_status rlab_code_add_term(rlab_ctx *ctx, uint32_t *fn, rlab_code *code,
                               const rlab_store *store, rlab_term term);
rlab_status rlab_code_copy(rlab_ctx *ctx, rlab_code *to, const rlab_code *from);

/* ---- the machine (eval.c, heap.c)
 * -------------------------------------------------------------------- */

enum { RLAB_CELL_CON, RLAB_CELL_CLO, RLAB_CELL_PAP };

/* A header is kind | id << 2. CON: id = constructor, then its arguments. CLO: id = fn, then
 * captured values. PAP: id = number of arguments, then the function, then the arguments. Invariant:
 * every word of stack[0 .. high) is a valid value or odd, so the collector may scan it. */
struct rlab_machine {
    const rlab_program *program;
    const rlab_code *code;
    rlab_val *heap, *other; /* the two halves */
    size_t cap, other_cap;  /* words */
    size_t next_cap;        /* what a half should have at the next collection */
    size_t used;
    rlab_val *stack;
    size_t stack_cap, high; /* high: words of the stack ever written since the last collection */
    size_t base;            /* constants lie below */
    uint64_t *counts;       /* calls by global */
    uint64_t taken;         /* contractions of the last run, as the reducer's cbv would take */
    uint32_t *con_words;    /* cells of each constructor without the header: its arity */
    uint64_t limit;         /* words of live data */
    size_t constants_used;  /* words that the constants take */
    rlab_ids work;          /* scratch of walks */
};

static inline bool
rlab_val_is_cell(rlab_val v) {
    return !(v & 1);
}
static inline rlab_val
rlab_val_ctor0(uint32_t ctor) {
    return ctor << 2 | 1;
}
static inline rlab_val
rlab_val_fn(uint32_t fn) {
    return fn << 2 | 3;
}

/* Makes room for `words` more, collecting first; roots: the stack below `top` and *extra. */
rlab_status rlab_heap_room(rlab_ctx *ctx, rlab_machine *m, size_t words, size_t top,
                           rlab_val *extra);
rlab_status rlab_stack_room(rlab_ctx *ctx, rlab_machine *m, size_t words);
/* Runs function `fn` on the `n` arguments at stack[at + 1 ..], at least as many as it takes itself;
 * the result replaces stack[at]. A word above the constants that is a root for the whole run: put
 * it at stack[base] and run at a higher `at`. */
rlab_status rlab_machine_run(rlab_ctx *ctx, rlab_machine *m, uint32_t fn, uint32_t n, size_t at,
                             uint64_t steps);
/* A value of a store becomes a heap value, and back. */
rlab_status rlab_heap_import(rlab_ctx *ctx, rlab_val *out, rlab_machine *m, const rlab_store *store,
                             rlab_term term, size_t top);
rlab_status rlab_heap_export(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_machine *m,
                             rlab_val value);
/* The same without keeping track of shared cells: quicker where few are shared. */
rlab_status rlab_heap_export_tree(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_machine *m,
                                  rlab_val value);
/* Empties the machine and makes the constants of its code from a store that has them. */
rlab_status rlab_machine_constants(rlab_ctx *ctx, rlab_machine *m, const rlab_store *store);
void rlab_machine_limit(rlab_machine *m, uint64_t nodes);
uint64_t rlab_machine_calls(const rlab_machine *m, uint32_t group);

#endif
