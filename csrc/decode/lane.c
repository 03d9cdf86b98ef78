/* A lane at work: items enter as there is room, take a step together, branch, and leave. */
#include "decode/lane.h"

#include <math.h>
#include <string.h>

enum { STEPS = 16 }; /* steps between two looks at whether to stop */

/* ---- inside a parallel region --------------------------------------------------------------- */

static void
begin(rlab_decoder *d, rlab_lane *l, int32_t g, int64_t item) {
    rlab_group *group = &l->group[g];
    group->item = item;
    group->length = group->n_children = group->n_finals = 0;
    memset(group->beam, 0, (size_t)d->width * sizeof *group->beam);
    for (int32_t i = 0; i < d->width; i++) {
        int32_t slot = group->first_slot + i;
        group->beam[i].slot = slot;
        group->beam[i].token = d->config->bos;
        group->final[i].place = i;
        rlab_exec_slot_reset(l->exec, d->model->roles.target, slot);
        if (l->state)
            memset(l->state + (size_t)slot * d->config->guide->state_size, 0,
                   d->config->guide->state_size);
    }
    if (d->model->roles.source != RLAB_NONE)
        rlab_exec_slot_reset(l->exec, d->model->roles.source, g);
    d->config->method->begin(&l->desk, group);
}

/* Rows that an item's slot of the target may come to have. */
static int32_t
reach(const rlab_decoder *d, int64_t item) {
    const int64_t *off = d->sources->off;
    const bool one = d->model->roles.source == RLAB_NONE;
    return (int32_t)(one ? off[item + 1] - off[item] : 0) + d->config->max_length + 1;
}

/* Reads the n sources that entered: with the encoder, or, where all is one space, into the first
 * slot of each group, from where beams that begin together take copies. */
static rlab_status
read_sources(rlab_decoder *d, rlab_lane *l, int32_t n) {
    const rlab_roles *roles = &d->model->roles;
    const bool one = roles->source == RLAB_NONE;
    const int32_t space = one ? roles->target : roles->source;
    const rlab_run run = {.taps = l->taps, .n_taps = d->config->n_taps};
    rlab_batch batch;
    memset(&batch, 0, sizeof batch);
    for (int32_t i = 0; one && i < n; i++) {
        const rlab_group *group = &l->group[l->slot[i]];
        l->to[i] = l->slot[i];
        l->slot[i] = group->first_slot;
        l->reach[i] = reach(d, group->item);
    }
    batch.space[space] =
        (rlab_extent){.n_seqs = n, .off = l->off, .slot = l->slot, .reach = one ? l->reach : NULL};
    batch.index[one ? roles->target_tokens : roles->source_tokens] = l->source;
    RLAB_TRY(rlab_exec_step(&l->ctx, l->exec, d->model->weights, space, &batch, &run));
    for (int32_t i = 0; one && i < n; i++) {
        const rlab_group *group = &l->group[l->to[i]];
        for (int32_t b = 1; b < group->n_beams; b++)
            rlab_exec_slot_copy(l->exec, space, group->first_slot, group->first_slot + b);
    }
    return RLAB_OK;
}

/* Takes waiting sources into spare groups, as many as fit, and reads them. */
static rlab_status
enter(rlab_decoder *d, rlab_lane *l) {
    const rlab_sources *s = d->sources;
    int32_t n = 0;
    l->off[0] = 0;
    for (; l->n_spare > 0 && l->next < s->count; l->next += l->stride, n++) {
        int64_t rows = s->off[l->next + 1] - s->off[l->next];
        if (l->off[n] + rows > d->source_rows)
            break;
        l->live[l->n_live++] = l->slot[n] = l->spare[--l->n_spare];
        begin(d, l, l->slot[n], l->next);
        memcpy(l->source + l->off[n], s->ids + s->off[l->next], (size_t)rows * sizeof *l->source);
        l->off[n + 1] = l->off[n] + rows;
    }
    return n == 0 ? RLAB_OK : read_sources(d, l, n);
}

/* Copies alternatives of a final to the lane's output; of none, one row with nothing to tell. */
static void
tell_alternatives(rlab_decoder *d, rlab_lane *l, const rlab_final *final, int32_t slot) {
    const size_t wide = (size_t)d->config->alternatives;
    const size_t count = final ? ((size_t) final->length + 1) * wide : wide;
    const size_t from = (size_t)slot * ((size_t)d->config->max_length + 1) * wide;
    if (wide == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        l->out_alt_token.at[l->out_alt_token.len++] =
            final ? l->desk.stored_alt_token[from + i] : RLAB_NONE;
        l->out_alt_logp.at[l->out_alt_logp.len++] =
            final ? l->desk.stored_alt_logp[from + i] : -INFINITY;
    }
}

