/* The door of lang: programs, terms, evaluation, reduction, types, value text, encodings, pairs.
 * Reading order: program.c, term.c, subst.c, code.c, eval.c, reduce.c, strategy.c, bulk.c,
 * unload.c, trace.c, type.c, count.c, wide.c, draw.c, text.c, print.c, codec.c, pairs.c. Nothing
 * here recurses over user data: every walk keeps an explicit stack. */
#ifndef RLAB_LANG_LANG_H
#define RLAB_LANG_LANG_H

#include "base/base.h"

/* ---- text: a growable string ---------------------------------------------------------------- */

typedef RLAB_VEC(char)
rlab_text;
rlab_status rlab_text_put(rlab_ctx *ctx, rlab_text *text, const char *s, size_t len);
rlab_status rlab_text_puts(rlab_ctx *ctx, rlab_text *text, const char *s);
rlab_status rlab_text_number(rlab_ctx *ctx, rlab_text *text, uint64_t value);

typedef RLAB_VEC(int32_t)
rlab_tokens;
typedef RLAB_VEC(uint32_t)
rlab_ids;

/* ---- terms ---------------------------------------------------------------------------------- */

/* A term is the index of its node in a store. Equal terms of one store have equal indices. */
typedef uint32_t rlab_term;
#define RLAB_NO_TERM UINT32_MAX

typedef enum rlab_kind {
    RLAB_VAR,    /* head: de Bruijn index, 0 innermost */
    RLAB_GLOBAL, /* head: global */
    RLAB_FIXG,   /* head: global; the literal `fix` of a Fixpoint */
    RLAB_CTOR,   /* head: constructor; kids: its arguments, at most its arity */
    RLAB_APP, /* kids: function, then arguments; the function is no RLAB_APP and no partial CTOR */
    RLAB_LAM, /* kids: body */
    RLAB_LET, /* kids: bound term, body */
    RLAB_MATCH, /* head: type; kids: scrutinee, a branch a constructor (last argument = index 0) */
    RLAB_FIX    /* head: struct_arg << 16 | n_args; kids: body under the binder of the fix itself */
} rlab_kind;

enum {
    RLAB_TERM_VALUE =
        1,             /* no redex in evaluation position: data, functions, partial applications */
    RLAB_TERM_DATA = 2 /* saturated constructors only */
};

/* Invariants: a node's kids are older nodes; free == 0 exactly for closed terms; hash depends on
 * the structure alone, so it is the same in every store; hint is no part of identity. */
typedef struct rlab_node {
    uint8_t kind, flags;
    uint16_t spare;
    uint32_t head;
    uint32_t count; /* number of kids */
    uint32_t kids;  /* where they start in store->kids */
    uint32_t free;  /* 1 + the largest free index */
    uint32_t hint;  /* where its binder names start in store->hints; 0: none */
    uint32_t depth; /* constructors on the longest path, saturating */
    uint32_t spare2;
    uint64_t size; /* constructors, saturating */
    uint64_t hash;
} rlab_node;

typedef struct rlab_program rlab_program;

typedef struct rlab_store {
    const rlab_program *program;
    RLAB_VEC(rlab_node)
    nodes;
    rlab_ids kids;
    rlab_ids hints; /* offsets into names; entry 0 is unused */
    rlab_text names;
    uint32_t *table; /* open addressing, RLAB_NO_TERM = empty */
    size_t table_cap;
    uint64_t limit; /* node budget; 0: none */
    void *walk;     /* scratch of substitution: frames under way, kids done */
    size_t walk_cap;
    rlab_ids walk_done;
} rlab_store;

/* A store on top of a sealed program: terms of the program keep their indices. */
rlab_status rlab_store_init(rlab_ctx *ctx, rlab_store *store, const rlab_program *program);
void rlab_store_free(rlab_store *store);
/* Interns a node. kids must not point into the store. */
rlab_status rlab_term_intern(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_kind kind,
                             uint32_t head, const rlab_term *kids, uint32_t count, uint32_t hint);
