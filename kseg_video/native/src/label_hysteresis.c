/* Label hysteresis for a band of rows in a single pass.

   Each step is that of kseg_video/native/reference.py, and the result the same bit for bit: tests
   compare the two. kseg_video/segmentation/label_hysteresis.py describes the method. This is faster
   because a row stays in the L1 cache on its way from components to labels. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "color_index.h"
#include "plane.h"
#include "vectorized.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pixels are packed into words with the first one lowest"
#endif

#define RING 4     /* rows of each kind in use at a time; a power of two */
#define NOTHING 64 /* offset that stands for no votes, since the bytes are unsigned */

/* Luma, and either interleaved B, G and R or the planes U and V at half size. */
typedef struct {
    Plane luma, bgr, halves[2];
} Picture;

/* Chroma of a row at full width and four times its value, weighted by 3/4 and 1/4. */
typedef struct {
    uint16_t *near[2], *far[2];
} WideRow;

/* Buffers of rows; each has room for a copy of its first and last pixel beside them. */
typedef struct {
    uint8_t *nearest[RING], *swaps[RING], *labels[PASSES][RING];
    uint8_t *needs[RING], *memory, *half, *moves, *low, *middle, *high;
    uint16_t *ties, *chroma;
    WideRow wide[RING];
    size_t widened; /* number of rows of chroma widened so far */
} Rows;

static inline uint8_t least(uint8_t a, uint8_t b) { return a < b ? a : b; }
static inline uint8_t most(uint8_t a, uint8_t b) { return a > b ? a : b; }
static inline uint8_t median(uint8_t a, uint8_t b, uint8_t c)
{
    return most(least(a, b), least(most(a, b), c));
}

static void repeat_ends(uint8_t *row, size_t width)
{
    row[-1] = row[0];
    row[width] = row[width - 1];
}

/* Upsample a row of chroma to twice its width, with the weights and rounding of cv2.resize. */
VECTORIZED static void widen(Bytes row, size_t half_width, uint16_t *restrict near,
                             uint16_t *restrict far)
{
    for (size_t i = 0; i < half_width; i++) {
        uint16_t left = (uint16_t)(3 * row[i] + row[i - 1]);
        uint16_t right = (uint16_t)(3 * row[i] + row[i + 1]);
        near[2 * i] = (uint16_t)(3 * left) >> 2;
        near[2 * i + 1] = (uint16_t)(3 * right) >> 2;
        far[2 * i] = left >> 2;
        far[2 * i + 1] = right >> 2;
    }
}

/* Blend U and V of a row of pixels from its own row of chroma and the next nearest one. */
VECTORIZED static void blend(const uint16_t *restrict near_u, const uint16_t *restrict far_u,
                             const uint16_t *restrict near_v, const uint16_t *restrict far_v,
                             size_t width, uint16_t *restrict chroma)
{
    for (size_t i = 0; i < width; i++) {
        uint16_t u = (uint16_t)(near_u[i] + far_u[i] + 2) >> 2;
        uint16_t v = (uint16_t)(near_v[i] + far_v[i] + 2) >> 2;
        chroma[i] = (uint16_t)(u | v << 8);
    }
}

VECTORIZED static void take_nearest(const uint16_t *ties, size_t width, uint8_t *restrict nearest)
{
    for (size_t i = 0; i < width; i++)
        nearest[i] = ties[i] & LABEL_MASK;
}

VECTORIZED static void divide(const uint16_t *restrict ties, size_t width,
                              uint8_t *restrict nearest, uint8_t *restrict swaps,
                              uint8_t *restrict needs)
{
    for (size_t i = 0; i < width; i++) {
        nearest[i] = ties[i] & LABEL_MASK;
        swaps[i] = (ties[i] >> LABEL_BITS) & LABEL_MASK;
        needs[i] = (uint8_t)(NOTHING + (ties[i] >> 2 * LABEL_BITS));
    }
}

static inline uint8_t difference(uint8_t a, uint8_t b) { return most(a, b) - least(a, b); }

