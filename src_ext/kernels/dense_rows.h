/* Dense rows of float64, float32 or bytes. */

/* Design
 *
 * (a) Each function is written once, for a constant size of the stored numbers; the table at the end makes three storages of it.
 * (b) Rows are worked on in fours, one row from each quarter of the chunk: four streams, each of rows that follow one another.
 *     A processor fetches ahead for each stream that it sees, so four bring more than one: 160 MB as 200,000 rows of 100 took
 *     10.8 ms as one stream, whose gradients were added four rows at a time from the cache, and 6.9 ms as four; a plain sum of
 *     one stream took 7.4 ms. Four rows that follow one another, side by side, are no such streams: 17 ms.
 * (c) One output after the other, as long as there are few of them or rows are short. The four rows meet each weight at the same
 *     time. Up to sixteen weights, and the gradient's numbers, stay in registers.
 * (d) Rows from LONG_ROW numbers on leave the first-level cache before their gradients are added. Meanwhile no memory would be
 *     read, so the logits of the next block are summed in the same loop: 20,000 rows of 1,000 took 8.6 ms without, 7.8 ms so; of
 *     float32 5.8 ms and 5.2 ms. For shorter rows that is slower. Fetching ahead by hand made all of these slower.
 * (e) Many outputs over longer rows use the tiles of tiles.h, over a copy of the block in float64, padded to whole vectors: every
 *     number is used as often as there are outputs, twice. The copy reads four streams too: 12,000 rows of 784 float32 and ten
 *     outputs took 18.3 ms from one stream with the next block prefetched by hand, 15.0 ms so.
 * (f) Listed rows, and rows with offsets, are copied too; the loops then read the copy.
 * (g) Whole vectors are read, beyond the ends of rows too: there the next row or zeros begin. In logits these numbers meet
 *     weights of 0, so only a number that is not finite could do harm; in short gradients they fall into sums that nobody reads. */

#pragma once

#include <string.h>

#include "rows.h"
#include "tiles.h"

#define SHORT_VECTORS 4  /* rows of up to 16 numbers: their weights and gradient stay in registers */
#define LONG_ROW 256     /* numbers */
#define STRIP 192        /* columns */
#define MOMENT_ROWS 4    /* rows that are added at a time */

ALWAYS_INLINE ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
ALWAYS_INLINE ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* n numbers padded to whole vectors. */
ALWAYS_INLINE ptrdiff_t padded(ptrdiff_t n) { return (n + LANES - 1) / LANES * LANES; }

static int is_tiled(ptrdiff_t n_columns, ptrdiff_t n_outputs) { return n_outputs >= 4 && n_columns >= 24; }

static int is_copied(const Block *block)
{
    return block->listed || block->rows->offsets || is_tiled(block->rows->n_columns, block->n_outputs);
}

/* The stride of copied rows: an odd number of cache lines, so that 64 rows map to 64 different cache sets. */
static ptrdiff_t copy_step(ptrdiff_t n) { return (n + 7) / 8 * 8 | 8; }

/* How many numbers a block's workspace needs: the copy and the partial sums of tiles; for a Hessian its two factors as well,
 * which must be 0 at first, so that the padding of their rows is. */
static ptrdiff_t block_workspace(ptrdiff_t n_columns, ptrdiff_t n_outputs, ptrdiff_t count)
{
    return padded(count) * (copy_step(n_columns) + n_outputs * LANES);
}

static ptrdiff_t hessian_workspace(ptrdiff_t n_columns, ptrdiff_t n_outputs, ptrdiff_t width, ptrdiff_t count)
{
    return block_workspace(n_columns, n_outputs, count) + 2 * count * padded(width);
}

static const char *stored_row(int size, const Block *block, ptrdiff_t i)
{
    return block->rows->memory + row_of(block, i) * block->rows->n_columns * size;
}