/* Takes a finished item's outputs out; its group is spare. */
static void
leave(rlab_decoder *d, rlab_lane *l, int32_t g) {
    const rlab_group *group = &l->group[g];
    const int32_t n = d->config->num_return_sequences;
    for (int32_t r = 0; r < n; r++) {
        const rlab_final *final = r < group->n_finals ? &group->final[r] : NULL;
        const int32_t slot = group->first_slot + (final ? final->place : 0);
        const int64_t to = group->item * n + r;
        d->place[to] = (int64_t)l->out.len;
        d->alt_place[to] = (int64_t)l->out_alt_token.len;
        d->out->off[to + 1] = final ? final->length : 0;
        d->out->score[to] = final ? final->score : -INFINITY;
        d->out->drawn[to] = final ? final->drawn : -INFINITY;
        d->out->key[to] = final ? final->key : -INFINITY;
        d->out->finished[to] = final && final->finished;
        if (final) {
            memcpy(l->out.at + l->out.len,
                   l->desk.stored + (size_t)slot * (size_t)d->config->max_length,
                   (size_t) final->length * sizeof *l->out.at);
            l->out.len += (size_t) final->length;
        }
        tell_alternatives(d, l, final, slot);
    }
    l->spare[l->n_spare++] = g;
}

/* Everything a hypothesis has, to a slot that is free. */
static void
copy_slot(rlab_decoder *d, rlab_lane *l, int32_t length, int32_t from, int32_t to) {
    const rlab_decode_config *c = d->config;
    const size_t most = (size_t)c->max_length, wide = (size_t)c->alternatives;
    const size_t count = ((size_t)length + 1) * wide, row = (most + 1) * wide;
    const size_t a = (size_t)from, b = (size_t)to;
    rlab_exec_slot_copy(l->exec, d->model->roles.target, from, to);
    memcpy(l->desk.chosen + b * most, l->desk.chosen + a * most,
           (size_t)length * sizeof *l->desk.chosen);
    if (l->state)
        memcpy(l->state + b * c->guide->state_size, l->state + a * c->guide->state_size,
               c->guide->state_size);
    if (wide > 0) {
        memcpy(l->desk.alt_token + b * row, l->desk.alt_token + a * row,
               count * sizeof *l->desk.alt_token);
        memcpy(l->desk.alt_logp + b * row, l->desk.alt_logp + a * row,
               count * sizeof *l->desk.alt_logp);
    }
}

/* Children become the beams: the first of a parent takes its slot, others get a free one and a
 * copy. Nothing is written to a parent's slot before all copies are made. */
static void
branch(rlab_decoder *d, rlab_lane *l, rlab_group *group) {
    const int32_t n = group->n_children;
    rlab_beam *next = group->next;
    int32_t spare = 0;
    memset(l->taken, 0, (size_t)d->width);
    for (int32_t i = 0; i < n; i++) {
        const rlab_candidate *child = &group->child[i];
        const int32_t slot = group->beam[child->parent].slot;
        const bool first = !l->taken[slot - group->first_slot];
        l->taken[slot - group->first_slot] = 1;
        next[i] = (rlab_beam){
            first ? slot : RLAB_NONE,      child->token, child->score, child->drawn, child->key,
            group->beam[child->parent].rng};
    }
    for (int32_t i = 0; i < n; i++) {
        if (next[i].slot != RLAB_NONE)
            continue;
        while (l->taken[spare])
            spare++;
        l->taken[spare] = 1;
        next[i].slot = group->first_slot + spare;
        copy_slot(d, l, group->length, group->beam[group->child[i].parent].slot, next[i].slot);
    }
    for (int32_t i = 0; i < n; i++)
        l->desk
            .chosen[(size_t)next[i].slot * (size_t)d->config->max_length + (size_t)group->length] =
            next[i].token;
    group->next = group->beam;
    group->beam = next;
    group->n_beams = n;
    group->n_children = 0;
    group->length++;
}

/* Asks the guide for a group's beams: masks at l->allowed. */
static void
ask_guide(rlab_decoder *d, rlab_lane *l, const rlab_group *group) {
    const rlab_decode_guide *guide = d->config->guide;
    const size_t vocab = (size_t)l->desk.vocab;
    memset(l->allowed, 0, (size_t)group->n_beams * vocab);
    for (int32_t b = 0; b < group->n_beams; b++)
        guide->allow(guide->arg, l->state + (size_t)group->beam[b].slot * guide->state_size,
                     group->beam[b].token, d->config->max_length - group->length,
                     l->allowed + (size_t)b * vocab);
    l->desk.allowed = l->allowed;
}