/* f applied to n arguments: flattens applications and fills constructors. */
rlab_status rlab_term_app(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_term f,
                          const rlab_term *args, uint32_t n);
/* The same term in another store of the same program. */
rlab_status rlab_term_copy(rlab_ctx *ctx, rlab_term *out, rlab_store *to, const rlab_store *from,
                           rlab_term term);
/* body with its outermost `n` indices replaced: index n - 1 - i by the closed term args[i]. */
rlab_status rlab_term_subst(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_term body,
                            const rlab_term *args, uint32_t n);

static inline const rlab_node *
rlab_term_node(const rlab_store *store, rlab_term term) {
    return &store->nodes.at[term];
}
static inline const rlab_term *
rlab_term_kids(const rlab_store *store, rlab_term term) {
    return store->kids.at + store->nodes.at[term].kids;
}

/* ---- programs ------------------------------------------------------------------------------- */

typedef enum rlab_notation {
    RLAB_NOTATION_NONE,
    RLAB_NOTATION_NAT,
    RLAB_NOTATION_LIST,
    RLAB_NOTATION_PROD
} rlab_notation;

/* A type expression: postfix words. Parameter i: RLAB_TX_VAR | i. Type t applied to what its
 * parameters popped: t. Arrow (pops two): RLAB_TX_FUN. */
#define RLAB_TX_VAR UINT32_C(0x80000000)
#define RLAB_TX_FUN UINT32_C(0x7fffffff)
typedef struct rlab_tx {
    uint32_t at, len; /* in program->tx */
} rlab_tx;

typedef struct rlab_type_row {
    uint32_t name; /* offset in program->names */
    uint32_t params;
    uint32_t first, count; /* constructors */
    rlab_notation notation;
} rlab_type_row;

typedef struct rlab_ctor_row {
    uint32_t name, type, arity;
    uint32_t args; /* in program->arg_types */
} rlab_ctor_row;

typedef struct rlab_global_row {
    uint32_t name, n_args, group;
    int32_t struct_arg;       /* -1: a Definition */
    uint32_t type_vars, args; /* n_args' worth is not implied: `args_len` entries of arg_types */
    uint32_t args_len;
    rlab_tx result;
    rlab_term body; /* RLAB_NO_TERM until set */
} rlab_global_row;

typedef struct rlab_code rlab_code;

/* Invariant: immutable once sealed, so any number of threads may read it. */
struct rlab_program {
    bool sealed;
    RLAB_VEC(rlab_type_row)
    types;
    RLAB_VEC(rlab_ctor_row)
    ctors;
    RLAB_VEC(rlab_global_row)
    globals;
    RLAB_VEC(rlab_tx)
    arg_types;
    rlab_ids tx;
    rlab_text names;
    rlab_store store; /* the bodies */
    rlab_code *code;  /* compiled when sealed */
};

rlab_status rlab_program_new(rlab_ctx *ctx, rlab_program **out);
void rlab_program_free(rlab_program *program);
rlab_status rlab_program_add_type(rlab_ctx *ctx, uint32_t *out, rlab_program *program,
                                  const char *name, uint32_t params, const char *notation);
/* args: n type expressions in one array, ends[i] where the i-th ends. */
rlab_status rlab_program_add_ctor(rlab_ctx *ctx, uint32_t *out, rlab_program *program,
                                  uint32_t type, const char *name, const uint32_t *args,
                                  const uint32_t *ends, uint32_t n);
/* The last of the n + 1 type expressions is the result's. */
rlab_status rlab_program_add_global(rlab_ctx *ctx, uint32_t *out, rlab_program *program,
                                    const char *name, uint32_t n_args, int32_t struct_arg,
                                    uint32_t group, uint32_t type_vars, const uint32_t *types,
                                    const uint32_t *ends, uint32_t n);