static inline uint8_t quiet(uint8_t luma, uint8_t before, uint8_t limit)
{
    return difference(luma, before) > limit ? 0 : QUIET_VOTES;
}

VECTORIZED static void remember_bgr(Bytes luma, Bytes luma_before, Bytes bgr, Bytes bgr_before,
                                    size_t width, uint8_t limit, uint8_t *restrict memory)
{
    for (size_t i = 0; i < width; i++) {
        uint8_t b = difference(bgr[3 * i], bgr_before[3 * i]);
        uint8_t g = difference(bgr[3 * i + 1], bgr_before[3 * i + 1]);
        uint8_t r = difference(bgr[3 * i + 2], bgr_before[3 * i + 2]);
        uint8_t still = most(b, most(g, r)) > STILL_LEVELS ? 0 : STILL_VOTES;
        memory[i] = most(quiet(luma[i], luma_before[i], limit), still);
    }
}

/* Changes of luma that leave a pixel's colour unchanged, given the change of one chroma component,
   as bits (0: none, 1: one level up, 2: one level down); see kseg_video/native/votes.py. */
static inline uint8_t still_with(uint8_t change)
{
    uint8_t none = change == 0 ? 7 : 0, more = change == 1 ? 1 | 4 : 0, less = change == 255 ? 1 | 2 : 0;
    return none | more | less;
}

VECTORIZED static void widen_moves(Bytes u, Bytes u_before, Bytes v, Bytes v_before,
                                   size_t half_width, uint8_t *restrict moves)
{
    for (size_t i = 0; i < half_width; i++) {
        uint8_t du = u[i] - u_before[i], dv = v[i] - v_before[i];
        moves[2 * i] = moves[2 * i + 1] = still_with(du) & still_with(dv);
    }
}

VECTORIZED static void remember_planar(Bytes luma, Bytes luma_before, Bytes moves, size_t width,
                                       uint8_t limit, uint8_t *restrict memory)
{
    for (size_t i = 0; i < width; i++) {
        uint8_t change = luma[i] - luma_before[i];
        uint8_t none = change == 0 ? 1 : 0, more = change == 1 ? 2 : 0, less = change == 255 ? 4 : 0;
        uint8_t still = ((none | more | less) & moves[i]) == 0 ? 0 : STILL_VOTES;
        memory[i] = most(quiet(luma[i], luma_before[i], limit), still);
    }
}

/* Votes that a pixel's rival needs after the pixel's vote for the label that it had, and the label
   that results before the neighbours vote. */
VECTORIZED static void hold(Bytes labels_before, Bytes memory, Bytes nearest, Bytes swaps,
                            size_t width, uint8_t *restrict needs, uint8_t *restrict labels)
{
    for (size_t i = 0; i < width; i++) {
        uint8_t back = labels_before[i] ^ nearest[i];
        uint8_t to_nearest = back == 0 ? 255 : 0, to_rival = back == swaps[i] ? 255 : 0;
        uint8_t need = needs[i] + (memory[i] & to_nearest) - (memory[i] & to_rival);
        uint8_t suffices = need <= NOTHING ? 255 : 0;
        needs[i] = need;
        labels[i] = nearest[i] ^ (swaps[i] & suffices);
    }
}

VECTORIZED static void sort_columns(Bytes above, Bytes row, Bytes below, size_t width,
                                    uint8_t *restrict low, uint8_t *restrict middle,
                                    uint8_t *restrict high)
{
    for (size_t i = 0; i < width; i++) {
        low[i] = least(least(above[i], row[i]), below[i]);
        middle[i] = median(above[i], row[i], below[i]);
        high[i] = most(most(above[i], row[i]), below[i]);
    }
}

/* Give each pixel its rival where the neighbours' votes suffice: the median of nine labels is their
   majority. */