/* One step of one item, from the logits of its beams. */
static bool
step_group(rlab_decoder *d, rlab_lane *l, rlab_group *group, const float *logits) {
    const int32_t wide = d->config->alternatives;
    for (int32_t b = 0; wide > 0 && b < group->n_beams; b++) {
        size_t at = ((size_t)group->beam[b].slot * ((size_t)d->config->max_length + 1) +
                     (size_t)group->length) *
                    (size_t)wide;
        if (!rlab_decode_top(&l->desk, logits + (size_t)b * (size_t)l->desk.vocab, wide,
                             l->desk.alt_token + at, l->desk.alt_logp + at))
            return false;
    }
    if (d->config->guide)
        ask_guide(d, l, group);
    return d->config->method->step(&l->desk, group, logits);
}

/* One token for every live hypothesis. */
static rlab_status
step(rlab_decoder *d, rlab_lane *l) {
    const rlab_roles *roles = &d->model->roles;
    const rlab_run run = {.taps = l->taps, .n_taps = d->config->n_taps};
    const int32_t n_live = l->n_live;
    rlab_batch batch;
    const float *logits;
    int32_t n = 0, width = 0;
    memset(&batch, 0, sizeof batch);
    for (int32_t i = 0; i < n_live; i++) {
        const rlab_group *group = &l->group[l->live[i]];
        for (int32_t b = 0; b < group->n_beams; b++, n++) {
            l->off[n] = n;
            l->slot[n] = group->beam[b].slot;
            l->to[n] = l->live[i];
            l->reach[n] = reach(d, group->item);
            l->token[n] = group->beam[b].token;
        }
    }
    l->off[n] = n;
    batch.space[roles->target] = (rlab_extent){.n_seqs = n,
                                               .off = l->off,
                                               .slot = l->slot,
                                               .to = roles->source == RLAB_NONE ? NULL : l->to,
                                               .reach = l->reach};
    batch.index[roles->target_tokens] = l->token;
    RLAB_TRY(rlab_exec_step(&l->ctx, l->exec, d->model->weights, roles->target, &batch, &run));
    logits = rlab_exec_value(l->exec, roles->logits, NULL, &width);
    l->n_live = 0;
    for (int32_t i = 0; i < n_live; i++) {
        const int32_t g = l->live[i];
        rlab_group *group = &l->group[g];
        const int32_t rows = group->n_beams;
        if (!step_group(d, l, group, logits))
            return rlab_fail_at(&l->ctx, RLAB_EDIVERGED, group->item,
                                "item %lld: the model's logits are not finite",
                                (long long)group->item);
        logits += (size_t)rows * (size_t)width;
        if (group->n_children == 0) {
            leave(d, l, g);
        } else {
            branch(d, l, group);
            l->live[l->n_live++] = g;
        }
    }
    return RLAB_OK;
}

void
rlab_lane_advance(rlab_decoder *d, rlab_lane *l) {
    for (int k = 0; k < STEPS; k++)
        if (enter(d, l) != RLAB_OK || l->n_live == 0 || step(d, l) != RLAB_OK)
            break;
}

/* ---- around it ------------------------------------------------------------------------------ */

/* Room for reading sources and for one token a slot; caches for the longest of each. */
static rlab_status
make_exec(rlab_ctx *ctx, rlab_decoder *d, rlab_lane *l, int32_t n_slots) {
    const rlab_model *model = d->model;
    const int32_t source = model->roles.source, target = model->roles.target;
    int32_t slots[RLAB_SPACES_MAX] = {0}, rows[RLAB_SPACES_MAX] = {0};
    rlab_capacity room;
    memset(&room, 0, sizeof room);
    slots[target] = n_slots;
    rows[target] = d->config->max_length + 1;
    room.rows[target] = room.seqs[target] = n_slots;
    if (source == RLAB_NONE) {
        rows[target] += (int32_t)d->longest;
        room.rows[target] = d->source_rows > n_slots ? d->source_rows : n_slots;
    } else {
        slots[source] = l->groups;
        rows[source] = (int32_t)d->longest;
        room.rows[source] = d->source_rows;
        room.seqs[source] = l->groups;
        room.longest[source] = rows[source];
        room.cells[source][source] = d->source_rows * d->longest;
        room.cells[target][source] = (int64_t)n_slots * rows[source];
    }
    room.longest[target] = rows[target];
    room.cells[target][target] = room.rows[target] * rows[target];
    RLAB_TRY(rlab_exec_new(ctx, &l->exec, model->graph, model->kernels, false));
    RLAB_TRY(rlab_exec_cache(ctx, l->exec, slots, rows));
    return rlab_exec_reserve(ctx, l->exec, &room);
}

