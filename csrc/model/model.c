/* Models of any kind: finding a kind, setting its options with checks, graph and weights together.
 */
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define X(kind) extern const rlab_model_kind rlab_model_##kind;
#include "model/models.def"
#undef X

static const rlab_model_kind *const kinds[] = {
#define X(kind) &rlab_model_##kind,
#include "model/models.def"
#undef X
};

enum { N_KINDS = (int)(sizeof kinds / sizeof *kinds), LIST_MAX = 1024 };

const rlab_model_kind *
rlab_model_kind_at(int32_t number) {
    return number >= 0 && number < N_KINDS ? kinds[number] : NULL;
}

rlab_status
rlab_model_kind_find(rlab_ctx *ctx, const rlab_model_kind **out, const char *name) {
    char list[LIST_MAX] = "";
    size_t used = 0;
    for (int i = 0; i < N_KINDS; i++) {
        if (strcmp(kinds[i]->name, name) == 0) {
            *out = kinds[i];
            return RLAB_OK;
        }
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                                     kinds[i]->name);
    }
    return rlab_fail(ctx, RLAB_EVALUE, "model: expected one of %s, got '%.60s'", list, name);
}

void
rlab_config_init(rlab_config *config, const rlab_model_kind *kind) {
    memset(config, 0, sizeof *config);
    for (int i = 0; kind->options[i].name; i++)
        config->value[i] = kind->options[i].start;
}

static rlab_status
find_option(rlab_ctx *ctx, int *out, const rlab_model_kind *kind, const char *name) {
    char list[LIST_MAX] = "";
    size_t used = 0;
    for (int i = 0; kind->options[i].name; i++) {
        if (strcmp(kind->options[i].name, name) == 0) {
            *out = i;
            return RLAB_OK;
        }
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                                     kind->options[i].name);
    }
    return rlab_fail(ctx, RLAB_EVALUE, "%s: unknown option '%.60s'; expected one of %s", kind->name,
                     name, list);
}

rlab_status
rlab_config_set(rlab_ctx *ctx, rlab_config *config, const rlab_model_kind *kind, const char *name,
                double value) {
    int i = 0;
    const rlab_option *option;
    bool whole;
    RLAB_TRY(find_option(ctx, &i, kind, name));
    option = &kind->options[i];
    whole = option->kind != RLAB_OPTION_FLOAT;
    if (option->kind == RLAB_OPTION_CHOICE)
        return rlab_fail(ctx, RLAB_EVALUE, "%s: expected one of %s, got the number %g", name,
                         option->choices, value);
    if (!(value >= option->least && value <= option->most) || (whole && value != floor(value)))
        return rlab_fail(ctx, RLAB_EVALUE, "%s: expected %s from %.10g to %.10g, got %.10g", name,
                         whole ? "a whole number" : "a number", option->least, option->most, value);
    config->value[i] = value;
    return RLAB_OK;
}

rlab_status
rlab_config_set_word(rlab_ctx *ctx, rlab_config *config, const rlab_model_kind *kind,
                     const char *name, const char *word) {
    int i = 0, number = 0;
    size_t n = strlen(word);
    const char *at;
    RLAB_TRY(find_option(ctx, &i, kind, name));
    if (kind->options[i].kind != RLAB_OPTION_CHOICE)
        return rlab_fail(ctx, RLAB_EVALUE, "%s: expected a number, got '%.60s'", name, word);
    for (at = kind->options[i].choices; n; number++) {
        size_t len = strcspn(at, "|");
        if (len == n && strncmp(at, word, n) == 0) {
            config->value[i] = number;
            return RLAB_OK;
        }
        if (!at[len])
            break;
        at += len + 1;
    }
    return rlab_fail(ctx, RLAB_EVALUE, "%s: expected one of %s, got '%.60s'", name,
                     kind->options[i].choices, word);
}

rlab_status
rlab_model_new(rlab_ctx *ctx, rlab_model **out, const rlab_model_kind *kind,
               const rlab_config *config, const rlab_kernels *kernels, uint64_t seed) {
    rlab_model *model;
    RLAB_TRY(rlab_alloc(ctx, (void **)&model, 1, sizeof *model));
    model->kind = kind;
    model->config = *config;
    model->kernels = kernels;
    if (rlab_graph_new(ctx, &model->graph) != RLAB_OK ||
        kind->layout(ctx, &model->roles, model->graph, config) != RLAB_OK ||
        rlab_graph_seal(ctx, model->graph) != RLAB_OK ||
        rlab_weights_new(ctx, &model->weights, model->graph, kernels) != RLAB_OK)
        goto fail;
    rlab_weights_init(model->weights, seed);
    *out = model;
    return RLAB_OK;
fail:
    rlab_model_free(model);
    return ctx->status;
}

void
rlab_model_free(rlab_model *model) {
    if (!model)
        return;
    rlab_weights_free(model->weights);
    rlab_graph_free(model->graph);
    rlab_free(model);
}

void
rlab_model_batch(rlab_batch *out, const rlab_model *model, int32_t n_seqs,
                 const int64_t *source_off, const int32_t *source, const int64_t *target_off,
                 const int32_t *target, const int32_t *labels, const int64_t *ids) {
    const rlab_roles *roles = &model->roles;
    memset(out, 0, sizeof *out);
    if (roles->source != RLAB_NONE) {
        rlab_extent e = {.n_seqs = n_seqs, .off = source_off, .id = ids};
        out->space[roles->source] = e;
        out->index[roles->source_tokens] = source;
    }
    if (roles->target != RLAB_NONE) {
        rlab_extent e = {.n_seqs = n_seqs, .off = target_off, .id = ids};
        out->space[roles->target] = e;
        out->index[roles->target_tokens] = target;
        out->index[roles->labels] = labels;
    }
}