rlab_status rlab_program_set_body(rlab_ctx *ctx, rlab_program *program, uint32_t global,
                                  rlab_term body);
/* Checks arities and notations once more, then compiles. */
rlab_status rlab_program_seal(rlab_ctx *ctx, rlab_program *program);

static inline const char *
rlab_program_type_name(const rlab_program *program, uint32_t type) {
    return program->names.at + program->types.at[type].name;
}
static inline const char *
rlab_program_ctor_name(const rlab_program *program, uint32_t ctor) {
    return program->names.at + program->ctors.at[ctor].name;
}
static inline const char *
rlab_program_global_name(const rlab_program *program, uint32_t global) {
    return program->names.at + program->globals.at[global].name;
}
static inline rlab_tx
rlab_ctor_arg(const rlab_program *program, uint32_t ctor, uint32_t arg) {
    return program->arg_types.at[program->ctors.at[ctor].args + arg];
}

/* Builds a term from postfix instructions, checking each. */
typedef struct rlab_builder {
    rlab_store *store;
    rlab_ids stack;
} rlab_builder;
void rlab_builder_init(rlab_builder *builder, rlab_store *store);
void rlab_builder_free(rlab_builder *builder);
/* Pops `n` terms (for RLAB_APP n + 1) and pushes the node; names: `n_names` C strings. */
rlab_status rlab_builder_push(rlab_ctx *ctx, rlab_builder *builder, rlab_kind kind, uint32_t head,
                              uint32_t n, const char *const *names, uint32_t n_names);
rlab_status rlab_builder_finish(rlab_ctx *ctx, rlab_term *out, rlab_builder *builder);

/* ---- evaluation ----------------------------------------------------------------------------- */

/* A value of a machine's heap. Odd: a constructor without arguments (id << 2 | 1) or a function
 * (id << 2 | 3). Even: twice the index of its cells, header first. Moves when the heap is
 * collected. */
typedef uint32_t rlab_val;

typedef struct rlab_budget {
    uint64_t steps; /* function calls of the evaluator, contractions of the reducer */
    uint64_t nodes; /* nodes alive at once */
} rlab_budget;
#define RLAB_BUDGET_STEPS UINT64_C(1000000000000)
#define RLAB_BUDGET_NODES (UINT64_C(1) << 26)

typedef struct rlab_machine rlab_machine;
rlab_status rlab_machine_new(rlab_ctx *ctx, rlab_machine **out, const rlab_program *program);
void rlab_machine_free(rlab_machine *machine);
/* Empties heap and stack (constants stay). */
void rlab_machine_reset(rlab_machine *machine);
/* Normal form of a closed term, interned into `store`. *calls (may be NULL): calls of `group`
 * functions; group UINT32_MAX: none. */
rlab_status rlab_eval(rlab_ctx *ctx, rlab_term *out, uint64_t *calls, rlab_machine *machine,
                      rlab_store *store, rlab_term term, uint32_t group, rlab_budget budget);

/* ---- types ---------------------------------------------------------------------------------- */

/* Closed types and their counts. Node 0.. of `nodes` are applied types; the domain is the product
 * of `args`. Order of enumeration at one size: constructors in declaration order; for one
 * constructor (and for a product) by the size of the first argument, then its rank, then the other
 * arguments likewise. So positive counts xH; xI xH, xO xH; xI (xI xH), xI (xO xH), xO (xI xH), xO
 * (xO xH). */
typedef struct rlab_type rlab_type;
rlab_status rlab_type_new(rlab_ctx *ctx, rlab_type **out, const rlab_program *program,
                          const uint32_t *tx, const uint32_t *ends, uint32_t n);
void rlab_type_free(rlab_type *type);
uint32_t rlab_type_arity(const rlab_type *type);
rlab_status rlab_type_name(rlab_ctx *ctx, rlab_text *out, const rlab_type *type);
/* The same type, in whose values every nat is below `nat` (at least 1). */
rlab_status rlab_type_bounded(rlab_ctx *ctx, rlab_type **out, const rlab_type *type, uint64_t nat);
/* Number of values of a size. ECOUNT if it needs more than 64 bits or the type cannot be counted.
 */
