/* Matrix products on register tiles: the kernel that most of a training step is spent in.
 *
 * c[i, j] is, for every shape, transposition, tile and split, the same sequence of operations: k is
 * cut into chunks of KC, a chunk is one chain of multiply-adds from zero in order of k, and the
 * chunks' sums are added to c in order. So no bit depends on what else is computed.
 *
 * b comes in panels of NR columns (packed, or where its rows are contiguous and a few, in place);
 * a is read where it is. Source: K. Goto, R. van de Geijn, "Anatomy of high-performance matrix
 * multiplication" (ACM TOMS 34(3), 2008), for the blocking by cache level. */
#ifndef RLAB_TENSOR_KERNEL_GEMM_INC_H
#define RLAB_TENSOR_KERNEL_GEMM_INC_H

#include "math.inc.h"

#define GEMM_MR 6         /* rows of a register tile */
#define NR (GEMM_NV * VL) /* its columns, and those of a panel */
#define KC 256            /* k of a chunk: part of the result's definition, the same for all */
#define MC (24 * GEMM_MR) /* rows of a whose chunk is a third of a small second-level cache */
/* A transposed a is laid out anew where its rows lie this far apart (a page for every two) and so
 * many columns pay for it; nearer rows are read faster where they are. */
#define GEMM_STRIPS_LDA 512
#define GEMM_STRIPS_COLUMNS 48
/* Floats of a strip; the odd cache line spreads strips over the cache's sets. */
#define GEMM_STRIP (KC * GEMM_MR + 16)
#define GEMM_WORK (KC * NR + (MC / GEMM_MR + 1) * GEMM_STRIP)
/* Packing b costs more than it saves for up to so many rows, and where what lies between the first
 * and the last float of a panel fits the first-level cache. */
#define GEMM_DIRECT_ROWS 12
#define GEMM_DIRECT_SPAN 8192

typedef float vf8 __attribute__((vector_size(32), aligned(4), may_alias));

/* What a tile does to its sums before it stores them, in this order; NULL members are skipped. All
 * point to the tile's first row and column. */
typedef struct tail {
    const float *c, *bias; /* added */
    int relu;
    const float *gate; /* x is 0 where it is not above 0 */
    const float *residual;
    size_t ld_c, ld_bias, ld_gate, ld_residual; /* elements between rows; of the bias 0 */
} tail;

/* acc[i][j] = value for the whole tile, if a member of the tail says so; value sees x = acc[i][j]
 * and AT(name), the member's vector there. */
#define AT(name) vf_load(t->name + (size_t)i * t->ld_##name + j * VL)
#define FINISH_IF(MR, NV, member, value)                                                           \
    if (t->member)                                                                                 \
        UNROLL for (int i = 0; i < MR; i++) UNROLL for (int j = 0; j < NV; j++) {                  \
            const vf x = acc[i][j];                                                                \
            acc[i][j] = (value);                                                                   \
        }

/* acc (MR, NV vectors) = chain over k < kc of a[i, k] b[k, j], then stored to c after the tail.
 * a[i, k] is at a + i * lda + k, or for trans_a at a + k * lda + i. */