VECTORIZED static void follow_median(Bytes low, Bytes middle, Bytes high, Bytes nearest, Bytes swaps,
                                     Bytes needs, size_t width,
                                     uint8_t *restrict labels)
{
    for (size_t i = 0; i < width; i++) {
        uint8_t of_low = most(most(low[i], low[i + 1]), low[i + 2]);
        uint8_t of_middle = median(middle[i], middle[i + 1], middle[i + 2]);
        uint8_t of_high = least(least(high[i], high[i + 1]), high[i + 2]);
        uint8_t swap = median(of_low, of_middle, of_high) ^ nearest[i];
        uint8_t for_rival = swap == swaps[i] ? NEIGHBOR_VOTES : 0, for_nearest = swap == 0 ? NEIGHBOR_VOTES : 0;
        uint8_t votes = NOTHING + for_rival - for_nearest;
        uint8_t suffices = votes >= needs[i] ? 255 : 0;
        labels[i] = nearest[i] ^ (swaps[i] & suffices);
    }
}

static void follow_neighbors(const Rows *rows, uint8_t *const *ring, size_t row, size_t height,
                             size_t width, uint8_t *result)
{
    const uint8_t *above = ring[(row ? row - 1 : row) % RING];
    const uint8_t *below = ring[(row + 1 < height ? row + 1 : row) % RING];
    sort_columns(above - 1, ring[row % RING] - 1, below - 1, width + 2, rows->low, rows->middle,
                 rows->high);
    follow_median(rows->low, rows->middle, rows->high, rows->nearest[row % RING],
                  rows->swaps[row % RING], rows->needs[row % RING], width, result);
}

static uint8_t *lay_out(Rows *rows, size_t width)
{
    size_t size = (width + 2 + 2 + 63) / 64 * 64; /* with ends, and an odd width rounded up */
    size_t of_bytes = RING * (3 + PASSES) + 6, of_words = 2 + 4 * RING;
    uint8_t *memory = malloc((of_bytes + 2 * of_words) * size + 64), *next = memory + 1;
    if (!memory)
        return NULL;
    uint8_t **single[] = {&rows->half, &rows->moves, &rows->low, &rows->middle, &rows->high};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++, next += size)
        *single[i] = next;
    rows->memory = next, next += size;
    for (size_t i = 0; i < RING; i++) {
        rows->nearest[i] = next, next += size;
        rows->swaps[i] = next, next += size;
        rows->needs[i] = next, next += size;
        for (size_t pass = 0; pass < PASSES; pass++, next += size)
            rows->labels[pass][i] = next;
    }
    next += 1; /* words need even addresses */
    rows->ties = (uint16_t *)next, next += 2 * size;
    rows->chroma = (uint16_t *)next, next += 2 * size;
    for (size_t i = 0; i < RING; i++)
        for (size_t plane = 0; plane < 2; plane++) {
            rows->wide[i].near[plane] = (uint16_t *)next, next += 2 * size;
            rows->wide[i].far[plane] = (uint16_t *)next, next += 2 * size;
        }
    rows->widened = 0;
    return memory;
}

/* A row of interleaved U and V at full size, upsampled from their planes. */
static const uint16_t *chroma_row(Rows *rows, const Plane *halves, size_t row, size_t height,
                                  size_t width)
{
    size_t near = row / 2, last = (height - 1) / 2, half_width = (width + 1) / 2;
    size_t far = row % 2 ? near + (near < last) : near - (near > 0);
    for (; rows->widened <= near || rows->widened <= far; rows->widened++)
        for (size_t plane = 0; plane < 2; plane++) {
            WideRow *wide = &rows->wide[rows->widened % RING];
            memcpy(rows->half, row_of(halves[plane], rows->widened), half_width);
            repeat_ends(rows->half, half_width);
            widen(rows->half, half_width, wide->near[plane], wide->far[plane]);
        }
    const WideRow *in = &rows->wide[near % RING], *beside = &rows->wide[far % RING];
    blend(in->near[0], beside->far[0], in->near[1], beside->far[1], width, rows->chroma);
    return rows->chroma;
}

/* The second and third component of a row, as pairs of bytes. */
static const uint16_t *pairs_of(Rows *rows, Plane others, const Plane *halves, size_t row, size_t height,
                                size_t width)
{
    return others.pixels ? (const uint16_t *)row_of(others, row)
                         : chroma_row(rows, halves, row, height, width);
}