/* Copy the rows as float64, less their offsets, copy_step apart, padded with zeros, and rows of zeros to a multiple of four. */
ALWAYS_INLINE void copy_rows(int size, const Block *block)
{
    ptrdiff_t n = block->rows->n_columns, step = copy_step(n), count = block->count;
    const double *offsets = block->rows->offsets;
    for (ptrdiff_t i = 0; i < count; i += 4) {
        const char *row0 = stored_row(size, block, i), *row1 = i + 1 < count ? stored_row(size, block, i + 1) : row0;
        const char *row2 = i + 2 < count ? stored_row(size, block, i + 2) : row0;
        const char *row3 = i + 3 < count ? stored_row(size, block, i + 3) : row0;
        double *copy = block->workspace + i * step;
        ptrdiff_t j = 0;
        for (; j + LANES <= n; j += LANES) {
            store(copy + j, load_stored(size, row0, j));
            store(copy + step + j, load_stored(size, row1, j));
            store(copy + 2 * step + j, load_stored(size, row2, j));
            store(copy + 3 * step + j, load_stored(size, row3, j));
        }
        for (; j < n; j++) {
            copy[j] = number_at(size, row0, j);
            copy[step + j] = number_at(size, row1, j);
            copy[2 * step + j] = number_at(size, row2, j);
            copy[3 * step + j] = number_at(size, row3, j);
        }
        for (int r = 0; r < 4; r++, copy += step) {
            if (offsets)
                for (j = 0; j < n; j++)
                    copy[j] -= offsets[j];
            for (j = n; j < step; j++)
                copy[j] = 0.0;
        }
    }
    memset(block->workspace + block->count * step, 0, (padded(block->count) - block->count) * step * sizeof(double));
}

/* Where four rows at a time are read: each four begins `advance` bytes after the last, its rows `spread` bytes apart. From the
 * first on, `readable` bytes may be read. */
typedef struct {
    const char *first;
    ptrdiff_t count, advance, spread, readable;
} Fours;

static Fours fours_of(int size, const Block *block)
{
    ptrdiff_t length = block->rows->n_columns * size;
    Fours fours = {block->rows->memory + block->first * length, block->count, block->advance * length, block->spread * length,
                   (block->rows->n_rows - block->first) * length};
    return fours;
}

/* The same for a block that copy_rows has copied. */
static Fours fours_of_copy(const Block *block)
{
    ptrdiff_t length = copy_step(block->rows->n_columns) * sizeof(double);
    Fours fours = {(const char *)block->workspace, block->count, 4 * length, length, padded(block->count) * length};
    return fours;
}

ALWAYS_INLINE const char *row_in_fours(Fours fours, ptrdiff_t i) { return fours.first + i / 4 * fours.advance + i % 4 * fours.spread; }

/* Whether there is a whole four from row i on, of whose rows `bytes` each may be read. */
ALWAYS_INLINE int is_readable(Fours fours, ptrdiff_t i, ptrdiff_t bytes)
{
    return i + 4 <= fours.count && i / 4 * fours.advance + 3 * fours.spread + bytes <= fours.readable;
}

/* The rows from i on, a multiple of 4. */
static Fours fours_from(Fours fours, ptrdiff_t i)
{
    ptrdiff_t bytes = i / 4 * fours.advance;
    Fours rest = {fours.first + bytes, fours.count - i, fours.advance, fours.spread, fours.readable - bytes};
    return rest;
}

/* Logits of one output. */

ALWAYS_INLINE double4 products_of_short_row(int size, int vectors, const char *row, const double4 *weights)
{
    double4 low = mul(load_stored(size, row, 0), weights[0]), high;
    if (vectors == 1)
        return low;
    high = mul(load_stored(size, row, 4), weights[1]);
    if (vectors > 2)
        low = add_product(low, load_stored(size, row, 8), weights[2]);
    if (vectors > 3)
        high = add_product(high, load_stored(size, row, 12), weights[3]);
    return add(low, high);
}

/* Logits of the leading rows, of up to four vectors each; returns how many. Reads of the last rows would overrun. */
ALWAYS_INLINE ptrdiff_t logits_of_short_rows(int size, int vectors, Fours fours, const double *weights, double *logits)
{
    double4 kept[SHORT_VECTORS];
    ptrdiff_t i = 0;
    for (int v = 0; v < vectors; v++)
        kept[v] = load(weights + v * LANES);
    for (; is_readable(fours, i, vectors * LANES * size); i += 4) {
        const char *row = fours.first + i / 4 * fours.advance;
        double4 sum = sum_each_of_four(products_of_short_row(size, vectors, row, kept),
                                       products_of_short_row(size, vectors, row + fours.spread, kept),
                                       products_of_short_row(size, vectors, row + 2 * fours.spread, kept),
                                       products_of_short_row(size, vectors, row + 3 * fours.spread, kept));
        store(logits + i, add(sum, broadcast(0)));  /* `dot` begins with 0, which makes 0 of -0 */
    }
    return i;
}

