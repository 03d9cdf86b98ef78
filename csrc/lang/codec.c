/* Vocabularies: which tokens an encoding needs, in a fixed order, and how each argument is written.
 */
#include "lang/codec.h"

#include <string.h>

static const char *const specials[RLAB_TOKEN_FIRST] = {"<pad>", "<bos>",  "<eos>",
                                                       "<sep>", "<step>", "UNROLL"};

/* What the codec is being made from. */
typedef struct maker {
    rlab_codec *codec;
    const rlab_rename *renames;
    size_t n_renames;
    uint8_t *used; /* by rename */
} maker;

static rlab_status
add_token(rlab_ctx *ctx, rlab_codec *codec, int32_t *out, const char *text) {
    for (size_t i = 0; i < codec->names.len; i++)
        if (strcmp(codec->text.at + codec->names.at[i], text) == 0)
            return rlab_fail(ctx, RLAB_EVALUE,
                             "vocabulary: two tokens are both written '%s'; rename one", text);
    *out = (int32_t)codec->names.len;
    RLAB_TRY(rlab_ids_push(ctx, &codec->names, (uint32_t)codec->text.len));
    return rlab_text_put(ctx, &codec->text, text, strlen(text) + 1);
}

/* A name of the program, renamed where the user said so. */
static rlab_status
add_name(rlab_ctx *ctx, maker *m, int32_t *out, const char *prefix, const char *name) {
    rlab_text text = {0};
    rlab_status status;
    for (size_t i = 0; i < m->n_renames && !prefix[0]; i++)
        if (strcmp(m->renames[i].name, name) == 0) {
            m->used[i] = 1;
            if (!m->renames[i].token[0] || strpbrk(m->renames[i].token, " \t\r\n"))
                return rlab_fail(ctx, RLAB_EVALUE,
                                 "renames: the token for %s is empty or has a space", name);
            return add_token(ctx, m->codec, out, m->renames[i].token);
        }
    status = rlab_text_puts(ctx, &text, prefix);
    if (status == RLAB_OK)
        status = rlab_text_puts(ctx, &text, name);
    if (status == RLAB_OK)
        status = add_token(ctx, m->codec, out, text.at);
    rlab_vec_free(&text);
    return status;
}

/* ---- shapes --------------------------------------------------------------------------------- */

/* Whether a node is like a list: one constructor without arguments, one with an element and itself.
 */
static bool
list_like(rlab_shape *shape, const rlab_type *type, uint32_t node) {
    const rlab_type_row *row = &type->program->types.at[type->nodes.at[node].type];
    const rlab_type_row_of *rows = &type->rows.at[type->nodes.at[node].rows];
    uint32_t cons;
    const uint32_t *args;
    if (row->count != 2 || rows[0].count + rows[1].count != 2 || rows[0].count == 1)
        return false;
    cons = rows[1].count == 2;
    args = type->args.at + rows[cons].args;
    if ((args[0] == node) == (args[1] == node))
        return false;
    shape->list = true;
    shape->cons = row->first + cons;
    shape->nil = row->first + !cons;
    shape->element_first = args[1] == node;
    return true;
}

static rlab_status
shape_flat(rlab_ctx *ctx, rlab_shape *shape, const rlab_type *type, uint32_t node) {
    const rlab_type_row *row = &type->program->types.at[type->nodes.at[node].type];
    rlab_text name = {0};
    uint32_t c = 0;
    if (list_like(shape, type, node))
        return RLAB_OK;
    while (c < row->count && type->rows.at[type->nodes.at[node].rows + c].count <= 1)
        c++;
    if (c == row->count)
        return RLAB_OK;
    RLAB_TRY(rlab_type_node_name(ctx, &name, type, node));
    rlab_fail(ctx, RLAB_EVALUE,
              "encoding flat: type %s is neither linear nor like a list (constructor %s takes %u "
              "arguments), so its values would be ambiguous; use prefix or paren",
              name.at, rlab_program_ctor_name(type->program, row->first + c),
              type->rows.at[type->nodes.at[node].rows + c].count);
    rlab_vec_free(&name);
    return RLAB_EVALUE;
}

static rlab_status
shapes(rlab_ctx *ctx, rlab_codec *codec, int side) {
    const rlab_type *type = codec->sides[side].type;
    RLAB_TRY(rlab_vec_reserve(ctx, &codec->shapes[side], type->domain.len));
    for (size_t i = 0; i < type->domain.len; i++) {
        rlab_shape shape = {false, UINT32_MAX, UINT32_MAX, false};
        if (codec->sides[side].encoding == RLAB_FLAT)
            RLAB_TRY(shape_flat(ctx, &shape, type, type->domain.at[i]));
        codec->shapes[side].at[codec->shapes[side].len++] = shape;
    }
    return RLAB_OK;
}