#define DEFINE_MICRO(name, MR, NV, TA, FMA)                                                        \
    static void name(size_t kc, const float *a, size_t lda, const float *b, size_t ldb,            \
                     const tail *t, float *c, size_t ldc) {                                        \
        vf acc[MR][NV];                                                                            \
        UNROLL for (int i = 0; i < MR; i++) __builtin_prefetch(c + (size_t)i * ldc, 1);            \
        UNROLL for (int i = 0; i < MR; i++) UNROLL for (int j = 0; j < NV; j++) acc[i][j] =        \
            vf_set1(0.0f);                                                                         \
        _Pragma("GCC unroll 4") for (size_t k = 0; k < kc; k++) {                                  \
            vf bv[NV];                                                                             \
            UNROLL for (int j = 0; j < NV; j++) bv[j] = vf_load(b + j * VL);                       \
            UNROLL for (int i = 0; i < MR; i++) {                                                  \
                const vf av = vf_set1(TA ? a[i] : a[(size_t)i * lda]);                             \
                UNROLL for (int j = 0; j < NV; j++) acc[i][j] = FMA(av, bv[j], acc[i][j]);         \
            }                                                                                      \
            a += TA ? lda : 1;                                                                     \
            b += ldb;                                                                              \
        }                                                                                          \
        if (t) {                                                                                   \
            FINISH_IF(MR, NV, c, AT(c) + x)                                                        \
            FINISH_IF(MR, NV, bias, x + AT(bias))                                                  \
            FINISH_IF(MR, NV, relu, vf_relu(x))                                                    \
            FINISH_IF(MR, NV, gate, vf_sel(vm_lt(vf_set1(0.0f), AT(gate)), x, vf_set1(0.0f)))      \
            FINISH_IF(MR, NV, residual, x + AT(residual))                                          \
        }                                                                                          \
        UNROLL for (int i = 0; i < MR; i++) UNROLL for (int j = 0; j < NV; j++)                    \
            vf_store(c + (size_t)i * ldc + j * VL, acc[i][j]);                                     \
    }