/* The products of four rows and the weights from column j on, added to four partial sums of each row. */
#define ADD_PRODUCTS(sums, j)                                      \
    w = load(weights + (j));                                       \
    sums[0] = add_product(sums[0], load_stored(size, row0, j), w); \
    sums[1] = add_product(sums[1], load_stored(size, row1, j), w); \
    sums[2] = add_product(sums[2], load_stored(size, row2, j), w); \
    sums[3] = add_product(sums[3], load_stored(size, row3, j), w)

/* The same for rows of any length. */
ALWAYS_INLINE ptrdiff_t logits_of_long_rows(int size, Fours fours, const double *weights, ptrdiff_t n, double *logits)
{
    ptrdiff_t i = 0;
    for (; is_readable(fours, i, padded(n) * size); i += 4) {
        const char *row0 = fours.first + i / 4 * fours.advance, *row1 = row0 + fours.spread, *row2 = row1 + fours.spread;
        const char *row3 = row2 + fours.spread;
        double4 low[4], high[4], w;
        ptrdiff_t j = 0;
        for (int r = 0; r < 4; r++)
            low[r] = high[r] = broadcast(0);
        for (; j + 8 <= n; j += 8) {
            ADD_PRODUCTS(low, j);
            ADD_PRODUCTS(high, j + 4);
        }
        if (j < n) {
            ADD_PRODUCTS(low, j);
        }
        if (j + 4 < n) {
            ADD_PRODUCTS(high, j + 4);
        }
        store(logits + i, sum_each_of_four(add(low[0], high[0]), add(low[1], high[1]), add(low[2], high[2]),
                                           add(low[3], high[3])));
    }
    return i;
}

ALWAYS_INLINE void logits_of_one_output(int size, Fours fours, const double *weights, ptrdiff_t n, double *logits)
{
    ptrdiff_t i = 0;
    if (size == 1 || n > SHORT_VECTORS * LANES)
        i = logits_of_long_rows(size, fours, weights, n, logits);
    else if (n > 3 * LANES)
        i = logits_of_short_rows(size, 4, fours, weights, logits);
    else if (n > 2 * LANES)
        i = logits_of_short_rows(size, 3, fours, weights, logits);
    else if (n > LANES)
        i = logits_of_short_rows(size, 2, fours, weights, logits);
    else
        i = logits_of_short_rows(size, 1, fours, weights, logits);
    for (; i < fours.count; i++)
        logits[i] = dot_of_size(size, row_in_fours(fours, i), weights, n);
}

/* The gradient of one output, four rows at a time. */

/* (row0 · g0 + row1 · g1) + (row2 · g2 + row3 · g3), four numbers of it. */
ALWAYS_INLINE double4 four_rows_at(
    int size, const char *row0, const char *row1, const char *row2, const char *row3, const double *g, ptrdiff_t j)
{
    double4 first = add_product(
        mul(load_stored(size, row0, j), broadcast(g[0])), load_stored(size, row1, j), broadcast(g[1]));
    double4 second = add_product(
        mul(load_stored(size, row2, j), broadcast(g[2])), load_stored(size, row3, j), broadcast(g[3]));
    return add(first, second);
}

/* The first of the rows, of up to four vectors, added to a gradient that stays in registers; returns how many. */
ALWAYS_INLINE ptrdiff_t add_short_rows(
    int size, int vectors, double *total, Fours fours, const double *gradients, ptrdiff_t n)
{
    double filled[SHORT_VECTORS * LANES] = {0};
    double4 kept[SHORT_VECTORS];
    ptrdiff_t i = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        filled[j] = total[j];
    for (int v = 0; v < vectors; v++)
        kept[v] = load(filled + v * LANES);
    for (; is_readable(fours, i, vectors * LANES * size); i += 4) {
        const char *row0 = fours.first + i / 4 * fours.advance, *row1 = row0 + fours.spread, *row2 = row1 + fours.spread;
        const char *row3 = row2 + fours.spread;
        const double g[4] = {gradients[i], gradients[i + 1], gradients[i + 2], gradients[i + 3]};
        for (int v = 0; v < vectors; v++)
            kept[v] = add(kept[v], four_rows_at(size, row0, row1, row2, row3, g, v * LANES));
    }
    for (int v = 0; v < vectors; v++)
        store(filled + v * LANES, kept[v]);
    for (ptrdiff_t j = 0; j < n; j++)
        total[j] = filled[j];
    return i;
}