rlab_status rlab_type_count(rlab_ctx *ctx, uint64_t *out, rlab_type *type, uint64_t size);
/* The same for any length, by size or by depth (of a product: of its deepest argument). Values of
 * one depth are ordered by constructor; for one constructor by the first argument that is as deep
 * as it can be; then by the first argument's depth, its rank, and the other arguments likewise. */
rlab_status rlab_wide_count(rlab_ctx *ctx, rlab_big *out, rlab_type *type, bool depth,
                            uint64_t level);
rlab_status rlab_wide_rank(rlab_ctx *ctx, uint64_t *level, rlab_big *rank, rlab_type *type,
                           bool depth, const rlab_store *store, const rlab_term *args);
/* ECOUNT unless there is a value at this level and rank. */
rlab_status rlab_wide_check(rlab_ctx *ctx, rlab_type *type, bool depth, uint64_t level,
                            rlab_limbs rank);
rlab_status rlab_type_unrank(rlab_ctx *ctx, rlab_term *out, rlab_type *type, rlab_store *store,
                             bool depth, uint64_t level, rlab_limbs rank);
rlab_status rlab_type_rank(rlab_ctx *ctx, uint64_t *size, uint64_t *rank, rlab_type *type,
                           const rlab_store *store, const rlab_term *args);
/* Samples first .. first + n - 1 of a seed: a level each, drawn by weight where there are several,
 * and a rank uniform among the values of that level; not `replace`: no value comes twice among
 * samples 0 .. first + n - 1. */
typedef struct rlab_draw {
    rlab_type *type;
    bool depth, replace;
    const uint64_t *levels; /* (n_levels,) rising */
    const double *weights;  /* (n_levels,) finite, not below 0, one above */
    size_t n_levels;
    uint64_t seed, first, n;
    /* results, freed by rlab_draw_free; a rank has `words` words, least first */
    int32_t *out_levels; /* (n,) */
    uint64_t *out_ranks; /* (n, words) */
    size_t words;
} rlab_draw;
rlab_status rlab_draw_run(rlab_ctx *ctx, rlab_draw *draw);
void rlab_draw_free(rlab_draw *draw);
/* A number to words that are 0 so far, and back. */
void rlab_words_put(uint64_t *words, rlab_limbs x);
rlab_status rlab_words_get(rlab_ctx *ctx, rlab_big *out, const uint64_t *words, size_t n);
/* Whether the terms are values of the type; the error says where not. */
rlab_status rlab_type_check(rlab_ctx *ctx, const rlab_type *type, const rlab_store *store,
                            const rlab_term *args);
/* Smallest and largest size with a value (largest UINT64_MAX: no bound); ECOUNT if there is none.
 */
rlab_status rlab_type_sizes(rlab_ctx *ctx, uint64_t *min, uint64_t *max, rlab_type *type);

/* ---- value text ----------------------------------------------------------------------------- */

/* One text an argument: out[i] is the value of argument i. Positions count characters from 0. */
rlab_status rlab_value_parse(rlab_ctx *ctx, rlab_term *out, const rlab_type *type, uint32_t arg,
                             rlab_store *store, const char *text, size_t len);
/* Gallina text of any term. traced: its calls print as UNROLL, those of its mutual group as
 * UNROLL_name; UINT32_MAX: none. */
rlab_status rlab_term_print(rlab_ctx *ctx, rlab_text *out, const rlab_store *store, rlab_term term,
                            uint32_t traced);

/* ---- reduction ------------------------------------------------------------------------------ */

