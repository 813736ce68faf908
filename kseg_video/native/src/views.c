/* Painting and counting of labels, byte for byte the same as with OpenCV in
   kseg_video/native/reference.py, in a fraction of the time. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "plane.h"
#include "vectorized.h"

#define AT_A_TIME 512

typedef uint8_t Vector __attribute__((vector_size(MAX_LABELS)));

/* Look up the level of each label in a table of 32. */
VECTORIZED static void paint_row(Bytes labels, size_t width, Bytes levels, uint8_t *restrict result)
{
    size_t i = 0;
#if defined(__GNUC__) && !defined(__clang__)
    /* The table fits into one or two registers: a few instructions look 32 pixels up. */
    Vector table, some;
    memcpy(&table, levels, MAX_LABELS);
    for (; i + MAX_LABELS <= width; i += MAX_LABELS) {
        memcpy(&some, labels + i, MAX_LABELS);
        some = __builtin_shuffle(table, some);
        memcpy(result + i, &some, MAX_LABELS);
    }
#endif
    for (; i < width; i++)
        result[i] = levels[labels[i] % MAX_LABELS];
}

VECTORIZED static void take_every_other(Bytes row, size_t half_width, uint8_t *restrict result)
{
    for (size_t i = 0; i < half_width; i++)
        result[i] = row[2 * i];
}

VECTORIZED static void interleave(Bytes blue, Bytes green, Bytes red, size_t width,
                                  uint8_t *restrict result)
{
    for (size_t i = 0; i < width; i++) {
        result[3 * i] = blue[i];
        result[3 * i + 1] = green[i];
        result[3 * i + 2] = red[i];
    }
}

/* Paint labels to Y, U and V by tables of 32 levels each. A block's chroma is that of its upper
   left pixel, near which H.264 and related codecs place the chroma sample. `width` is even. */
void paint_planes(size_t width, size_t height, Plane labels, const uint8_t *levels, Plane luma, Plane u,
                  Plane v)
{
    uint8_t some[AT_A_TIME];
    for (size_t row = 0; row < height; row++) {
        const uint8_t *from = row_of(labels, row);
        paint_row(from, width, levels, row_of(luma, row));
        for (size_t begin = 0; row % 2 == 0 && begin < width / 2; begin += AT_A_TIME) {
            size_t size = width / 2 - begin < AT_A_TIME ? width / 2 - begin : AT_A_TIME;
            take_every_other(from + 2 * begin, size, some);
            paint_row(some, size, levels + MAX_LABELS, row_of(u, row / 2) + begin);
            paint_row(some, size, levels + 2 * MAX_LABELS, row_of(v, row / 2) + begin);
        }
    }
}

/* Paint labels to B, G and R by tables of 32 levels each. */
void paint_bgr(size_t width, size_t height, Plane labels, const uint8_t *levels, Plane result)
{
    uint8_t channels[3][AT_A_TIME];
    for (size_t row = 0; row < height; row++)
        for (size_t begin = 0; begin < width; begin += AT_A_TIME) {
            size_t size = width - begin < AT_A_TIME ? width - begin : AT_A_TIME;
            for (size_t channel = 0; channel < 3; channel++)
                paint_row(row_of(labels, row) + begin, size, levels + MAX_LABELS * channel,
                          channels[channel]);
            interleave(channels[0], channels[1], channels[2], size, row_of(result, row) + 3 * begin);
        }
}

/* Count the pixels of a label. Each byte of a register counts its own pixels, up to 255. */
VECTORIZED static uint32_t count_in_row(Bytes row, size_t width, uint8_t label)
{
    uint32_t count = 0;
    size_t i = 0;
    while (i + sizeof(Vector) <= width) {
        uint8_t sums[sizeof(Vector)];
        Vector some, found = {0};
        for (size_t most = i + 255 * sizeof(Vector); i < most && i + sizeof(Vector) <= width;
             i += sizeof(Vector)) {
            memcpy(&some, row + i, sizeof(Vector));
            found -= (Vector)(some == label);
        }
        memcpy(sums, &found, sizeof(Vector));
        for (size_t k = 0; k < sizeof(Vector); k++)
            count += sums[k];
    }
    for (; i < width; i++)
        count += row[i] == label;
    return count;
}

/* Count the pixels of each label from 0 to `n_labels` - 1. */
void count_labels(size_t width, size_t height, Plane labels, size_t n_labels, uint32_t *counts)
{
    memset(counts, 0, n_labels * sizeof *counts);
    for (size_t row = 0; row < height; row++)
        for (size_t label = 0; label < n_labels; label++)
            counts[label] += count_in_row(row_of(labels, row), width, (uint8_t)label);
}