ALWAYS_INLINE void add_gradient_of_one_output(
    int size, double *RESTRICT total, Fours fours, const double *gradients, ptrdiff_t n)
{
    ptrdiff_t i = 0;
    if (size == 1 || n > SHORT_VECTORS * LANES)
        ;
    else if (n > 3 * LANES)
        i = add_short_rows(size, 4, total, fours, gradients, n);
    else if (n > 2 * LANES)
        i = add_short_rows(size, 3, total, fours, gradients, n);
    else if (n > LANES)
        i = add_short_rows(size, 2, total, fours, gradients, n);
    else
        i = add_short_rows(size, 1, total, fours, gradients, n);
    for (; i + 4 <= fours.count; i += 4) {
        const char *row0 = fours.first + i / 4 * fours.advance, *row1 = row0 + fours.spread, *row2 = row1 + fours.spread;
        const char *row3 = row2 + fours.spread;
        const double g[4] = {gradients[i], gradients[i + 1], gradients[i + 2], gradients[i + 3]};
        ptrdiff_t j = 0;
        for (; j + LANES <= n; j += LANES)
            store(total + j, add(load(total + j), four_rows_at(size, row0, row1, row2, row3, g, j)));
        for (; j < n; j++)
            total[j] += (number_at(size, row0, j) * g[0] + number_at(size, row1, j) * g[1])
                + (number_at(size, row2, j) * g[2] + number_at(size, row3, j) * g[3]);
    }
    for (; i < fours.count; i++)
        for (ptrdiff_t j = 0; j < n; j++)
            total[j] += number_at(size, row_in_fours(fours, i), j) * gradients[i];
}

/* The gradient of as many fours of long rows as both blocks have, while the logits of the next block's are summed; returns the
 * number of rows. */
ALWAYS_INLINE ptrdiff_t add_long_rows_and_logits(
    int size, double *RESTRICT total, Fours fours, const double *gradients, Fours next, const double *weights, ptrdiff_t n,
    double *logits)
{
    ptrdiff_t i = 0;
    for (; i + 4 <= fours.count && is_readable(next, i, padded(n) * size); i += 4) {
        const char *own0 = fours.first + i / 4 * fours.advance, *own1 = own0 + fours.spread, *own2 = own1 + fours.spread;
        const char *own3 = own2 + fours.spread;
        const char *row0 = next.first + i / 4 * next.advance, *row1 = row0 + next.spread, *row2 = row1 + next.spread;
        const char *row3 = row2 + next.spread;
        const double g[4] = {gradients[i], gradients[i + 1], gradients[i + 2], gradients[i + 3]};
        double4 low[4], high[4], w;
        ptrdiff_t j = 0;
        for (int r = 0; r < 4; r++)
            low[r] = high[r] = broadcast(0);
        for (; j + 8 <= n; j += 8) {
            ADD_PRODUCTS(low, j);
            store(total + j, add(load(total + j), four_rows_at(size, own0, own1, own2, own3, g, j)));
            ADD_PRODUCTS(high, j + 4);
            store(total + j + 4, add(load(total + j + 4), four_rows_at(size, own0, own1, own2, own3, g, j + 4)));
        }
        if (j < n) {
            ADD_PRODUCTS(low, j);
        }
        if (j + 4 < n) {
            ADD_PRODUCTS(high, j + 4);
        }
        store(logits + i, sum_each_of_four(add(low[0], high[0]), add(low[1], high[1]), add(low[2], high[2]),
                                           add(low[3], high[3])));
        for (; j < n; j++)
            total[j] += (number_at(size, own0, j) * g[0] + number_at(size, own1, j) * g[1])
                + (number_at(size, own2, j) * g[2] + number_at(size, own3, j) * g[3]);
    }
    return i;
}