static rlab_status
make_desk(rlab_ctx *ctx, rlab_decoder *d, rlab_desk *desk, int64_t slots) {
    const rlab_decode_config *c = d->config;
    const int64_t alternatives = slots * (c->max_length + 1) * c->alternatives;
    desk->config = c;
    desk->kernels = d->model->kernels;
    desk->width = d->width;
    desk->vocab = d->model->roles.vocab_size;
    RLAB_MAKE(desk->work, desk->vocab);
    RLAB_MAKE(desk->logp, desk->vocab);
    RLAB_MAKE(desk->phi, desk->vocab + 2);
    RLAB_MAKE(desk->own, desk->vocab + 2);
    RLAB_MAKE(desk->order, desk->vocab);
    RLAB_MAKE(desk->best, 2 * (int64_t)d->width);
    RLAB_MAKE(desk->chosen, slots * c->max_length);
    RLAB_MAKE(desk->stored, slots * c->max_length);
    if (c->alternatives > 0) {
        RLAB_MAKE(desk->alt_token, alternatives);
        RLAB_MAKE(desk->alt_logp, alternatives);
        RLAB_MAKE(desk->stored_alt_token, alternatives);
        RLAB_MAKE(desk->stored_alt_logp, alternatives);
    }
    return RLAB_OK;
}

rlab_status
rlab_lane_init(rlab_ctx *ctx, rlab_decoder *d, rlab_lane *l, int32_t groups) {
    const int64_t width = d->width, slots = groups * width;
    rlab_ctx_init(&l->ctx);
    l->groups = l->n_spare = groups;
    RLAB_MAKE(l->live, groups);
    RLAB_MAKE(l->spare, groups);
    RLAB_MAKE(l->group, groups);
    RLAB_MAKE(l->token, slots);
    RLAB_MAKE(l->slot, slots);
    RLAB_MAKE(l->to, slots);
    RLAB_MAKE(l->reach, slots);
    RLAB_MAKE(l->off, slots + 1);
    RLAB_MAKE(l->source, d->source_rows);
    RLAB_MAKE(l->taken, width);
    RLAB_MAKE(l->taps, d->config->n_taps);
    RLAB_MAKE(l->fired, d->config->n_taps);
    for (int32_t i = 0; i < d->config->n_taps; i++) {
        l->taps[i] = d->config->taps[i];
        l->taps[i].fired = &l->fired[i];
    }
    RLAB_MAKE(l->beams, 2 * slots);
    RLAB_MAKE(l->children, slots);
    RLAB_MAKE(l->finals, slots);
    if (d->config->guide) {
        RLAB_MAKE(l->allowed, width * d->model->roles.vocab_size);
        RLAB_MAKE(l->state, slots * (int64_t)d->config->guide->state_size);
    }
    for (int32_t i = 0; i < groups; i++) {
        const int64_t first = i * width;
        l->spare[i] = groups - 1 - i;
        l->group[i].first_slot = (int32_t)first;
        l->group[i].beam = l->beams + 2 * first;
        l->group[i].next = l->beams + 2 * first + width;
        l->group[i].child = l->children + first;
        l->group[i].final = l->finals + first;
    }
    RLAB_TRY(make_desk(ctx, d, &l->desk, slots));
    return make_exec(ctx, d, l, (int32_t)slots);
}

rlab_status
rlab_lane_reserve(rlab_ctx *ctx, const rlab_decoder *d, rlab_lane *l) {
    /* An output that leaves has at most as many tokens as its group made steps: those of before,
     * at most max_length, and STEPS in all from now on. */
    const size_t slots = (size_t)l->groups * (size_t)d->width;
    const size_t tokens = slots * ((size_t)d->config->max_length + STEPS);
    const size_t told = (tokens + slots * STEPS) * (size_t)d->config->alternatives;
    RLAB_TRY(rlab_vec_reserve(ctx, &l->out, l->out.len + tokens));
    if (told == 0)
        return RLAB_OK;
    RLAB_TRY(rlab_vec_reserve(ctx, &l->out_alt_token, l->out_alt_token.len + told));
    return rlab_vec_reserve(ctx, &l->out_alt_logp, l->out_alt_logp.len + told);
}

void
rlab_lane_free(rlab_lane *l) {
    void *made[] = {l->live,
                    l->spare,
                    l->group,
                    l->token,
                    l->slot,
                    l->to,
                    l->reach,
                    l->off,
                    l->source,
                    l->taken,
                    l->taps,
                    l->fired,
                    l->beams,
                    l->children,
                    l->finals,
                    l->allowed,
                    l->state,
                    l->desk.work,
                    l->desk.logp,
                    l->desk.phi,
                    l->desk.own,
                    l->desk.order,
                    l->desk.best,
                    l->desk.chosen,
                    l->desk.stored,
                    l->desk.alt_token,
                    l->desk.alt_logp,
                    l->desk.stored_alt_token,
                    l->desk.stored_alt_logp};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        rlab_free(made[i]);
    rlab_exec_free(l->exec);
    rlab_vec_free(&l->out);
    rlab_vec_free(&l->out_alt_token);
    rlab_vec_free(&l->out_alt_logp);
}
