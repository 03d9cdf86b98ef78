/* Natural numbers of any length: what counts and ranks beyond 64 bits need, and no more. Schoolbook
 * arithmetic on limbs of 32 bits. */
#include "base/base.h"

#include <string.h>

static void
trim(rlab_big *x) {
    while (x->len && x->at[x->len - 1] == 0)
        x->len--;
}

static rlab_limbs
trimmed(rlab_limbs a) {
    while (a.len && a.at[a.len - 1] == 0)
        a.len--;
    return a;
}

int
rlab_big_compare(rlab_limbs a, rlab_limbs b) {
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    for (size_t i = a.len; i-- > 0;)
        if (a.at[i] != b.at[i])
            return a.at[i] < b.at[i] ? -1 : 1;
    return 0;
}

bool
rlab_big_fits(rlab_limbs a, uint64_t *out) {
    if (a.len > 2)
        return false;
    *out = a.len == 0 ? 0 : a.at[0] | (a.len > 1 ? (uint64_t)a.at[1] << 32 : 0);
    return true;
}

rlab_status
rlab_big_set(rlab_ctx *ctx, rlab_big *out, rlab_limbs a) {
    a = trimmed(a);
    RLAB_TRY(rlab_vec_reserve(ctx, out, a.len + 1));
    if (a.len)
        memmove(out->at, a.at, a.len * sizeof *a.at);
    out->len = a.len;
    return RLAB_OK;
}

rlab_status
rlab_big_set64(rlab_ctx *ctx, rlab_big *out, uint64_t value) {
    RLAB_TRY(rlab_vec_reserve(ctx, out, 2));
    out->at[0] = (uint32_t)value;
    out->at[1] = (uint32_t)(value >> 32);
    out->len = 2;
    trim(out);
    return RLAB_OK;
}

/* Makes room for `len` limbs, the new ones 0. */
static rlab_status
extend(rlab_ctx *ctx, rlab_big *x, size_t len) {
    RLAB_TRY(rlab_vec_reserve(ctx, x, len));
    if (len > x->len) {
        memset(x->at + x->len, 0, (len - x->len) * sizeof *x->at);
        x->len = len;
    }
    return RLAB_OK;
}

rlab_status
rlab_big_add(rlab_ctx *ctx, rlab_big *sum, rlab_limbs a) {
    uint64_t carry = 0;
    RLAB_TRY(extend(ctx, sum, (a.len > sum->len ? a.len : sum->len) + 1));
    for (size_t i = 0; i < sum->len && (i < a.len || carry); i++) {
        carry += (uint64_t)sum->at[i] + (i < a.len ? a.at[i] : 0);
        sum->at[i] = (uint32_t)carry;
        carry >>= 32;
    }
    trim(sum);
    return RLAB_OK;
}

void
rlab_big_sub(rlab_big *x, rlab_limbs a) {
    uint64_t borrow = 0;
    for (size_t i = 0; i < x->len && (i < a.len || borrow); i++) {
        uint64_t take = borrow + (i < a.len ? a.at[i] : 0);
        borrow = x->at[i] < take;
        x->at[i] -= (uint32_t)take;
    }
    trim(x);
}