/* The functions. */

static void logits_by_tiles(const Block *block, const double *weights, double *logits, ptrdiff_t stride)
{
    ptrdiff_t n = block->rows->n_columns, k = block->n_outputs, step = copy_step(n), rows = padded(block->count);
    double *partial = block->workspace + rows * step;
    for (ptrdiff_t column = 0, columns; column < padded(n); column += columns) {
        columns = smaller(STRIP, padded(n) - column);
        for (ptrdiff_t i = 0; i < rows; i += 4) {
            if (is_interrupted(block->watch, 4 * columns * k))
                return;
            tiled_logits(block->workspace + i * step + column, step, weights + column, padded(n), columns, k,
                         partial + i * k * LANES, column == 0, column + columns == padded(n), logits + i, stride);
        }
    }
}

static void add_gradient_by_tiles(const Block *block, const double *gradients, ptrdiff_t stride, double *total)
{
    ptrdiff_t n = block->rows->n_columns, k = block->n_outputs;
    for (ptrdiff_t j = 0; j < padded(n); j += TILE_VECTORS * LANES) {
        int vectors = (int)smaller(TILE_VECTORS, (padded(n) - j) / LANES);
        for (ptrdiff_t c = 0; c < k && !is_interrupted(block->watch, TILE_ROWS * vectors * LANES * block->count); c += TILE_ROWS)
            tile((int)smaller(TILE_ROWS, k - c), vectors, gradients + c * stride, stride, 1, block->workspace + j, copy_step(n),
                 block->count, total + c * padded(n) + j, padded(n));
    }
}

/* own = (row, 1) and scaled = own · factor, width numbers each; the 1 only if width > n. */
ALWAYS_INLINE void scale_row(
    int size, const char *row, ptrdiff_t n, ptrdiff_t width, double factor, double *RESTRICT own, double *RESTRICT scaled)
{
    ptrdiff_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        double4 values = load_stored(size, row, j);
        store(own + j, values);
        store(scaled + j, mul(values, broadcast(factor)));
    }
    for (; j < n; j++) {
        own[j] = number_at(size, row, j);
        scaled[j] = own[j] * factor;
    }
    if (width > n)
        own[n] = 1.0, scaled[n] = factor;
}

ALWAYS_INLINE void add_hessian_of_size(int size, const Block *block, const double *curvatures, ptrdiff_t width, double *total)
{
    ptrdiff_t n = block->rows->n_columns, wide = padded(width), step = copy_step(n);
    double *left = block->workspace + block_workspace(n, block->n_outputs, block->count);
    double *right = left + block->count * wide;
    for (ptrdiff_t i = 0; i < block->count; i++)
        if (is_copied(block))
            scale_row(8, (const char *)(block->workspace + i * step), n, width, curvatures[i], left + i * wide, right + i * wide);
        else
            scale_row(size, stored_row(size, block, i), n, width, curvatures[i], left + i * wide, right + i * wide);
    for (ptrdiff_t c = 0; c < wide; c += TILE_VECTORS * LANES) {
        int vectors = (int)smaller(TILE_VECTORS, (wide - c) / LANES);
        if (is_interrupted(block->watch, (wide - c) * vectors * LANES * block->count))
            return;
        for (ptrdiff_t j = c / TILE_ROWS * TILE_ROWS; j < wide; j += TILE_ROWS)
            tile(TILE_ROWS, vectors, right + j, 1, wide, left + c, wide, block->count, total + j * wide + c, wide);
    }
}

ALWAYS_INLINE void add_magnitudes_of_size(
    int size, const Block *block, const double *magnitudes, ptrdiff_t stride, double *total)
{
    ptrdiff_t n = block->rows->n_columns;
    const double *offsets = block->rows->offsets;
    for (ptrdiff_t c = 0; c < block->n_outputs; c++)
        for (ptrdiff_t i = 0; i < block->count; i++) {
            const char *row = stored_row(size, block, i);
            double magnitude = magnitudes[c * stride + i];
            double *RESTRICT own = total + c * padded(n);
            for (ptrdiff_t j = 0; j < n; j++)
                own[j] += magnitude * fabs(number_at(size, row, j) - offsets[j]);
        }
}

