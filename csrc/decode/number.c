/* Exponential and logarithm in double precision, so that the C library's version changes no bit. */
#include "decode/method.h"

#include <math.h>

static const double LN2 = 0.693147180559945309417;

enum { TERMS = 20 };

/* log(m) for m in [0.5, 1.5] by 2 atanh((m - 1) / (m + 1)), from d = m - 1. */
static double
log_near_one(double d) {
    static const double inverse[TERMS] = {
        1.,      1. / 3,  1. / 5,  1. / 7,  1. / 9,  1. / 11, 1. / 13, 1. / 15, 1. / 17, 1. / 19,
        1. / 21, 1. / 23, 1. / 25, 1. / 27, 1. / 29, 1. / 31, 1. / 33, 1. / 35, 1. / 37, 1. / 39};
    double z = d / (2.0 + d), square = z * z, sum = 0.0;
    for (int k = TERMS - 1; k >= 0; k--)
        sum = sum * square + inverse[k];
    return 2.0 * z * sum;
}

double
rlab_decode_log(double x) {
    int e;
    double m;
    if (!(x > 0.0))
        return x == 0.0 ? -INFINITY : NAN;
    if (isinf(x))
        return x;
    m = 2.0 * frexp(x, &e);
    if (m > 1.4) {
        m *= 0.5;
        e++;
    }
    return log_near_one(m - 1.0) + (e - 1) * LN2;
}

/* exp(r) - 1 for |r| < 0.7 by its series: r (1 + r/2 (1 + r/3 (...))). */
static double
expm1_near_zero(double r) {
    static const double inverse[TERMS] = {
        1.,      1. / 2,  1. / 3,  1. / 4,  1. / 5,  1. / 6,  1. / 7,  1. / 8,  1. / 9,  1. / 10,
        1. / 11, 1. / 12, 1. / 13, 1. / 14, 1. / 15, 1. / 16, 1. / 17, 1. / 18, 1. / 19, 1. / 20};
    double sum = 1.0;
    for (int k = TERMS - 1; k > 0; k--)
        sum = 1.0 + r * inverse[k] * sum;
    return r * sum;
}

double
rlab_decode_exp(double x) {
    /* ln 2 in two parts; the first has zeros at its end, so that its products are exact. */
    static const double high = 0.693147180369123816490, low = 1.90821492927058770002e-10;
    double k;
    if (isnan(x))
        return x;
    if (x > 709.7)
        return INFINITY;
    if (x < -745.2)
        return 0.0;
    k = floor(x / LN2 + 0.5);
    return ldexp(1.0 + expm1_near_zero((x - k * high) - k * low), (int)k);
}

double
rlab_decode_log1p(double x) {
    return fabs(x) < 0.5 ? log_near_one(x) : rlab_decode_log(1.0 + x);
}

double
rlab_decode_log1mexp(double x) {
    if (!(x < 0.0))
        return -INFINITY;
    return x > -LN2 ? rlab_decode_log(-expm1_near_zero(x)) : rlab_decode_log1p(-rlab_decode_exp(x));
}

double
rlab_decode_power(double x, double exponent) {
    if (exponent == 0.0)
        return 1.0;
    return exponent == 1.0 ? x : rlab_decode_exp(exponent * rlab_decode_log(x));
}