rlab_status
rlab_big_add_product(rlab_ctx *ctx, rlab_big *sum, rlab_limbs a, rlab_limbs b) {
    size_t len = a.len + b.len;
    if (a.len == 0 || b.len == 0)
        return RLAB_OK;
    RLAB_TRY(extend(ctx, sum, (len > sum->len ? len : sum->len) + 1));
    for (size_t i = 0; i < a.len; i++) {
        uint64_t carry = 0, digit = a.at[i];
        uint32_t *at = sum->at + i;
        for (size_t j = 0; j < b.len; j++) {
            carry += digit * b.at[j] + at[j];
            at[j] = (uint32_t)carry;
            carry >>= 32;
        }
        for (size_t j = b.len; carry; j++) {
            carry += at[j];
            at[j] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    trim(sum);
    return RLAB_OK;
}

/* Divides by one limb. */
static void
divide_short(rlab_big *quotient, rlab_big *x, uint32_t d) {
    uint64_t rest = 0;
    for (size_t i = x->len; i-- > 0;) {
        rest = rest << 32 | x->at[i];
        quotient->at[i] = (uint32_t)(rest / d);
        rest %= d;
    }
    x->at[0] = (uint32_t)rest;
    x->len = 1;
}

/* x[0 .. n] -= digit * d[0 .. n); whether that went below zero. */
static bool
subtract_multiple(uint32_t *x, const uint32_t *d, size_t n, uint64_t digit) {
    uint64_t carry = 0, borrow = 0;
    for (size_t j = 0; j <= n; j++) {
        uint64_t take;
        carry += j < n ? digit * d[j] : 0;
        take = (carry & UINT32_MAX) + borrow;
        borrow = x[j] < take;
        x[j] -= (uint32_t)take;
        carry >>= 32;
    }
    return borrow != 0;
}

static void
add_back(uint32_t *x, const uint32_t *d, size_t n) {
    uint64_t carry = 0;
    for (size_t j = 0; j <= n; j++) {
        carry += (uint64_t)x[j] + (j < n ? d[j] : 0);
        x[j] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void
shift_left(uint32_t *x, size_t n, int bits) {
    for (size_t i = n; bits && i-- > 0;)
        x[i] = x[i] << bits | (i ? x[i - 1] >> (32 - bits) : 0);
}

static void
shift_right(uint32_t *x, size_t n, int bits) {
    for (size_t i = 0; bits && i < n; i++)
        x[i] = x[i] >> bits | (i + 1 < n ? x[i + 1] << (32 - bits) : 0);
}

/* Source: Knuth, The Art of Computer Programming 2, 4.3.1, algorithm D. */
rlab_status
rlab_big_divide(rlab_ctx *ctx, rlab_big *quotient, rlab_big *x, rlab_limbs divisor) {
    rlab_big d = {0};
    rlab_status status;
    size_t n = divisor.len, m;
    int bits = 0;
    assert(n);
    quotient->len = 0;
    if (rlab_big_compare(rlab_big_view(x), divisor) < 0)
        return RLAB_OK;
    RLAB_TRY(extend(ctx, quotient, x->len));
    if (n == 1) {
        divide_short(quotient, x, divisor.at[0]);
        trim(quotient);
        trim(x);
        return RLAB_OK;
    }
    m = x->len - n;
    if ((status = extend(ctx, x, x->len + 1)) || (status = rlab_big_set(ctx, &d, divisor))) {
        rlab_vec_free(&d);
        return status;
    }
    while (!(d.at[n - 1] << bits & UINT32_C(0x80000000)))
        bits++;
    shift_left(d.at, n, bits);
    shift_left(x->at, x->len, bits);
    for (size_t i = m + 1; i-- > 0;) {
        uint64_t top = (uint64_t)x->at[i + n] << 32 | x->at[i + n - 1];
        uint64_t digit = top / d.at[n - 1], rest = top % d.at[n - 1];
        while (digit > UINT32_MAX ||
               (rest <= UINT32_MAX && digit * d.at[n - 2] > (rest << 32 | x->at[i + n - 2]))) {
            digit--;
            rest += d.at[n - 1];
        }
        if (subtract_multiple(x->at + i, d.at, n, digit)) {
            digit--;
            add_back(x->at + i, d.at, n);
        }
        quotient->at[i] = (uint32_t)digit;
    }
    shift_right(x->at, x->len, bits);
    trim(x);
    trim(quotient);
    rlab_vec_free(&d);
    return RLAB_OK;
}

/* ---- random ---------------------------------------------------------------------------------- */

static int
bits_of(rlab_limbs n) {
    int bits = 0;
    if (n.len == 0)
        return 0;
    while (bits < 32 && n.at[n.len - 1] >> bits)
        bits++;
    return bits + 32 * (int)(n.len - 1);
}

static uint32_t
top_mask(int bits) {
    return bits % 32 ? (UINT32_C(1) << bits % 32) - 1 : UINT32_MAX;
}

rlab_status
rlab_big_below(rlab_ctx *ctx, rlab_big *out, rlab_rng *rng, rlab_limbs n) {
    uint64_t small;
    assert(n.len);
    if (rlab_big_fits(n, &small))
        return rlab_big_set64(ctx, out, rlab_rng_below(rng, small));
    out->len = 0;
    RLAB_TRY(extend(ctx, out, n.len));
    do {
        out->len = n.len;
        for (size_t i = 0; i < n.len; i++)
            out->at[i] = rlab_rng_u32(rng);
        out->at[n.len - 1] &= top_mask(bits_of(n));
        trim(out);
    } while (rlab_big_compare(rlab_big_view(out), n) >= 0);
    return RLAB_OK;
}

/* One keyed round: to[0 .. len) ^= F(from), where F is a stream of Philox numbers. */
static void
feistel_round(uint32_t *to, const uint32_t *from, size_t len, uint32_t mask, uint32_t round,
              uint64_t seed, rlab_stream stream, uint64_t index) {
    uint64_t hash = rlab_hash_mix(RLAB_HASH_START, index);
    uint32_t out[4], counter[4];
    for (size_t i = 0; i < len; i++)
        hash = rlab_hash_mix(hash, from[i]);
    for (size_t i = 0; i < len; i++) {
        if (i % 4 == 0) {
            counter[0] = (uint32_t)(i / 4);
            counter[1] = (uint32_t)hash;
            counter[2] = (uint32_t)(hash >> 32);
            counter[3] = (uint32_t)stream << 8 | round | UINT32_C(0xc0000000);
            rlab_philox(out, counter, seed);
        }
        to[i] ^= out[i % 4];
    }
    to[len - 1] &= mask;
}

#define FEISTEL_ROUNDS 6

rlab_status
rlab_big_permute(rlab_ctx *ctx, rlab_big *out, rlab_limbs n, rlab_limbs item, uint64_t seed,
                 rlab_stream stream, uint64_t index) {
    rlab_big halves = {0};
    uint64_t small, at;
    int bits = (bits_of(n) + 1) / 2;
    size_t len = (size_t)(bits + 31) / 32;
    uint32_t *left, *right;
    if (rlab_big_fits(n, &small) && rlab_big_fits(item, &at))
        return rlab_big_set64(ctx, out, rlab_permute(small, at, seed, stream, index));
    RLAB_TRY(rlab_big_set(ctx, out, item));
    RLAB_TRY(extend(ctx, &halves, 2 * len));
    left = halves.at;
    right = halves.at + len;
    do {
        /* The low `bits` bits are the right half, those above them the left one. */
        memset(halves.at, 0, 2 * len * sizeof *halves.at);
        for (int b = 0; b < 32 * (int)out->len; b++)
            if (out->at[b / 32] >> b % 32 & 1)
                (b < bits ? right : left)[(b < bits ? b : b - bits) / 32] |=
                    UINT32_C(1) << (b < bits ? b : b - bits) % 32;
        for (uint32_t round = 0; round < FEISTEL_ROUNDS; round++)
            feistel_round(round % 2 ? right : left, round % 2 ? left : right, len, top_mask(bits),
                          round, seed, stream, index);
        out->len = 0;
        if (extend(ctx, out, 2 * len + 1) != RLAB_OK) {
            rlab_vec_free(&halves);
            return ctx->status;
        }
        for (int b = 0; b < 2 * bits; b++)
            if ((b < bits ? right : left)[(b < bits ? b : b - bits) / 32] >>
                    (b < bits ? b : b - bits) % 32 &
                1)
                out->at[b / 32] |= UINT32_C(1) << b % 32;
        trim(out);
    } while (rlab_big_compare(rlab_big_view(out), n) >= 0);
    rlab_vec_free(&halves);
    return RLAB_OK;
}