#define DEFINE_MICRO_ROWS(family, NV, TA, FMA)                                                     \
    DEFINE_MICRO(family##_1x##NV##_##TA, 1, NV, TA, FMA)                                           \
    DEFINE_MICRO(family##_2x##NV##_##TA, 2, NV, TA, FMA)                                           \
    DEFINE_MICRO(family##_3x##NV##_##TA, 3, NV, TA, FMA)                                           \
    DEFINE_MICRO(family##_4x##NV##_##TA, 4, NV, TA, FMA)                                           \
    DEFINE_MICRO(family##_5x##NV##_##TA, 5, NV, TA, FMA)                                           \
    DEFINE_MICRO(family##_6x##NV##_##TA, 6, NV, TA, FMA)
#define MICRO_ROWS(family, NV, TA)                                                                 \
    {family##_1x##NV##_##TA, family##_2x##NV##_##TA, family##_3x##NV##_##TA,                       \
     family##_4x##NV##_##TA, family##_5x##NV##_##TA, family##_6x##NV##_##TA}

typedef void micro_fn(size_t kc, const float *a, size_t lda, const float *b, size_t ldb,
                      const tail *t, float *c, size_t ldc);
/* [trans_a][vectors - 1][rows - 1] */
typedef micro_fn *const micro_table[2][GEMM_NV][GEMM_MR];

/* Every shape of tile, made of one multiply-add. */
#if GEMM_NV == 4
#define DEFINE_MICRO_TABLE(family, FMA)                                                            \
    DEFINE_MICRO_ROWS(family, 1, 0, FMA)                                                           \
    DEFINE_MICRO_ROWS(family, 1, 1, FMA)                                                           \
    DEFINE_MICRO_ROWS(family, 2, 0, FMA)                                                           \
    DEFINE_MICRO_ROWS(family, 2, 1, FMA)                                                           \
    DEFINE_MICRO_ROWS(family, 3, 0, FMA)                                                           \
    DEFINE_MICRO_ROWS(family, 3, 1, FMA)                                                           \
    DEFINE_MICRO_ROWS(family, 4, 0, FMA)                                                           \
    DEFINE_MICRO_ROWS(family, 4, 1, FMA)                                                           \
    static micro_table family = {                                                                  \
        {MICRO_ROWS(family, 1, 0), MICRO_ROWS(family, 2, 0), MICRO_ROWS(family, 3, 0),             \
         MICRO_ROWS(family, 4, 0)},                                                                \
        {MICRO_ROWS(family, 1, 1), MICRO_ROWS(family, 2, 1), MICRO_ROWS(family, 3, 1),             \
         MICRO_ROWS(family, 4, 1)},                                                                \
    };
#else
#define DEFINE_MICRO_TABLE(family, FMA)                                                            \
    DEFINE_MICRO_ROWS(family, 1, 0, FMA)                                                           \
    DEFINE_MICRO_ROWS(family, 1, 1, FMA)                                                           \
    DEFINE_MICRO_ROWS(family, 2, 0, FMA)                                                           \
    DEFINE_MICRO_ROWS(family, 2, 1, FMA)                                                           \
    static micro_table family = {{MICRO_ROWS(family, 1, 0), MICRO_ROWS(family, 2, 0)},             \
                                 {MICRO_ROWS(family, 1, 1), MICRO_ROWS(family, 2, 1)}};
#endif

DEFINE_MICRO_TABLE(micro, vf_fma)

/* One call of gemm and the chunk of k it is at, for the functions below. */
typedef struct job {
    size_t m, n, k;
    int trans_a, accumulate;
    float *c;
    size_t ldc;
    const rlab_epilogue *e;
    /* of the chunk: */
    const float *a; /* where row a0 begins, its first k */
    size_t a0, lda;
    const float *strips; /* rows of the current block, laid out by pack_strips, or NULL */
    int add, last;       /* adds to c; is followed by the epilogue */
    int fused;           /* the tiles do the epilogue's work */
    int padded;          /* rows of c have room for whole vectors, which may be overwritten */
} job;

/* Columns of the panel that begins at j0, and the same rounded up to whole vectors. */
INLINE size_t
panel_width(size_t n, size_t j0) {
    return n - j0 < NR ? n - j0 : NR;
}

INLINE size_t
panel_stride(size_t width) {
    return (width + VL - 1) / VL * VL;
}

/* Rows for the next tile: whole tiles, and a rest in two even halves rather than one thin one. */
INLINE size_t
tile_rows(size_t left) {
    if (left <= GEMM_MR)
        return left;
    return left < 2 * GEMM_MR ? (left + 1) / 2 : GEMM_MR;
}

/* The epilogue of rows [i0, i0 + mr), columns [j0, j0 + w), while the tile is in the first-level
 * cache. */
static void
epilogue(const job *g, size_t i0, size_t mr, size_t j0, size_t w) {
    const rlab_epilogue *e = g->e;
    for (size_t i = i0; i < i0 + mr; i++) {
        float *c = g->c + i * g->ldc + j0;
        EACH_VECTOR(w, {
            vf t = vf_load_left(c + p, left, 0.0f);
            if (e->bias)
                t += vf_load_left(e->bias + j0 + p, left, 0.0f);
            if (e->pre)
                vf_store_left(e->pre + i * e->ldpre + j0 + p, left, t);
            t = vf_act(e->act, t);
            if (e->gate)
                t = vf_sel(vm_lt(vf_set1(0.0f),
                                 vf_load_left(e->gate + i * e->ldgate + j0 + p, left, 0.0f)),
                           t, vf_set1(0.0f));
            if (e->residual)
                t += vf_load_left(e->residual + i * e->ldres + j0 + p, left, 0.0f);
            vf_store_left(c + p, left, t);
        });
    }
}

/* One tile whose columns do not fill its vectors: computed aside, then copied. */
static void
tile_ragged(const job *g, micro_fn *fn, size_t kc, const float *a, size_t lda, const float *b,
            size_t ldb, size_t i0, size_t mr, size_t j0, size_t w) {
    float tile[GEMM_MR * NR];
    fn(kc, a, lda, b, ldb, NULL, tile, NR);
    for (size_t i = 0; i < mr; i++) {
        float *c = g->c + (i0 + i) * g->ldc + j0;
        const float *t = tile + i * NR;
        for (size_t j = 0; j < w; j++)
            c[j] = g->add ? c[j] + t[j] : t[j];
    }
}

/* Whether the tiles themselves can do all that an epilogue asks for. */
INLINE int
fits_tail(const rlab_epilogue *e) {
    return !e->pre && (e->act == RLAB_ACT_NONE || e->act == RLAB_ACT_RELU);
}

/* What the tile at (i, j) does; a whole one, of whole vectors. */
INLINE tail
tail_of(const job *g, size_t i, size_t j) {
    const rlab_epilogue *e = g->fused ? g->e : NULL;
    tail t = {.ld_c = g->ldc};
    if (g->add)
        t.c = g->c + i * g->ldc + j;
    if (!e)
        return t;
    t.relu = e->act == RLAB_ACT_RELU;
    t.ld_gate = e->ldgate;
    t.ld_residual = e->ldres;
    if (e->bias)
        t.bias = e->bias + j;
    if (e->gate)
        t.gate = e->gate + i * e->ldgate + j;
    if (e->residual)
        t.residual = e->residual + i * e->ldres + j;
    return t;
}

/* Rows [i0, i1) of the chunk's a times one panel of kc rows, ldb apart: columns from j0. */
static void
panel_product(const job *g, micro_table fns, size_t i0, size_t i1, size_t j0, size_t kc,
              const float *b, size_t ldb) {
    const size_t w = panel_width(g->n, j0), nv = panel_stride(w) / VL;
    const float *strip = g->strips;
    const int whole = w == nv * VL || g->padded, tailed = g->add || g->fused;
    for (size_t i = i0, mr; i < i1; i += mr) {
        mr = tile_rows(i1 - i);
        micro_fn *fn = fns[g->trans_a][nv - 1][mr - 1];
        const float *a = g->trans_a ? g->a + (i - g->a0) : g->a + (i - g->a0) * g->lda;
        size_t lda = g->lda;
        if (strip) {
            a = strip;
            lda = GEMM_MR;
            strip += GEMM_STRIP;
        }
        if (whole && !tailed) {
            fn(kc, a, lda, b, ldb, NULL, g->c + i * g->ldc + j0, g->ldc);
        } else if (whole) {
            const tail t = tail_of(g, i, j0);
            fn(kc, a, lda, b, ldb, &t, g->c + i * g->ldc + j0, g->ldc);
        } else {
            tile_ragged(g, fn, kc, a, lda, b, ldb, i, mr, j0, w);
        }
        if (g->last && g->e && !(whole && g->fused))
            epilogue(g, i, mr, j0, w);
    }
}

/* An empty sum: c = [c] or 0, and the epilogue. */
static void
product_of_nothing(const job *g) {
    for (size_t i = 0; i < g->m; i++)
        for (size_t j = 0; j < g->n; j++)
            g->c[i * g->ldc + j] = g->accumulate ? g->c[i * g->ldc + j] : 0.0f;
    for (size_t j = 0; g->e && j < g->n; j += NR)
        epilogue(g, 0, g->m, j, panel_width(g->n, j));
}

/* ---- packing -------------------------------------------------------------------------------- */

#define PACK_AHEAD 12 /* rows: those of a panel lie too far apart to be foreseen */

/* out (kc, stride) = b[k, j] for b (kc, n) row-major, columns past w zero. */
static void
pack_rows(size_t kc, size_t w, const float *b, size_t ldb, float *out) {
    const size_t stride = panel_stride(w);
    if (w == NR) {
        for (size_t k = 0; k < kc; k++, b += ldb, out += NR) {
            __builtin_prefetch(b + PACK_AHEAD * ldb);
            UNROLL for (int v = 0; v < GEMM_NV; v++) vf_store(out + v * VL, vf_load(b + v * VL));
        }
        return;
    }
    for (size_t k = 0; k < kc; k++, b += ldb, out += stride)
        EACH_VECTOR(w, { vf_store(out + p, vf_load_left(b + p, left, 0.0f)); });
}

#if defined(__SSE2__)
/* out[k, j] = b[j, k] for a 4 x 4 block. */
INLINE void
transpose4(const float *b, size_t ldb, float *out, size_t stride) {
    __m128 r0 = _mm_loadu_ps(b), r1 = _mm_loadu_ps(b + ldb), r2 = _mm_loadu_ps(b + 2 * ldb),
           r3 = _mm_loadu_ps(b + 3 * ldb);
    _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
    _mm_storeu_ps(out, r0);
    _mm_storeu_ps(out + stride, r1);
    _mm_storeu_ps(out + 2 * stride, r2);
    _mm_storeu_ps(out + 3 * stride, r3);
}
#else
INLINE void
transpose4(const float *b, size_t ldb, float *out, size_t stride) {
    for (size_t k = 0; k < 4; k++)
        for (size_t j = 0; j < 4; j++)
            out[k * stride + j] = b[j * ldb + k];
}
#endif

#if defined(__AVX2__)
/* The halves of rows r and r + 4, side by side. */
#define HALVES(r, at)                                                                              \
    _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(b + (r) * ldb + (at))),               \
                         _mm_loadu_ps(b + ((r) + 4) * ldb + (at)), 1)

/* out[k, j] = b[j, k] for 8 columns j and 4 values of k. */
INLINE void
transpose8x4(const float *b, size_t ldb, float *out, size_t stride) {
    __m256 r0 = HALVES(0, 0), r1 = HALVES(1, 0), r2 = HALVES(2, 0), r3 = HALVES(3, 0);
    __m256 t0 = _mm256_unpacklo_ps(r0, r1), t1 = _mm256_unpackhi_ps(r0, r1);
    __m256 t2 = _mm256_unpacklo_ps(r2, r3), t3 = _mm256_unpackhi_ps(r2, r3);
    _mm256_storeu_ps(out, _mm256_shuffle_ps(t0, t2, 0x44));
    _mm256_storeu_ps(out + stride, _mm256_shuffle_ps(t0, t2, 0xee));
    _mm256_storeu_ps(out + 2 * stride, _mm256_shuffle_ps(t1, t3, 0x44));
    _mm256_storeu_ps(out + 3 * stride, _mm256_shuffle_ps(t1, t3, 0xee));
}
#else
INLINE void
transpose8x4(const float *b, size_t ldb, float *out, size_t stride) {
    transpose4(b, ldb, out, stride);
    transpose4(b + 4 * ldb, ldb, out + 4, stride);
}
#endif

/* out (kc, stride) = b[j, k] for b (n, kc) row-major, columns past w zero. */
static void
pack_columns(size_t kc, size_t w, const float *b, size_t ldb, float *out) {
    const size_t stride = panel_stride(w);
    size_t j = 0;
    for (; j + 8 <= w; j += 8) {
        size_t k = 0;
        for (; k + 4 <= kc; k += 4)
            transpose8x4(b + j * ldb + k, ldb, out + k * stride + j, stride);
        for (; k < kc; k++)
            for (size_t jj = j; jj < j + 8; jj++)
                out[k * stride + jj] = b[jj * ldb + k];
    }
    for (; j < stride; j++)
        for (size_t k = 0; k < kc; k++)
            out[k * stride + j] = j < w ? b[j * ldb + k] : 0.0f;
}

static void
pack_panel(int trans_b, size_t kc, size_t w, const float *b, size_t ldb, float *out) {
    if (trans_b)
        pack_columns(kc, w, b, ldb, out);
    else
        pack_rows(kc, w, b, ldb, out);
}

static size_t
gemm_pack_size(size_t n, size_t k) {
    return n / NR * NR * k + panel_stride(n % NR) * k;
}

/* Panels one after another, each (k, stride). */
static void
gemm_pack(int trans_b, size_t n, size_t k, const float *b, size_t ldb, float *packed) {
    for (size_t j = 0; j < n; j += NR)
        pack_panel(trans_b, k, panel_width(n, j), trans_b ? b + j * ldb : b + j, ldb,
                   packed + j * k);
}

/* ---- the products --------------------------------------------------------------------------- */

/* Sets the chunk that begins at k0, of a stored lda apart; returns how much of k it has. */
INLINE size_t
set_chunk(job *g, const float *a, size_t lda, size_t k0) {
    const size_t kc = g->k - k0 < KC ? g->k - k0 : KC;
    g->a = g->trans_a ? a + k0 * lda : a + k0;
    g->lda = lda;
    g->add = g->accumulate || k0 > 0;
    g->last = k0 + kc == g->k;
    g->fused = g->last && g->e && fits_tail(g->e);
    return kc;
}

static void
gemm_packed(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed,
            int accumulate, float *c, size_t ldc, const rlab_epilogue *e, float *work) {
    job g = {.m = m, .n = n, .k = k, .accumulate = accumulate, .c = c, .ldc = ldc, .e = e};
    (void)work;
    if (k == 0)
        product_of_nothing(&g);
    for (size_t i = 0; i < m; i += MC) {
        const size_t i1 = m - i < MC ? m : i + MC;
        for (size_t k0 = 0; k0 < k; k0 += KC) {
            const size_t kc = set_chunk(&g, a, lda, k0);
            for (size_t j = 0; j < n; j += NR) {
                const size_t stride = panel_stride(panel_width(n, j));
                panel_product(&g, micro, i, i1, j, kc, packed + j * k + k0 * stride, stride);
            }
        }
    }
}

/* Rows [i0, i1) times chunk [k0, k0 + kc) of b (k, n), or (n, k) for trans_b, panel by panel
 * through work (KC * NR floats). */
static void
chunk_product(const job *g, int trans_b, size_t i0, size_t i1, size_t k0, size_t kc, const float *b,
              size_t ldb, float *work) {
    for (size_t j = 0; j < g->n; j += NR) {
        const size_t w = panel_width(g->n, j);
        const float *panel = trans_b ? b + j * ldb + k0 : b + k0 * ldb + j;
        if (!trans_b && w % VL == 0 &&
            (i1 - i0 <= GEMM_DIRECT_ROWS || kc * ldb <= GEMM_DIRECT_SPAN)) {
            panel_product(g, micro, i0, i1, j, kc, panel, ldb);
        } else {
            pack_panel(trans_b, kc, w, panel, ldb, work);
            panel_product(g, micro, i0, i1, j, kc, work, panel_stride(w));
        }
    }
}

/* Lays rows [i0, i1) of the chunk of a transposed a out in strips of a tile's rows, each (kc,
 * GEMM_MR), so that a tile no longer reads a part of a cache line for each k. Changes no bit. */
static void
pack_strips(const job *g, size_t i0, size_t i1, size_t kc, float *strips) {
    for (size_t k = 0; k < kc; k++) {
        const float *a = g->a + k * g->lda;
        float *out = strips + k * GEMM_MR;
        for (size_t i = i0, mr; i < i1; i += mr, out += GEMM_STRIP) {
            mr = tile_rows(i1 - i);
            /* Two floats too many: the next k overwrites them, or they lie past the strip's end. */
            if (i1 - i >= 8) {
                vf8 t = *(const vf8 *)(a + i);
                *(vf8 *)out = t;
            } else {
                for (size_t r = 0; r < mr; r++)
                    out[r] = a[i + r];
            }
        }
    }
}

static void
run_gemm(job *g, rlab_trans trans, const float *a, size_t lda, const float *b, size_t ldb,
         float *work) {
    g->trans_a = trans == RLAB_TN;
    if (g->k == 0)
        product_of_nothing(g);
    for (size_t i = 0; i < g->m; i += MC) {
        const size_t i1 = g->m - i < MC ? g->m : i + MC;
        for (size_t k0 = 0; k0 < g->k; k0 += KC) {
            const size_t kc = set_chunk(g, a, lda, k0);
            if (g->trans_a && lda >= GEMM_STRIPS_LDA && g->n >= GEMM_STRIPS_COLUMNS) {
                g->strips = work + KC * NR;
                pack_strips(g, i, i1, kc, work + KC * NR);
            }
            chunk_product(g, trans == RLAB_NT, i, i1, k0, kc, b, ldb, work);
        }
    }
}

static void
gemm(rlab_trans trans, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
     size_t ldb, int accumulate, float *c, size_t ldc, const rlab_epilogue *e, float *work) {
    job g = {.m = m, .n = n, .k = k, .accumulate = accumulate, .c = c, .ldc = ldc, .e = e};
    run_gemm(&g, trans, a, lda, b, ldb, work);
}

/* c = a b^T, where ldc is whole vectors and what follows a row of c may be overwritten. */
static void
gemm_padded(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
            float *c, size_t ldc, float *work) {
    job g = {.m = m, .n = n, .k = k, .c = c, .ldc = ldc, .padded = 1};
    run_gemm(&g, RLAB_NT, a, lda, b, ldb, work);
}

#endif