typedef enum rlab_rule { RLAB_DELTA, RLAB_BETA, RLAB_IOTA, RLAB_ZETA } rlab_rule;
typedef enum rlab_strategy { RLAB_CBV, RLAB_CBN, RLAB_PARALLEL } rlab_strategy;
typedef enum rlab_granularity { RLAB_CONTRACTION, RLAB_EQUATION, RLAB_CALL } rlab_granularity;
const char *rlab_rule_name(rlab_rule rule);

typedef struct rlab_reducer rlab_reducer;
/* Reduces `term` of `store`, which the reducer keeps using; group: the traced functions
 * (RLAB_CALL). The rules: recursionlab/language/REDUCTION.md. */
rlab_status rlab_reducer_new(rlab_ctx *ctx, rlab_reducer **out, rlab_store *store, rlab_term term,
                             rlab_strategy strategy, rlab_granularity granularity, uint32_t group,
                             rlab_budget budget);
void rlab_reducer_free(rlab_reducer *reducer);
/* Starts again with another term. */
rlab_status rlab_reducer_start(rlab_ctx *ctx, rlab_reducer *reducer, rlab_term term);
/* Takes one step; *done when there was none to take. */
rlab_status rlab_reducer_step(rlab_ctx *ctx, bool *done, rlab_reducer *reducer);
/* Takes up to `count` steps: how many were taken (set on failure too), and *done if there were no
 * more. Quicker than as many single steps where the terms between are not asked for. */
rlab_status rlab_reducer_run(rlab_ctx *ctx, uint64_t *taken, bool *done, rlab_reducer *reducer,
                             uint64_t count);
/* The last step (RLAB_PARALLEL: its first redex): its rule, the function it unfolded (UINT32_MAX:
 * none), its redex position: one index a level; -1 is the head of an application. If the end was
 * reached in bulk, the first question costs that run once more. */
rlab_status rlab_reducer_last(rlab_ctx *ctx, rlab_rule *rule, uint32_t *function,
                              rlab_reducer *reducer);
rlab_status rlab_reducer_position(rlab_ctx *ctx, const int32_t **out, size_t *len,
                                  rlab_reducer *reducer);
/* The whole term now (costs the depth of the redex). */
rlab_status rlab_reducer_term(rlab_ctx *ctx, rlab_term *out, rlab_reducer *reducer);

/* What a next term is to the one before it: REDUCTION.md, "Judging a trace". */
typedef enum rlab_verdict {
    RLAB_EXPECTED,
    RLAB_OTHER,
    RLAB_SKIPPED,
    RLAB_CONVERTIBLE,
    RLAB_WRONG
} rlab_verdict;
typedef struct rlab_question {
    rlab_term before, after;
    uint64_t every, lookahead; /* steps a term; steps looked for in all */
    /* Whether a term is to count as `after`; NULL: if it is the same term. */
    bool (*same)(void *arg, rlab_term term);
    void *arg;
} rlab_question;
typedef struct rlab_judged {
    rlab_verdict verdict;
    uint64_t steps;     /* from before to after, where it is a reduct */
    rlab_term expected; /* in the reducers' store */
    RLAB_VEC(int32_t)
    position; /* RLAB_OTHER: its redex; else the first difference from what was expected */
} rlab_judged;
const char *rlab_verdict_name(rlab_verdict verdict);
/* `r` and `helper`: two reducers of the same store, strategy, granularity and group. The caller
 * frees out->position. */
rlab_status rlab_trace_judge(rlab_ctx *ctx, rlab_judged *out, rlab_reducer *r, rlab_reducer *helper,
                             const rlab_question *question);

/* ---- encodings ------------------------------------------------------------------------------ */

typedef enum rlab_encoding { RLAB_PREFIX, RLAB_PAREN, RLAB_FLAT } rlab_encoding;
enum { /* tokens every vocabulary has */
       RLAB_TOKEN_PAD,
       RLAB_TOKEN_BOS,
       RLAB_TOKEN_EOS,
       RLAB_TOKEN_SEP,
       RLAB_TOKEN_STEP,
       RLAB_TOKEN_UNROLL,
       RLAB_TOKEN_FIRST
};

