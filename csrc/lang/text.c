/* Reading values: Gallina's constructors, numerals, lists, pairs and parentheses, checked against a
 * type. The text becomes postfix entries first; types are then checked from the last entry
 * backwards. */
#include "lang/type.h"

#include <stdio.h>
#include <string.h>

#define NUMERAL_LIMIT UINT64_C(1000000000)
#define NO_CTOR UINT32_MAX

/* A constructor with all its arguments before it, or (ctor == NO_CTOR) a numeral. */
typedef struct entry {
    uint32_t ctor;
    size_t at; /* byte of the text */
    uint64_t number;
} entry;

/* value ::= item ("::" value)?; item ::= constructor atom* | atom;
 * atom ::= numeral | constructor | "(" value ("," value)* ")" | "[" (value (";" value)*)? "]" */
typedef enum open_kind { APP, CONS, PAREN, LIST } open_kind;

typedef struct opened {
    open_kind kind;
    uint32_t ctor;  /* APP */
    uint32_t count; /* arguments or elements so far */
    size_t at;
} opened;

typedef struct parser {
    const rlab_program *program;
    const rlab_type *type;
    uint32_t node;
    const char *text;
    size_t len, at;
    RLAB_VEC(opened)
    stack;
    RLAB_VEC(entry)
    entries;
    uint32_t pair, nil, cons; /* constructors of the notations, or NO_CTOR */
    uint32_t last;            /* constructor found last */
} parser;

/* ---- errors
 * ------------------------------------------------------------------------------------------- */

static size_t
characters(const char *text, size_t bytes) {
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

static rlab_status
fail_at(rlab_ctx *ctx, const parser *p, size_t at, const char *message) {
    rlab_text name = {0};
    size_t place = characters(p->text, at);
    RLAB_TRY(rlab_type_node_name(ctx, &name, p->type, p->node));
    rlab_fail_at(ctx, RLAB_ETERM, (int64_t)place, "value of type %s: at character %zu: %s", name.at,
                 place, message);
    rlab_vec_free(&name);
    return RLAB_ETERM;
}

static int
word_length(const parser *p, size_t at) {
    size_t n = 0;
    while (at + n < p->len && n < 60 && !strchr(" \t\r\n()[];,", p->text[at + n]))
        n++;
    return n ? (int)n : at < p->len;
}

static rlab_status
fail_expected(rlab_ctx *ctx, const parser *p, const char *expected) {
    char message[256];
    if (p->at >= p->len)
        snprintf(message, sizeof message, "expected %s, got the end of the text", expected);
    else
        snprintf(message, sizeof message, "expected %s, got '%.*s'", expected,
                 word_length(p, p->at), p->text + p->at);
    return fail_at(ctx, p, p->at, message);
}

/* "a constructor of positive (xI, xO, xH)" */
static rlab_status
describe(rlab_ctx *ctx, rlab_text *out, const parser *p, uint32_t node) {
    const rlab_type_row *row = &p->program->types.at[p->type->nodes.at[node].type];
    RLAB_TRY(rlab_text_puts(ctx, out, "expected a constructor of "));
    RLAB_TRY(rlab_type_node_name(ctx, out, p->type, node));
    RLAB_TRY(rlab_text_puts(ctx, out, " ("));
    for (uint32_t c = 0; c < row->count && c < 12; c++) {
        RLAB_TRY(rlab_text_puts(ctx, out, c ? ", " : ""));
        RLAB_TRY(rlab_text_puts(ctx, out, rlab_program_ctor_name(p->program, row->first + c)));
    }
    return rlab_text_puts(ctx, out, row->count > 12 ? ", ..), got " : "), got ");
}

static rlab_status
mismatch(rlab_ctx *ctx, rlab_text *text, const parser *p, uint32_t node, const entry *e) {
    RLAB_TRY(describe(ctx, text, p, node));
    if (e->ctor == NO_CTOR) {
        RLAB_TRY(rlab_text_puts(ctx, text, "number "));
        return rlab_text_number(ctx, text, e->number);
    }
    RLAB_TRY(rlab_text_puts(ctx, text, "'"));
    RLAB_TRY(rlab_text_puts(ctx, text, rlab_program_ctor_name(p->program, e->ctor)));
    RLAB_TRY(rlab_text_puts(ctx, text, "' of type "));
    return rlab_text_puts(ctx, text,
                          rlab_program_type_name(p->program, p->program->ctors.at[e->ctor].type));
}

static rlab_status
fail_type(rlab_ctx *ctx, const parser *p, uint32_t node, const entry *e) {
    rlab_text text = {0};
    rlab_status status = mismatch(ctx, &text, p, node, e);
    if (status == RLAB_OK)
        status = fail_at(ctx, p, e->at, text.at);
    rlab_vec_free(&text);
    return status;
}

/* ---- reading
 * ------------------------------------------------------------------------------------------- */

static rlab_status
emit(rlab_ctx *ctx, parser *p, uint32_t ctor, size_t at, uint64_t number) {
    entry e = {ctor, at, number};
    if (p->entries.len == p->entries.cap)
        RLAB_TRY(rlab_vec_reserve(ctx, &p->entries, p->entries.len + 1));
    p->entries.at[p->entries.len++] = e;
    return RLAB_OK;
}

static rlab_status
push(rlab_ctx *ctx, parser *p, open_kind kind, uint32_t ctor, size_t at) {
    opened o = {kind, ctor, 0, at};
    if (p->stack.len == p->stack.cap)
        RLAB_TRY(rlab_vec_reserve(ctx, &p->stack, p->stack.len + 1));
    p->stack.at[p->stack.len++] = o;
    return RLAB_OK;
}

static opened *
top(parser *p) {
    return p->stack.len ? &p->stack.at[p->stack.len - 1] : NULL;
}

static void
skip(parser *p) {
    while (p->at < p->len && strchr(" \t\r\n", p->text[p->at]) && p->text[p->at])
        p->at++;
}

static bool
letter(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) ||
           (!first && ((c >= '0' && c <= '9') || c == '\'' || c == '.'));
}