ALWAYS_INLINE void add_moments_of_size(int size, const Block *block, const double *weights, double *part)
{
    ptrdiff_t n = block->rows->n_columns, i = 0;
    const double *offsets = block->rows->offsets;
    double *RESTRICT sums = part + 1;
    double *RESTRICT squares = part + 1 + n;
    if (!weights)
        for (; i + MOMENT_ROWS <= block->count; i += MOMENT_ROWS) {
            const char *row0 = stored_row(size, block, i), *row1 = stored_row(size, block, i + 1);
            const char *row2 = stored_row(size, block, i + 2), *row3 = stored_row(size, block, i + 3);
            part[0] += MOMENT_ROWS;
            for (ptrdiff_t j = 0; j < n; j++) {
                double d0 = number_at(size, row0, j) - offsets[j], d1 = number_at(size, row1, j) - offsets[j];
                double d2 = number_at(size, row2, j) - offsets[j], d3 = number_at(size, row3, j) - offsets[j];
                sums[j] += (d0 + d1) + (d2 + d3);
                squares[j] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3);
            }
        }
    for (; i < block->count; i++) {
        const char *row = stored_row(size, block, i);
        double weight = weights ? weights[row_of(block, i)] : 1.0;
        part[0] += weight;
        for (ptrdiff_t j = 0; j < n; j++) {
            double d = number_at(size, row, j) - offsets[j];
            sums[j] += weight * d;
            squares[j] += weight * (d * d);
        }
    }
}

ALWAYS_INLINE void squared_distances_of_size(int size, const Block *block, const double *inverse_scales, double *distances)
{
    ptrdiff_t n = block->rows->n_columns;
    const double *offsets = block->rows->offsets;
    for (ptrdiff_t i = 0; i < block->count; i++) {
        const char *row = stored_row(size, block, i);
        double s[8];
        double4 low = broadcast(0), high = broadcast(0), d;
        ptrdiff_t j = 0;
        for (; j + 8 <= n; j += 8) {
            d = mul(sub(load_stored(size, row, j), load(offsets + j)), load(inverse_scales + j));
            low = add_product(low, d, d);
            d = mul(sub(load_stored(size, row, j + 4), load(offsets + j + 4)), load(inverse_scales + j + 4));
            high = add_product(high, d, d);
        }
        store(s, low), store(s + 4, high);
        for (ptrdiff_t l = 0; j + l < n; l++) {
            double distance = (number_at(size, row, j + l) - offsets[j + l]) * inverse_scales[j + l];
            s[l] += distance * distance;
        }
        distances[i] = sum_of_eight(s);
    }
}

ALWAYS_INLINE void columns_of_size(
    int size, const Block *block, ptrdiff_t first, ptrdiff_t last, double *RESTRICT values, ptrdiff_t stride)
{
    const double *offsets = block->rows->offsets;
    for (ptrdiff_t i = 0; i < block->count; i++) {
        const char *row = stored_row(size, block, i);
        for (ptrdiff_t j = first; j < last; j++)
            values[(j - first) * stride + i] = number_at(size, row, j) - (offsets ? offsets[j] : 0.0);
    }
}