/* ---- which constructors --------------------------------------------------------------------- */

/* Marks the types whose constructors a side writes: all it reaches, but a silent list's own. */
static void
mark_side(uint8_t *types, const rlab_codec *codec, int side) {
    const rlab_type *type = codec->sides[side].type;
    for (size_t n = 0; n < type->nodes.len; n++) {
        bool root_only = false;
        for (size_t i = 0; i < type->domain.len; i++)
            root_only |= type->domain.at[i] == n && codec->shapes[side].at[i].list;
        /* Inside another type a list is written out. */
        for (size_t r = 0; r < type->rows.len && root_only; r++) {
            bool own = r - type->nodes.at[n].rows < 2;
            for (uint32_t a = 0; a < type->rows.at[r].count; a++)
                if (!own && type->args.at[type->rows.at[r].args + a] == n)
                    root_only = false;
        }
        for (size_t i = 0; i < type->domain.len; i++)
            if (type->domain.at[i] == n && !codec->shapes[side].at[i].list)
                root_only = false;
        if (!root_only)
            types[type->nodes.at[n].type] = 1;
    }
}

/* Every type named in a function's type. */
static void
mark_function(uint8_t *types, const rlab_program *program, uint32_t global) {
    const rlab_global_row *row = &program->globals.at[global];
    for (uint32_t i = 0; i <= row->args_len; i++) {
        rlab_tx tx = program->arg_types.at[row->args + i];
        for (uint32_t w = 0; w < tx.len; w++)
            if (!(program->tx.at[tx.at + w] & RLAB_TX_VAR) &&
                program->tx.at[tx.at + w] != RLAB_TX_FUN)
                types[program->tx.at[tx.at + w]] = 1;
    }
}

static rlab_status
add_ctors(rlab_ctx *ctx, maker *m, const uint32_t *functions, size_t n_functions) {
    rlab_codec *codec = m->codec;
    const rlab_program *program = codec->program;
    uint8_t *types;
    rlab_status status = RLAB_OK;
    RLAB_TRY(rlab_alloc(ctx, (void **)&types, program->types.len + 1, 1));
    for (int side = 0; side < 2; side++)
        mark_side(types, codec, side);
    for (size_t i = 0; i < n_functions; i++)
        mark_function(types, program, functions[i]);
    for (uint32_t c = 0; c < program->ctors.len && status == RLAB_OK; c++)
        if (types[program->ctors.at[c].type])
            status = add_name(ctx, m, &codec->ctors[c], "", rlab_program_ctor_name(program, c));
    rlab_free(types);
    return status;
}

static rlab_status
add_functions(rlab_ctx *ctx, maker *m, const uint32_t *functions, size_t n) {
    rlab_codec *codec = m->codec;
    const rlab_global_row *rows = codec->program->globals.at;
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        uint32_t g = functions[i];
        const char *name = rlab_program_global_name(codec->program, g);
        if (codec->functions[g] >= 0)
            continue;
        if (codec->group != UINT32_MAX && rows[g].group == codec->group) {
            /* The first member named is the traced function. */
            if (first)
                codec->functions[g] = RLAB_TOKEN_UNROLL;
            else
                RLAB_TRY(add_name(ctx, m, &codec->functions[g], "UNROLL_", name));
            first = false;
        } else {
            RLAB_TRY(add_name(ctx, m, &codec->functions[g], "", name));
        }
    }
    return RLAB_OK;
}

static uint32_t
find_append(const rlab_program *program) {
    for (uint32_t g = 0; g < program->globals.len; g++) {
        const rlab_global_row *row = &program->globals.at[g];
        rlab_tx tx = row->result;
        if (row->n_args == 2 && strcmp(rlab_program_global_name(program, g), "app") == 0 &&
            tx.len && !(program->tx.at[tx.at + tx.len - 1] & RLAB_TX_VAR) &&
            program->tx.at[tx.at + tx.len - 1] != RLAB_TX_FUN &&
            program->types.at[program->tx.at[tx.at + tx.len - 1]].notation == RLAB_NOTATION_LIST)
            return g;
    }
    return UINT32_MAX;
}

/* ---- making --------------------------------------------------------------------------------- */

