/* Memory: checked sizes, aligned blocks, growable arrays, scratch arenas with mark and release. */
#define _POSIX_C_SOURCE 200112L
#define _DEFAULT_SOURCE /* madvise */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#define ALIGNMENT 64
#define HUGE_LEAST ((size_t)1 << 22) /* bytes of a block that asks for huge pages */

/* Counts down to an allocation that fails, for tests; a thread's own, so tests stay apart. */
#if defined(__GNUC__)
static __thread int64_t fail_countdown;
#else
static int64_t fail_countdown;
#endif

void
rlab_alloc_fail_after(int64_t n) {
    fail_countdown = n;
}

static bool
failing(void) {
    return fail_countdown > 0 && --fail_countdown == 0;
}

/* First touches of a large block take longer than many a run over it, page by page: asks for huge
 * pages, which only Linux has on request. Nothing but time depends on whether they are given. All
 * pages that the block touches are meant: a mapping of which a part is asked for cannot grow. */
static void
advise(const void *p, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    long page = sysconf(_SC_PAGESIZE);
    if (bytes >= HUGE_LEAST && page > 0) {
        uintptr_t first = (uintptr_t)p, last = first + bytes - 1, step = (uintptr_t)page;
        first -= first % step;
        madvise((void *)first, last - last % step + step - first, MADV_HUGEPAGE);
    }
#else
    (void)p;
    (void)bytes;
#endif
}

static void *
aligned_bytes(size_t bytes) {
    void *p = NULL;
    if (failing())
        return NULL;
    if (posix_memalign(&p, ALIGNMENT, bytes ? bytes : 1) != 0)
        return NULL;
    advise(p, bytes);
    return p;
}

bool
rlab_size_mul(size_t a, size_t b, size_t *out) {
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}

bool
rlab_size_add(size_t a, size_t b, size_t *out) {
    if (a > SIZE_MAX - b)
        return false;
    *out = a + b;
    return true;
}

static rlab_status
fail_memory(rlab_ctx *ctx, size_t count, size_t size) {
    return rlab_fail(ctx, RLAB_EMEM, "could not allocate %zu items of %zu bytes", count, size);
}

rlab_status
rlab_alloc(rlab_ctx *ctx, void **out, size_t count, size_t size) {
    size_t bytes;
    void *p = rlab_size_mul(count, size, &bytes) ? aligned_bytes(bytes) : NULL;
    if (!p)
        return fail_memory(ctx, count, size);
    memset(p, 0, bytes);
    *out = p;
    return RLAB_OK;
}

void
rlab_free(void *p) {
    free(p);
}

rlab_status
rlab_grow(rlab_ctx *ctx, void **items, size_t *cap, size_t need, size_t size) {
    size_t target, bytes;
    void *p;
    if (need <= *cap)
        return RLAB_OK;
    target = *cap < SIZE_MAX / 2 ? 2 * *cap : need;
    if (target < need)
        target = need;
    if (target < 16)
        target = 16;
    /* Large blocks are remapped, not copied, so growing does not hold the data twice. */
    if (!rlab_size_mul(target, size, &bytes) || failing() || !(p = realloc(*items, bytes)))
        return fail_memory(ctx, target, size);
    advise(p, bytes);
    *items = p;
    *cap = target;
    return RLAB_OK;
}

/* A block of an arena; its bytes follow the header, which is one alignment unit long. */
struct rlab_block {
    rlab_block *next; /* the block before this one */
    size_t size, used;
};

void
rlab_arena_init(rlab_arena *arena, size_t limit) {
    memset(arena, 0, sizeof *arena);
    arena->limit = limit;
}

void
rlab_arena_free(rlab_arena *arena) {
    while (arena->head) {
        rlab_block *next = arena->head->next;
        free(arena->head);
        arena->head = next;
    }
    arena->used = 0;
}

static rlab_status
push_block(rlab_ctx *ctx, rlab_arena *arena, size_t bytes) {
    size_t size = bytes, whole;
    rlab_block *block;
#if !defined(RLAB_SANITIZE)
    size_t doubled = arena->head ? 2 * arena->head->size : 4096;
    if (size < doubled)
        size = doubled;
#endif
    if (!rlab_size_add(size, ALIGNMENT, &whole) || !(block = aligned_bytes(whole)))
        return fail_memory(ctx, 1, size);
    block->next = arena->head;
    block->size = size;
    block->used = 0;
    arena->head = block;
    return RLAB_OK;
}

rlab_status
rlab_arena_alloc(rlab_ctx *ctx, void **out, rlab_arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (!rlab_size_mul(count, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT)
        return fail_memory(ctx, count, size);
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (arena->limit && bytes > arena->limit - arena->used)
        return rlab_fail(ctx, RLAB_EBUDGET,
                         "memory budget of %zu bytes ran out; raise it or make the input smaller",
                         arena->limit);
    if (!arena->head || bytes > arena->head->size - arena->head->used)
        RLAB_TRY(push_block(ctx, arena, bytes));
    *out = (char *)arena->head + ALIGNMENT + arena->head->used;
    arena->head->used += bytes;
    arena->used += bytes;
    return RLAB_OK;
}

rlab_mark
rlab_arena_mark(const rlab_arena *arena) {
    rlab_mark mark = {arena->head, arena->head ? arena->head->used : 0, arena->used};
    return mark;
}

void
rlab_arena_release(rlab_arena *arena, rlab_mark mark) {
    while (arena->head != mark.block) {
        rlab_block *next = arena->head->next;
        /* The newest block is the largest: keep it when the arena becomes empty, so that a loop
         * that marks and releases settles into one block. */
        if (next == NULL && mark.block == NULL) {
#if !defined(RLAB_SANITIZE)
            arena->head->used = 0;
            arena->used = 0;
            return;
#endif
        }
        free(arena->head);
        arena->head = next;
    }
    if (arena->head)
        arena->head->used = mark.block_used;
    arena->used = mark.used;
}
