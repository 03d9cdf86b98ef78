/* Random numbers by counter: a number is a function of (seed, stream, index, draw) and nothing
 * else. */
#include "base/base.h"

#include <string.h>

/* Philox4x32-10. Source: Salmon et al. 2011, section 3.4 and table 2 (multipliers and Weyl keys).
 */
void
rlab_philox(uint32_t out[4], const uint32_t counter[4], uint64_t seed) {
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = UINT64_C(0xD2511F53) * c0, p1 = UINT64_C(0xCD9E8D57) * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += UINT32_C(0x9E3779B9);
        k1 += UINT32_C(0xBB67AE85);
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void
rlab_rng_init(rlab_rng *rng, uint64_t seed, rlab_stream stream, uint64_t index) {
    rng->seed = seed;
    rng->counter[0] = 0;
    rng->counter[1] = (uint32_t)index;
    rng->counter[2] = (uint32_t)(index >> 32);
    rng->counter[3] = (uint32_t)stream;
    memset(rng->buffer, 0, sizeof rng->buffer);
    rng->left = 0;
}

uint32_t
rlab_rng_u32(rlab_rng *rng) {
    if (rng->left == 0) {
        rlab_philox(rng->buffer, rng->counter, rng->seed);
        rng->counter[0]++;
        rng->left = 4;
    }
    return rng->buffer[4 - rng->left--];
}

uint64_t
rlab_rng_u64(rlab_rng *rng) {
    uint64_t low = rlab_rng_u32(rng);
    return low | (uint64_t)rlab_rng_u32(rng) << 32;
}

uint64_t
rlab_rng_below(rlab_rng *rng, uint64_t n) {
    /* Values below `skip` = 2^64 mod n would favour small results; draw again. */
    uint64_t skip = (0 - n) % n, x;
    assert(n >= 1);
    do
        x = rlab_rng_u64(rng);
    while (x < skip);
    return x % n;
}

float
rlab_rng_float(rlab_rng *rng) {
    return ((float)(rlab_rng_u32(rng) >> 9) + 0.5f) * 0x1p-23f;
}

float
rlab_rng_normal(rlab_rng *rng) {
    /* The inverse normal distribution function at a uniform p. Source: P. J. Acklam's rational
     * approximation (relative error below 1.15e-9). The tails need a logarithm and a square root,
     * made here from series and Newton steps, so that the C library's version changes no bit. */
    static const double a[6] = {-3.969683028665376e+01, 2.209460984245205e+02,
                                -2.759285104469687e+02, 1.383577518672690e+02,
                                -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[5] = {-5.447609879822406e+01, 1.615858368580409e+02,
                                -1.556989798598866e+02, 6.680131188771972e+01,
                                -1.328068155288572e+01};
    static const double c[6] = {-7.784894002430293e-03, -3.223964580411365e-01,
                                -2.400758277161838e+00, -2.549732539343734e+00,
                                4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[4] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                                3.754408661907416e+00};
    double p = ((double)(rlab_rng_u64(rng) >> 12) + 0.5) * 0x1p-52;
    double side = p < 0.5 ? 1.0 : -1.0, tail = p < 0.5 ? p : 1.0 - p;
    if (tail >= 0.02425) {
        double q = p - 0.5, r = q * q;
        double num = ((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5];
        double den = ((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1.0;
        return (float)(num * q / den);
    } else {
        /* log(tail) = e ln 2 + 2 atanh((m-1)/(m+1)), m in [1, 2). */
        int e = 0;
        double m = tail, z, z2, term, log_tail, q, y;
        while (m < 1.0) {
            m *= 2.0;
            e--;
        }
        z = (m - 1.0) / (m + 1.0);
        z2 = z * z;
        term = z;
        log_tail = 0.0;
        for (int k = 1; k < 40; k += 2) {
            log_tail += term / k;
            term *= z2;
        }
        log_tail = 2.0 * log_tail + e * 0.693147180559945309417;
        /* sqrt(-2 log tail) by Newton from above; converges in a handful of steps. */
        y = -2.0 * log_tail;
        q = y > 1.0 ? y : 1.0;
        for (int k = 0; k < 40; k++)
            q = 0.5 * (q + y / q);
        z = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
            ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1.0);
        return (float)(side * z);
    }
}

/* One keyed round function of the Feistel network. */
static uint64_t
feistel_mix(uint64_t half, uint32_t round, uint64_t seed, rlab_stream stream, uint64_t index) {
    uint32_t out[4], counter[4];
    uint64_t folded = rlab_hash_mix(rlab_hash_mix(RLAB_HASH_START, index), half);
    counter[0] = (uint32_t)half;
    counter[1] = (uint32_t)folded;
    counter[2] = (uint32_t)(folded >> 32);
    counter[3] = (uint32_t)stream << 8 | round | UINT32_C(0x80000000);
    rlab_philox(out, counter, seed);
    return (uint64_t)out[0] | (uint64_t)out[1] << 32;
}

#define FEISTEL_ROUNDS 6

/* Bits of each half of the smallest balanced Feistel domain of at least n. */
static int
feistel_half_bits(uint64_t n) {
    int bits = 1;
    while (bits < 32 && (UINT64_C(1) << (2 * bits)) < n)
        bits++;
    return bits;
}

uint64_t
rlab_permute(uint64_t n, uint64_t i, uint64_t seed, rlab_stream stream, uint64_t index) {
    int bits = feistel_half_bits(n);
    uint64_t mask = bits == 32 ? UINT64_C(0xffffffff) : (UINT64_C(1) << bits) - 1, x = i;
    assert(n >= 1 && i < n);
    do {
        uint64_t left = x >> bits & mask, right = x & mask;
        for (uint32_t round = 0; round < FEISTEL_ROUNDS; round++) {
            uint64_t next = left ^ (feistel_mix(right, round, seed, stream, index) & mask);
            left = right;
            right = next;
        }
        x = left << bits | right;
    } while (x >= n);
    return x;
}

uint64_t
rlab_permute_inverse(uint64_t n, uint64_t i, uint64_t seed, rlab_stream stream, uint64_t index) {
    int bits = feistel_half_bits(n);
    uint64_t mask = bits == 32 ? UINT64_C(0xffffffff) : (UINT64_C(1) << bits) - 1, x = i;
    assert(n >= 1 && i < n);
    do {
        uint64_t left = x >> bits & mask, right = x & mask;
        for (uint32_t round = FEISTEL_ROUNDS; round-- > 0;) {
            uint64_t before = right ^ (feistel_mix(left, round, seed, stream, index) & mask);
            right = left;
            left = before;
        }
        x = left << bits | right;
    } while (x >= n);
    return x;
}