static rlab_status
owners(rlab_ctx *ctx, rlab_codec *codec) {
    RLAB_TRY(rlab_alloc(ctx, (void **)&codec->owners, codec->names.len, sizeof *codec->owners));
    RLAB_TRY(rlab_alloc(ctx, (void **)&codec->callees, codec->names.len, sizeof *codec->callees));
    memset(codec->owners, 0xff, codec->names.len * sizeof *codec->owners);
    memset(codec->callees, 0xff, codec->names.len * sizeof *codec->callees);
    for (uint32_t g = 0; g < codec->program->globals.len; g++)
        if (codec->functions[g] >= 0)
            codec->callees[codec->functions[g]] = g;
    for (uint32_t c = 0; c < codec->program->ctors.len; c++)
        if (codec->ctors[c] >= 0)
            codec->owners[codec->ctors[c]] = c;
    return RLAB_OK;
}

static rlab_status
fill(rlab_ctx *ctx, maker *m, const uint32_t *functions, size_t n_functions) {
    rlab_codec *codec = m->codec;
    const rlab_program *program = codec->program;
    int32_t unused;
    RLAB_TRY(rlab_alloc(ctx, (void **)&codec->ctors, program->ctors.len + 1, sizeof(int32_t)));
    RLAB_TRY(
        rlab_alloc(ctx, (void **)&codec->functions, program->globals.len + 1, sizeof(int32_t)));
    memset(codec->ctors, 0xff, (program->ctors.len + 1) * sizeof(int32_t));
    memset(codec->functions, 0xff, (program->globals.len + 1) * sizeof(int32_t));
    for (int i = 0; i < RLAB_TOKEN_FIRST; i++)
        RLAB_TRY(add_token(ctx, codec, &unused, specials[i]));
    for (int side = 0; side < 2; side++)
        RLAB_TRY(shapes(ctx, codec, side));
    if (codec->sides[0].encoding == RLAB_PAREN || codec->sides[1].encoding == RLAB_PAREN) {
        RLAB_TRY(add_token(ctx, codec, &codec->open, "("));
        RLAB_TRY(add_token(ctx, codec, &codec->close, ")"));
    }
    RLAB_TRY(add_ctors(ctx, m, functions, n_functions));
    RLAB_TRY(add_functions(ctx, m, functions, n_functions));
    for (size_t i = 0; i < m->n_renames; i++)
        if (!m->used[i])
            return rlab_fail(ctx, RLAB_EVALUE, "renames: '%s' is none of the vocabulary's names",
                             m->renames[i].name);
    codec->append = find_append(program);
    return owners(ctx, codec);
}

rlab_status
rlab_codec_new(rlab_ctx *ctx, rlab_codec **out, const rlab_program *program,
               const rlab_codec_side sides[2], const rlab_rename *renames, size_t n_renames,
               const uint32_t *functions, size_t n_functions, uint32_t group) {
    maker m = {NULL, renames, n_renames, NULL};
    rlab_status status;
    RLAB_TRY(rlab_alloc(ctx, (void **)&m.codec, 1, sizeof *m.codec));
    m.codec->program = program;
    memcpy(m.codec->sides, sides, sizeof m.codec->sides);
    m.codec->group = group;
    m.codec->open = m.codec->close = -1;
    if (rlab_type_arity(sides[1].type) != 1)
        status = rlab_fail(ctx, RLAB_EVALUE, "codec: the output is one type, got %u",
                           rlab_type_arity(sides[1].type));
    else
        status = rlab_alloc(ctx, (void **)&m.used, n_renames + 1, 1);
    if (status == RLAB_OK)
        status = fill(ctx, &m, functions, n_functions);
    rlab_free(m.used);
    if (status != RLAB_OK) {
        rlab_codec_free(m.codec);
        return status;
    }
    *out = m.codec;
    return RLAB_OK;
}

void
rlab_codec_free(rlab_codec *codec) {
    if (!codec)
        return;
    for (int side = 0; side < 2; side++)
        rlab_vec_free(&codec->shapes[side]);
    rlab_vec_free(&codec->text);
    rlab_vec_free(&codec->names);
    rlab_free(codec->ctors);
    rlab_free(codec->functions);
    rlab_free(codec->owners);
    rlab_free(codec->callees);
    rlab_free(codec);
}

size_t
rlab_codec_vocabulary(const rlab_codec *codec) {
    return codec->names.len;
}

const char *
rlab_codec_token(const rlab_codec *codec, size_t token) {
    return codec->text.at + codec->names.at[token];
}

uint32_t
rlab_codec_traced(const rlab_codec *codec) {
    return codec->callees[RLAB_TOKEN_UNROLL];
}

uint32_t
rlab_codec_arity(const rlab_codec *codec, int side) {
    return (uint32_t)codec->shapes[side].len;
}
