/* Labels that hold still, for some rows of a frame in one go.

   Step by step what kseg_video/color_index.py and kseg_video/hysteresis.py do with OpenCV, which says
   why it is done, and bit for bit the same: tests hold the two to each other. What is gained is that a
   row stays in the nearest cache on its way from components to labels. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vectorized.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pixels are packed into words with the first one lowest"
#endif

#define LABEL_MASK 31
#define CHANGED 255 /* above all labels */
#define PASSES 2
#define RING 4 /* rows of each kind that are in use at a time; a power of two */

typedef const uint8_t *restrict Bytes;

typedef struct {
    uint8_t *pixels; /* NULL where there is none */
    ptrdiff_t stride;
} Plane;

/* Each row has room for a copy of its first and of its last pixel beside them. */
typedef struct {
    uint8_t *nearest[RING], *swaps[RING], *labels[PASSES][RING], *result;
    uint8_t *half, *far_half, *u, *v, *low, *middle, *high;
    uint16_t *pairs, *chroma;
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

/* A row of chroma at twice its width, from the half-size row it lies in and the one it is nearest to
   otherwise, with the weights and the rounding of cv2.resize. */
VECTORIZED static void double_row(Bytes near, Bytes far, size_t half_width, uint8_t *restrict doubled)
{
    for (size_t i = 0; i < half_width; i++) {
        uint16_t middle = 3 * near[i], far_middle = 3 * far[i];
        uint16_t left = middle + near[i - 1], far_left = far_middle + far[i - 1];
        uint16_t right = middle + near[i + 1], far_right = far_middle + far[i + 1];
        uint16_t near_left = (uint16_t)(3 * left) >> 2, near_right = (uint16_t)(3 * right) >> 2;
        doubled[2 * i] = (uint8_t)((uint16_t)(near_left + (far_left >> 2) + 2) >> 2);
        doubled[2 * i + 1] = (uint8_t)((uint16_t)(near_right + (far_right >> 2) + 2) >> 2);
    }
}

VECTORIZED static void interleave(Bytes u, Bytes v, size_t width, uint16_t *restrict chroma)
{
    for (size_t i = 0; i < width; i++)
        chroma[i] = (uint16_t)(u[i] | v[i] << 8);
}

/* Label and swap of each pixel's cell. Eight pixels at a time, since each word is loaded but once:
   loads are what this takes its time for. */
static void look_up(Bytes first, const uint16_t *restrict others, size_t width,
                    const uint16_t *restrict first_table, const uint16_t *restrict others_table,
                    const uint16_t *restrict pair_table, uint16_t *restrict cells,
                    uint16_t *restrict pairs)
{
    size_t i = 0;
#define CELL(k, word) \
    (uint16_t)(first_table[(uint8_t)(firsts >> 8 * (k))] + \
               others_table[(uint16_t)((word) >> 16 * ((k) & 3))])
#define PAIR(k, word) (uint64_t)pair_table[CELL(k, word)] << 16 * ((k) & 3)
    for (; i + 8 <= width; i += 8) {
        uint64_t firsts, four, next_four, found;
        memcpy(&firsts, first + i, 8);
        memcpy(&four, others + i, 8);
        memcpy(&next_four, others + i + 4, 8);
        found = PAIR(0, four) | PAIR(1, four) | PAIR(2, four) | PAIR(3, four);
        memcpy(pairs + i, &found, 8);
        found = PAIR(4, next_four) | PAIR(5, next_four) | PAIR(6, next_four) | PAIR(7, next_four);
        memcpy(pairs + i + 4, &found, 8);
    }
    for (; i < width; i++)
        pairs[i] = pair_table[(uint16_t)(first_table[first[i]] + others_table[others[i]])];
    for (i = 0; cells && i < width; i++)
        cells[i] = (uint16_t)(first_table[first[i]] + others_table[others[i]]);
}

VECTORIZED static void divide(const uint16_t *restrict pairs, size_t width,
                              uint8_t *restrict nearest, uint8_t *restrict swaps)
{
    for (size_t i = 0; i < width; i++) {
        nearest[i] = (uint8_t)pairs[i];
        swaps[i] = (uint8_t)(pairs[i] >> 8);
    }
}

/* The label that a pixel had before, where the picture has not changed and that is near enough. */
VECTORIZED static void hold(Bytes luma, Bytes luma_before, Bytes labels_before, Bytes nearest,
                            size_t width, uint8_t limit, uint8_t *restrict swaps,
                            uint8_t *restrict labels)
{
    for (size_t i = 0; i < width; i++) {
        uint8_t difference = most(luma[i], luma_before[i]) - least(luma[i], luma_before[i]);
        uint8_t changed = difference > limit ? CHANGED : 0;
        uint8_t back = (uint8_t)((changed | labels_before[i]) ^ nearest[i]);
        uint8_t stays = back == swaps[i] ? 255 : 0;
        uint8_t swap = (uint8_t)(swaps[i] & (back ? LABEL_MASK : 0));
        labels[i] = (uint8_t)(nearest[i] ^ (stays & swap));
        swaps[i] = swap;
    }
}

VECTORIZED static void begin(Bytes nearest, size_t width, uint8_t *restrict swaps,
                             uint8_t *restrict labels)
{
    for (size_t i = 0; i < width; i++) {
        swaps[i] &= LABEL_MASK;
        labels[i] = nearest[i];
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

/* The rival label where the median of nine labels is that, else the nearest. */
VECTORIZED static void follow_median(Bytes low, Bytes middle, Bytes high, Bytes nearest, Bytes swaps,
                                     size_t width, uint8_t *restrict labels)
{
    for (size_t i = 0; i < width; i++) {
        uint8_t of_low = most(most(low[i], low[i + 1]), low[i + 2]);
        uint8_t of_middle = median(middle[i], middle[i + 1], middle[i + 2]);
        uint8_t of_high = least(least(high[i], high[i + 1]), high[i + 2]);
        uint8_t rival = nearest[i] ^ swaps[i];
        uint8_t follows = median(of_low, of_middle, of_high) == rival ? 255 : 0;
        labels[i] = (uint8_t)(nearest[i] ^ (follows & swaps[i]));
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
                  rows->swaps[row % RING], width, result);
    repeat_ends(result, width);
}

static uint8_t *lay_out(Rows *rows, size_t width)
{
    size_t size = (width + 2 + 2 + 63) / 64 * 64; /* of a row with its ends, odd widths doubled */
    uint8_t *memory = malloc((RING * (2 + PASSES) + 12) * size + 64), *next = memory + 1;
    if (!memory)
        return NULL;
    uint8_t **of_bytes[] = {&rows->result, &rows->half, &rows->far_half, &rows->u, &rows->v,
                            &rows->low, &rows->middle, &rows->high};
    for (size_t i = 0; i < sizeof of_bytes / sizeof *of_bytes; i++, next += size)
        *of_bytes[i] = next;
    for (size_t i = 0; i < RING; i++) {
        rows->nearest[i] = next, next += size;
        rows->swaps[i] = next, next += size;
        for (size_t pass = 0; pass < PASSES; pass++, next += size)
            rows->labels[pass][i] = next;
    }
    next += 1; /* words lie at even addresses */
    rows->pairs = (uint16_t *)next, next += 2 * size;
    rows->chroma = (uint16_t *)next;
    return memory;
}

static uint8_t *row_of(Plane plane, size_t row) { return plane.pixels + (ptrdiff_t)row * plane.stride; }

static const uint8_t *copy_with_ends(const uint8_t *row, size_t width, uint8_t *copy)
{
    memcpy(copy, row, width);
    repeat_ends(copy, width);
    return copy;
}

/* A row of U and V at full size, pixel by pixel, from their planes at half size. */
static const uint16_t *chroma_row(const Rows *rows, Plane u, Plane v, size_t row, size_t height,
                                  size_t width)
{
    size_t near = row / 2, last = (height - 1) / 2, half_width = (width + 1) / 2;
    size_t far = row % 2 ? near + (near < last) : near - (near > 0);
    const Plane planes[] = {u, v};
    uint8_t *const doubled[] = {rows->u, rows->v};
    for (size_t i = 0; i < 2; i++)
        double_row(copy_with_ends(row_of(planes[i], near), half_width, rows->half),
                   copy_with_ends(row_of(planes[i], far), half_width, rows->far_half), half_width,
                   doubled[i]);
    interleave(rows->u, rows->v, width, rows->chroma);
    return rows->chroma;
}

/* Label the rows from `top` up to `bottom` of a frame or of a band, `height` rows that begin at an
   even one; the others are the margin that they depend on.

   `first` and `others` are the components: bytes, and pairs of bytes or, where there is a plane
   `more_others`, U and that plane V at half size. The tables are ColorIndex.tables[0],
   ColorIndex.others and CellTable.pairs. `labels` is given the labels and `cells`, if it is there,
   the cells of the wanted rows; without `labels_before` nothing is held. Returns 0, or -1 if there
   is no memory. */
int label_rows(size_t width, size_t height, size_t top, size_t bottom, Plane first, Plane others,
               Plane more_others, const uint16_t *first_table, const uint16_t *others_table,
               const uint16_t *pair_table, Plane luma, Plane luma_before, Plane labels_before,
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
            int keeps_cells = cells.pixels && row >= top && row < bottom;
            look_up(row_of(first, row),
                    more_others.pixels
                        ? chroma_row(&rows, others, more_others, row, height, width)
                        : (const uint16_t *)row_of(others, row),
                    width, first_table, others_table, pair_table,
                    keeps_cells ? (uint16_t *)row_of(cells, row - top) : NULL, rows.pairs);
            divide(rows.pairs, width, nearest, swaps);
            if (labels_before.pixels)
                hold(row_of(luma, row), row_of(luma_before, row), row_of(labels_before, row),
                     nearest, width, limit, swaps, begun);
            else
                begin(nearest, width, swaps, begun);
            repeat_ends(begun, width);
        }
        if (row >= 1 && row - 1 < height)
            follow_neighbors(&rows, rows.labels[0], row - 1, height, width,
                             rows.labels[1][(row - 1) % RING]);
        if (row >= PASSES + top && row - PASSES < bottom) {
            follow_neighbors(&rows, rows.labels[1], row - PASSES, height, width, rows.result);
            memcpy(row_of(labels, row - PASSES - top), rows.result, width);
        }
    }
    free(memory);
    return 0;
}