static rlab_status
numeral(rlab_ctx *ctx, parser *p) {
    size_t at = p->at;
    uint64_t number = 0;
    while (p->at < p->len && p->text[p->at] >= '0' && p->text[p->at] <= '9') {
        number = 10 * number + (uint64_t)(p->text[p->at] - '0');
        if (number > NUMERAL_LIMIT)
            return fail_at(ctx, p, at, "a numeral above 1000000000 is too large to build");
        p->at++;
    }
    return emit(ctx, p, NO_CTOR, at, number);
}

static bool
is_name(const parser *p, uint32_t ctor, size_t at, size_t len) {
    const char *name = rlab_program_ctor_name(p->program, ctor);
    return strncmp(name, p->text + at, len) == 0 && name[len] == 0;
}

/* A constructor's name. One that takes arguments is opened, else it is an operand. */
static rlab_status
name(rlab_ctx *ctx, parser *p, bool *open) {
    size_t at = p->at, len = 0;
    uint32_t ctor = p->last;
    char message[200];
    while (at + len < p->len && letter(p->text[at + len], len == 0))
        len++;
    if (ctor == NO_CTOR || !is_name(p, ctor, at, len))
        for (ctor = (uint32_t)p->program->ctors.len; ctor-- > 0;)
            if (is_name(p, ctor, at, len))
                break;
    if (ctor == NO_CTOR) {
        snprintf(message, sizeof message, "'%.*s' is not a constructor of this program",
                 len > 60 ? 60 : (int)len, p->text + at);
        return fail_at(ctx, p, at, message);
    }
    p->last = ctor;
    *open = p->program->ctors.at[ctor].arity > 0;
    if (!*open) {
        p->at += len;
        return emit(ctx, p, ctor, at, 0);
    }
    if (p->stack.len && top(p)->kind == APP) {
        snprintf(message, sizeof message, "'%.*s' takes arguments, so put it in parentheses here",
                 len > 60 ? 60 : (int)len, p->text + at);
        return fail_at(ctx, p, at, message);
    }
    p->at += len;
    return push(ctx, p, APP, ctor, at);
}

