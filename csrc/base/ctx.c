/* Errors: the message is written where the fault is known and carried up unchanged. */
#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
rlab_ctx_init(rlab_ctx *ctx) {
    memset(ctx, 0, sizeof *ctx);
    ctx->position = -1;
}

static rlab_status
fail(rlab_ctx *ctx, rlab_status status, int64_t position, const char *format, va_list args) {
    if (ctx->status == RLAB_OK) {
        ctx->status = status;
        ctx->position = position;
        if (vsnprintf(ctx->message, sizeof ctx->message, format, args) >= (int)sizeof ctx->message)
            memcpy(ctx->message + sizeof ctx->message - 4, "...", 4);
    }
    return status;
}

rlab_status
rlab_fail(rlab_ctx *ctx, rlab_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fail(ctx, status, -1, format, args);
    va_end(args);
    return status;
}

rlab_status
rlab_fail_at(rlab_ctx *ctx, rlab_status status, int64_t position, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fail(ctx, status, position, format, args);
    va_end(args);
    return status;
}

rlab_status
rlab_ctx_poll(rlab_ctx *ctx) {
    if (ctx->stop && ctx->stop(ctx->stop_arg))
        return rlab_fail(ctx, RLAB_EINTR, "stopped on request");
    return RLAB_OK;
}