/* Immutable once made. Side 0 encodes the arguments, side 1 the result. */
typedef struct rlab_codec rlab_codec;
typedef struct rlab_codec_side {
    const rlab_type *type;
    rlab_encoding encoding;
    bool reversed;
} rlab_codec_side;
typedef struct rlab_rename {
    const char *name, *token;
} rlab_rename;
/* functions: those whose names traces print, n of them; group: the traced group, or UINT32_MAX. */
rlab_status rlab_codec_new(rlab_ctx *ctx, rlab_codec **out, const rlab_program *program,
                           const rlab_codec_side sides[2], const rlab_rename *renames,
                           size_t n_renames, const uint32_t *functions, size_t n_functions,
                           uint32_t group);
void rlab_codec_free(rlab_codec *codec);
size_t rlab_codec_vocabulary(const rlab_codec *codec);
const char *rlab_codec_token(const rlab_codec *codec, size_t token);
/* Appends the tokens of the arguments (side 0: as many as the type has; side 1: one). */
rlab_status rlab_codec_encode(rlab_ctx *ctx, rlab_tokens *out, const rlab_codec *codec, int side,
                              const rlab_store *store, const rlab_term *args);
/* Any term without binders, in the encoding of side 1. */
rlab_status rlab_codec_encode_term(rlab_ctx *ctx, rlab_tokens *out, const rlab_codec *codec,
                                   const rlab_store *store, rlab_term term);
rlab_status rlab_codec_decode(rlab_ctx *ctx, rlab_term *out, const rlab_codec *codec, int side,
                              rlab_store *store, const int32_t *tokens, size_t n);
/* A term of a trace, by the arities of its names; its types are not checked. Of the terms that a
 * flat encoding writes alike, the one whose appends lean to the right. */
rlab_status rlab_codec_decode_term(rlab_ctx *ctx, rlab_term *out, const rlab_codec *codec,
                                   rlab_store *store, const int32_t *tokens, size_t n);
/* Values a side writes: 1, or as many as the function has arguments. */
uint32_t rlab_codec_arity(const rlab_codec *codec, int side);
/* The function whose calls are UNROLL, or UINT32_MAX. */
uint32_t rlab_codec_traced(const rlab_codec *codec);

/* ---- pairs ---------------------------------------------------------------------------------- */

/* What to make for items 0 .. n - 1, and where it goes. Item i applies `function` to the arguments
 * of size (or depth) sizes[i] and rank ranks[i] of `domain`. */
typedef struct rlab_pairs {
    const rlab_program *program;
    rlab_codec *codec;
    rlab_type *domain;
    uint32_t function;
    int64_t n;
    const int32_t *sizes;  /* (n,) */
    const uint64_t *ranks; /* (n, words), least word first */
    size_t words;
    bool depth;               /* sizes holds depths */
    const uint32_t *measures; /* (n_measures,) globals from the domain to nat or bool */
    uint32_t n_measures;
    bool steps; /* count contractions (a reduction of its own) */
    bool traces, texts;
    rlab_strategy strategy;
    rlab_granularity granularity;
    uint32_t every; /* keep every n-th term of a trace */
    rlab_budget budget;
    /* results, made by rlab_pairs_run and freed by rlab_pairs_free */
    int32_t *tokens[3];  /* input, output, trace */
    int64_t *offsets[3]; /* (n + 1,) each */
    int64_t *columns[4]; /* (n,): size, depth, calls, steps */
    int64_t *measured;   /* (n_measures, n) */
    char *text[2];       /* input, output: one after another */
    int64_t *text_offsets[2];
} rlab_pairs;
/* Parallel and deterministic; a failing item is reported by its index, the lowest one. */
rlab_status rlab_pairs_run(rlab_ctx *ctx, rlab_pairs *pairs, int threads);
void rlab_pairs_free(rlab_pairs *pairs);

#endif