/* Reads up to the end of an operand; *open if another operand must follow first. */
static rlab_status
operand(rlab_ctx *ctx, parser *p, bool *open) {
    size_t at;
    skip(p);
    at = p->at;
    *open = false;
    if (at < p->len && p->text[at] == '(') {
        p->at++;
        *open = true;
        return push(ctx, p, PAREN, NO_CTOR, at);
    }
    if (at < p->len && p->text[at] == '[') {
        if (p->nil == NO_CTOR)
            return fail_at(ctx, p, at, "this program has no list notation");
        p->at++;
        skip(p);
        if (p->at < p->len && p->text[p->at] == ']') {
            p->at++;
            return emit(ctx, p, p->nil, at, 0);
        }
        *open = true;
        return push(ctx, p, LIST, NO_CTOR, at);
    }
    if (at < p->len && p->text[at] >= '0' && p->text[at] <= '9')
        return numeral(ctx, p);
    if (at < p->len && letter(p->text[at], true))
        return name(ctx, p, open);
    if (p->stack.len && top(p)->kind == APP) {
        char message[160];
        snprintf(message, sizeof message, "argument %u of %u of '%.60s'", top(p)->count + 1,
                 p->program->ctors.at[top(p)->ctor].arity,
                 rlab_program_ctor_name(p->program, top(p)->ctor));
        return fail_expected(ctx, p, message);
    }
    return fail_expected(ctx, p, "a value");
}

static rlab_status
close_conses(rlab_ctx *ctx, parser *p) {
    while (p->stack.len && top(p)->kind == CONS) {
        RLAB_TRY(emit(ctx, p, p->cons, top(p)->at, 0));
        p->stack.len--;
    }
    return RLAB_OK;
}

/* ")", "]", ",", ";" after an operand; *open if an operand must follow. */
static rlab_status
closer(rlab_ctx *ctx, parser *p, char c, bool *open) {
    opened *o;
    RLAB_TRY(close_conses(ctx, p));
    o = top(p);
    if (!o || o->kind != (c == ')' || c == ',' ? PAREN : LIST))
        return fail_expected(ctx, p,
                             !o                ? "the end of the text"
                             : o->kind == LIST ? "';' or ']'"
                                               : "',' or ')'");
    p->at++;
    *open = c == ',' || c == ';';
    if (o->kind == PAREN && (c == ',' || o->count)) {
        if (p->pair == NO_CTOR)
            return fail_at(ctx, p, o->at, "this program has no pair notation");
        if (o->count)
            RLAB_TRY(emit(ctx, p, p->pair, o->at, 0));
    }
    o->count++;
    if (c == ']') {
        RLAB_TRY(emit(ctx, p, p->nil, o->at, 0));
        for (uint32_t i = 0; i < o->count; i++)
            RLAB_TRY(emit(ctx, p, p->cons, o->at, 0));
    }
    if (!*open)
        p->stack.len--;
    return RLAB_OK;
}

/* What follows an operand; *open if another must follow, *done at the end of the text. */
static rlab_status
after(rlab_ctx *ctx, parser *p, bool *open, bool *done) {
    opened *o = top(p);
    if (o && o->kind == APP) {
        *open = ++o->count < p->program->ctors.at[o->ctor].arity;
        if (!*open) {
            RLAB_TRY(emit(ctx, p, o->ctor, o->at, 0));
            p->stack.len--;
            /* An application ends here; only an operator can follow. */
            if (top(p) && top(p)->kind == APP)
                return rlab_fail(ctx, RLAB_EINTERNAL, "application inside application");
        } else {
            return RLAB_OK;
        }
    }
    skip(p);
    if (p->at >= p->len) {
        RLAB_TRY(close_conses(ctx, p));
        if (p->stack.len)
            return fail_expected(ctx, p, top(p)->kind == LIST ? "';' or ']'" : "',' or ')'");
        *done = true;
        return RLAB_OK;
    }
    if (p->text[p->at] == ':' && p->at + 1 < p->len && p->text[p->at + 1] == ':') {
        if (p->cons == NO_CTOR)
            return fail_at(ctx, p, p->at, "this program has no list notation");
        *open = true;
        p->at += 2;
        return push(ctx, p, CONS, NO_CTOR, p->at - 2);
    }
    if (strchr(")],;", p->text[p->at]) && p->text[p->at])
        return closer(ctx, p, p->text[p->at], open);
    return fail_expected(ctx, p,
                         p->stack.len ? "an operator or a closing bracket" : "the end of the text");
}