/* How firmly each pixel of a row keeps its label. */
static const uint8_t *memory_of(const Rows *rows, const Picture *now, const Picture *before,
                               size_t row, size_t width, uint8_t limit)
{
    const uint8_t *luma = row_of(now->luma, row), *luma_before = row_of(before->luma, row);
    const Plane *halves = now->halves, *halves_before = before->halves;
    if (halves[0].pixels && row % 2 == 0)
        widen_moves(row_of(halves[0], row / 2), row_of(halves_before[0], row / 2),
                    row_of(halves[1], row / 2), row_of(halves_before[1], row / 2), (width + 1) / 2,
                    rows->moves);
    if (halves[0].pixels)
        remember_planar(luma, luma_before, rows->moves, width, limit, rows->memory);
    else
        remember_bgr(luma, luma_before, row_of(now->bgr, row), row_of(before->bgr, row), width, limit,
                     rows->memory);
    return rows->memory;
}

/* Label the rows from `top` up to `bottom` of a band of `height` rows, which begins at an even row;
   its other rows are the margin that they depend on.

   `first` and `others` are the components: bytes and pairs of bytes. If `others` is NULL, the pairs
   are upsampled from U and V of `now`. `ties` are CellTable.ties. `labels` and, unless it is NULL,
   `cells` receive the labels and cell numbers of the rows. If `labels_before` is NULL, nothing is
   held. Returns 0, or -1 if there is not enough memory. */
int label_rows(size_t width, size_t height, size_t top, size_t bottom, Plane first, Plane others,
               ColorIndex index, const uint16_t *ties, Picture now, Picture before, Plane labels_before,
               uint8_t limit, Plane labels, Plane cells)
{
    Rows rows;
    uint8_t *memory = lay_out(&rows, width);
    if (!memory)
        return -1;
    for (size_t row = 0; row < height + PASSES; row++) {
        if (row < height) {
            uint8_t *nearest = rows.nearest[row % RING], *swaps = rows.swaps[row % RING];
            uint8_t *begun = rows.labels[0][row % RING];
            uint8_t *needs = rows.needs[row % RING];
            const uint16_t *pairs = pairs_of(&rows, others, now.halves, row, height, width);
            look_up(row_of(first, row), pairs, width, &index, ties, rows.ties);
            if (cells.pixels && row >= top && row < bottom)
                find_cells(row_of(first, row), pairs, width, &index,
                           (uint16_t *)row_of(cells, row - top));
            divide(rows.ties, width, nearest, swaps, needs);
            if (labels_before.pixels)
                hold(row_of(labels_before, row), memory_of(&rows, &now, &before, row, width, limit),
                     nearest, swaps, width, needs, begun);
            else
                memcpy(begun, nearest, width);
            repeat_ends(begun, width);
        }
        if (row >= 1 && row - 1 < height) {
            uint8_t *once = rows.labels[1][(row - 1) % RING];
            follow_neighbors(&rows, rows.labels[0], row - 1, height, width, once);
            repeat_ends(once, width);
        }
        if (row >= PASSES + top && row - PASSES < bottom)
            follow_neighbors(&rows, rows.labels[1], row - PASSES, height, width,
                             row_of(labels, row - PASSES - top));
    }
    free(memory);
    return 0;
}

/* Label all rows by the nearest cluster alone. Parameters and result are as above; `u` and `v` are
   those of the picture. */
int label_rows_strictly(size_t width, size_t height, Plane first, Plane others, ColorIndex index,
                        const uint16_t *ties, Plane u, Plane v, Plane labels)
{
    const Plane halves[] = {u, v};
    Rows rows;
    uint8_t *memory = lay_out(&rows, width);
    if (!memory)
        return -1;
    for (size_t row = 0; row < height; row++) {
        const uint16_t *pairs = pairs_of(&rows, others, halves, row, height, width);
        look_up(row_of(first, row), pairs, width, &index, ties, rows.ties);
        take_nearest(rows.ties, width, row_of(labels, row));
    }
    free(memory);
    return 0;
}
