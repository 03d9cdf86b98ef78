/* Learning rates: functions of the step alone; of the C library only sqrt, which is exact. */
#include "learn/learn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const names[RLAB_SCHEDULE_COUNT] = {
#define X(code, name) name,
#include "learn/schedule.def"
#undef X
};

const char *
rlab_schedule_name(rlab_schedule schedule) {
    return names[schedule];
}

static const char *const precisions[RLAB_PRECISION_COUNT] = {"float32", "bfloat16"};

/* The number of a name in a list; an unknown one is an error that lists them. */
static rlab_status
find_name(rlab_ctx *ctx, int *out, const char *what, const char *const *list, int count,
          const char *name) {
    char known[256] = "";
    for (int i = 0; i < count; i++) {
        size_t at = strlen(known);
        if (strcmp(list[i], name) == 0) {
            *out = i;
            return RLAB_OK;
        }
        snprintf(known + at, sizeof known - at, "%s%s", at ? ", " : "", list[i]);
    }
    return rlab_fail(ctx, RLAB_EVALUE, "%s: expected one of %s, got '%.60s'", what, known, name);
}

rlab_status
rlab_schedule_find(rlab_ctx *ctx, rlab_schedule *out, const char *name) {
    int i = 0;
    RLAB_TRY(find_name(ctx, &i, "schedule", names, RLAB_SCHEDULE_COUNT, name));
    *out = (rlab_schedule)i;
    return RLAB_OK;
}

rlab_status
rlab_precision_find(rlab_ctx *ctx, rlab_precision *out, const char *name) {
    int i = 0;
    RLAB_TRY(find_name(ctx, &i, "precision", precisions, RLAB_PRECISION_COUNT, name));
    *out = (rlab_precision)i;
    return RLAB_OK;
}

/* sin and cos of x in [0, pi/4] to double precision, by their series; the same bits everywhere. */
static double
series(double x, int first) {
    double term = first ? x : 1.0, sum = term;
    for (int k = first + 1; k < 22; k += 2) {
        term *= -x * x / (double)(k * (k + 1));
        sum += term;
    }
    return sum;
}

/* cos(pi p), p in [0, 1]. */
static double
cos_pi(double p) {
    const double pi = 3.14159265358979323846;
    double sign = 1.0;
    if (p > 0.5) {
        p = 1.0 - p;
        sign = -1.0;
    }
    return sign * (p <= 0.25 ? series(pi * p, 0) : series(pi * (0.5 - p), 1));
}

double
rlab_schedule_lr(const rlab_train_config *config, int64_t step) {
    double progress, share;
    int64_t rest = config->steps - config->warmup;
    if (step < config->warmup)
        return config->lr * (double)(step + 1) / (double)config->warmup;
    progress = step < config->steps ? (double)(step - config->warmup) / (double)rest : 1.0;
    switch (config->schedule) {
    case RLAB_SCHEDULE_LINEAR:
        share = 1.0 - progress;
        break;
    case RLAB_SCHEDULE_COSINE:
        share = 0.5 * (1.0 + cos_pi(progress));
        break;
    case RLAB_SCHEDULE_INVERSE_SQRT:
        share = sqrt((double)(config->warmup > 1 ? config->warmup : 1) / (double)(step + 1));
        break;
    default:
        return config->lr;
    }
    return config->lr * (config->lr_end + (1.0 - config->lr_end) * share);
}

/* A row a range: the value must lie in [low, high], or [low, high) where open. */
typedef struct range {
    const char *name;
    double value, low, high;
    bool open;
} range;

rlab_status
rlab_train_config_check(rlab_ctx *ctx, const rlab_train_config *c) {
    const range ranges[] = {
        {"lr", c->lr, 0.0, 1e3, false},
        {"lr_end", c->lr_end, 0.0, 1.0, false},
        {"beta1", c->beta1, 0.0, 1.0, true},
        {"beta2", c->beta2, 0.0, 1.0, true},
        {"eps", c->eps, 1e-30, 1.0, false},
        {"weight_decay", c->weight_decay, 0.0, 1e3, false},
        {"clip", c->clip, 0.0, 1e30, false},
        {"label_smoothing", c->smoothing, 0.0, 1.0, true},
        {"steps", (double)c->steps, 1.0, 9e15, false},
        {"warmup", (double)c->warmup, 0.0, 9e15, false},
        {"batch_size", (double)c->batch_size, 1.0, 1 << 24, false},
        {"shards", (double)c->shards, 1.0, 1024.0, false},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const range *r = &ranges[i];
        if (!(r->value >= r->low && (r->open ? r->value < r->high : r->value <= r->high)))
            return rlab_fail(ctx, RLAB_EVALUE, "%s: expected a value in [%g, %g%c, got %g", r->name,
                             r->low, r->high, r->open ? ')' : ']', r->value);
    }
    if (c->schedule >= RLAB_SCHEDULE_COUNT)
        return rlab_fail(ctx, RLAB_EVALUE, "schedule: expected a number below %d, got %d",
                         RLAB_SCHEDULE_COUNT, (int)c->schedule);
    return RLAB_OK;
}