static rlab_status
read(rlab_ctx *ctx, parser *p) {
    bool open = true, done = false;
    while (!done) {
        if (open)
            RLAB_TRY(operand(ctx, p, &open));
        else
            RLAB_TRY(after(ctx, p, &open, &done));
    }
    return RLAB_OK;
}

/* ---- types, then terms
 * ---------------------------------------------------------------------------------- */

static rlab_status
check(rlab_ctx *ctx, parser *p) {
    const rlab_type *type = p->type;
    rlab_ids want = {0};
    rlab_status status = rlab_ids_push(ctx, &want, p->node);
    for (size_t i = p->entries.len; i-- > 0 && status == RLAB_OK;) {
        const entry *e = &p->entries.at[i];
        uint32_t node = want.at[--want.len];
        const rlab_type_row *row = &p->program->types.at[type->nodes.at[node].type];
        const rlab_type_row_of *con;
        if (e->ctor == NO_CTOR ? row->notation != RLAB_NOTATION_NAT
                               : e->ctor - row->first >= row->count) {
            status = fail_type(ctx, p, node, e);
            break;
        }
        if (e->ctor == NO_CTOR)
            continue;
        con = &type->rows.at[type->nodes.at[node].rows + e->ctor - row->first];
        for (uint32_t a = 0; a < con->count && status == RLAB_OK; a++)
            status = rlab_ids_push(ctx, &want, type->args.at[con->args + a]);
    }
    rlab_vec_free(&want);
    return status;
}

static rlab_status
build_numeral(rlab_ctx *ctx, rlab_term *out, const parser *p, rlab_store *store, uint64_t number) {
    uint32_t zero = 0;
    for (uint32_t t = 0; t < p->program->types.len; t++)
        if (p->program->types.at[t].notation == RLAB_NOTATION_NAT)
            zero = p->program->types.at[t].first;
    RLAB_TRY(rlab_term_intern(ctx, out, store, RLAB_CTOR, zero, NULL, 0, 0));
    for (; number; number--) {
        rlab_term one = *out;
        RLAB_TRY(rlab_term_intern(ctx, out, store, RLAB_CTOR, zero + 1, &one, 1, 0));
    }
    return RLAB_OK;
}

static rlab_status
build(rlab_ctx *ctx, rlab_term *out, const parser *p, rlab_store *store, rlab_ids *stack) {
    for (size_t i = 0; i < p->entries.len; i++) {
        const entry *e = &p->entries.at[i];
        uint32_t n = e->ctor == NO_CTOR ? 0 : p->program->ctors.at[e->ctor].arity;
        rlab_term term;
        if (e->ctor == NO_CTOR)
            RLAB_TRY(build_numeral(ctx, &term, p, store, e->number));
        else
            RLAB_TRY(rlab_term_intern(ctx, &term, store, RLAB_CTOR, e->ctor,
                                      stack->at + stack->len - n, n, 0));
        stack->len -= n;
        RLAB_TRY(rlab_ids_push(ctx, stack, term));
    }
    *out = stack->at[0];
    return RLAB_OK;
}

static void
notations(parser *p) {
    p->pair = p->nil = p->cons = p->last = NO_CTOR;
    for (uint32_t t = 0; t < p->program->types.len; t++) {
        const rlab_type_row *row = &p->program->types.at[t];
        if (row->notation == RLAB_NOTATION_PROD)
            p->pair = row->first;
        if (row->notation == RLAB_NOTATION_LIST) {
            p->nil = row->first;
            p->cons = row->first + 1;
        }
    }
}

rlab_status
rlab_value_parse(rlab_ctx *ctx, rlab_term *out, const rlab_type *type, uint32_t arg,
                 rlab_store *store, const char *text, size_t len) {
    parser p;
    rlab_ids stack = {0};
    rlab_status status;
    memset(&p, 0, sizeof p);
    p.program = type->program;
    p.type = type;
    p.node = type->domain.at[arg];
    p.text = text;
    p.len = len;
    notations(&p);
    status = read(ctx, &p);
    if (status == RLAB_OK)
        status = check(ctx, &p);
    if (status == RLAB_OK)
        status = build(ctx, out, &p, store, &stack);
    rlab_vec_free(&stack);
    rlab_vec_free(&p.stack);
    rlab_vec_free(&p.entries);
    return status;
}