/* For one storage. If a block was copied, its logits and gradients are those of float64 rows. */
#define DENSE_ROWS(name, size)                                                                                              \
    NEVER_INLINE void name##_logits_of_one_output(Fours fours, const double *weights, ptrdiff_t n, double *logits)          \
    {                                                                                                                       \
        logits_of_one_output(size, fours, weights, n, logits);                                                              \
    }                                                                                                                       \
    NEVER_INLINE void name##_add_gradient_of_one_output(double *total, Fours fours, const double *gradients, ptrdiff_t n)   \
    {                                                                                                                       \
        add_gradient_of_one_output(size, total, fours, gradients, n);                                                       \
    }                                                                                                                       \
    static void name##_load(const Block *block)                                                                             \
    {                                                                                                                       \
        if (is_copied(block))                                                                                               \
            copy_rows(size, block);                                                                                         \
    }                                                                                                                       \
    static void name##_logits(const Block *block, const double *weights, double *logits, ptrdiff_t stride)                  \
    {                                                                                                                       \
        ptrdiff_t n = block->rows->n_columns;                                                                               \
        name##_load(block);                                                                                                 \
        if (is_tiled(n, block->n_outputs))                                                                                  \
            logits_by_tiles(block, weights, logits, stride);                                                                \
        else                                                                                                                \
            for (ptrdiff_t c = 0; c < block->n_outputs; c++, weights += padded(n), logits += stride)                        \
                if (is_copied(block))                                                                                       \
                    float64_logits_of_one_output(fours_of_copy(block), weights, n, logits);                                 \
                else                                                                                                        \
                    name##_logits_of_one_output(fours_of(size, block), weights, n, logits);                                 \
    }                                                                                                                       \
    static void name##_add_gradient(const Block *block, const double *gradients, ptrdiff_t stride, double *total)           \
    {                                                                                                                       \
        ptrdiff_t n = block->rows->n_columns;                                                                               \
        if (is_tiled(n, block->n_outputs))                                                                                  \
            add_gradient_by_tiles(block, gradients, stride, total);                                                         \
        else                                                                                                                \
            for (ptrdiff_t c = 0; c < block->n_outputs; c++, total += padded(n), gradients += stride)                       \
                if (is_copied(block))                                                                                       \
                    float64_add_gradient_of_one_output(total, fours_of_copy(block), gradients, n);                          \
                else                                                                                                        \
                    name##_add_gradient_of_one_output(total, fours_of(size, block), gradients, n);                          \
    }                                                                                                                       \
    static void name##_add_gradient_and_logits(                                                                             \
        const Block *block, const double *gradients, ptrdiff_t stride, double *total, const Block *next,                    \
        const double *weights, double *logits)                                                                              \
    {                                                                                                                       \
        ptrdiff_t n = block->rows->n_columns, i;                                                                            \
        if (block->n_outputs == 1 && n >= LONG_ROW && !is_copied(block)) {                                                  \
            Fours fours = fours_of(size, block), others = fours_of(size, next);                                             \
            i = add_long_rows_and_logits(size, total, fours, gradients, others, weights, n, logits);                        \
            name##_add_gradient_of_one_output(total, fours_from(fours, i), gradients + i, n);                               \
            name##_logits_of_one_output(fours_from(others, i), weights, n, logits + i);                                     \
        } else {                                                                                                            \
            name##_add_gradient(block, gradients, stride, total);                                                           \
            if (next->count > 0)                                                                                            \
                name##_logits(next, weights, logits, stride);                                                               \
        }                                                                                                                   \
    }                                                                                                                       \
    static void name##_add_hessian(const Block *block, const double *curvatures, ptrdiff_t width, double *total)            \
    {                                                                                                                       \
        add_hessian_of_size(size, block, curvatures, width, total);                                                         \
    }                                                                                                                       \
    static void name##_add_magnitudes(const Block *block, const double *magnitudes, ptrdiff_t stride, double *total)        \
    {                                                                                                                       \
        add_magnitudes_of_size(size, block, magnitudes, stride, total);                                                     \
    }                                                                                                                       \
    static void name##_add_moments(const Block *block, const double *weights, double *part)                                 \
    {                                                                                                                       \
        add_moments_of_size(size, block, weights, part);                                                                    \
    }                                                                                                                       \
    static void name##_squared_distances(const Block *block, const double *inverse_scales, double *distances)               \
    {                                                                                                                       \
        squared_distances_of_size(size, block, inverse_scales, distances);                                                  \
    }                                                                                                                       \
    static void name##_columns(                                                                                             \
        const Block *block, ptrdiff_t first, ptrdiff_t last, double *values, ptrdiff_t stride)                              \
    {                                                                                                                       \
        columns_of_size(size, block, first, last, values, stride);                                                          \
    }

DENSE_ROWS(float64, 8)
DENSE_ROWS(float32, 4)
DENSE_ROWS(uint8, 1)

#define FUNCTIONS_OF(name)                                                                                              \
    {name##_load, name##_logits, name##_add_gradient, name##_add_gradient_and_logits, name##_add_magnitudes,            \
     name##_add_hessian, name##_add_moments, name##_squared_distances, name##_columns}

static const RowStorage ROW_STORAGES[] = {FUNCTIONS_OF(float64), FUNCTIONS_OF(float32), FUNCTIONS_OF(uint8)};
