/* Nearest centroids of colours, bit for bit the same as in kseg_video/native/reference.py, which
   explains the method: tests compare the two. Colours are done in blocks that stay in the L1 cache
   while each centroid is measured. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "distance.h"
#include "plane.h"
#include "vectorized.h"

#define AT_A_TIME 512
#define INFINITE 0x7f800000 /* bits of an infinite float */

/* Find the nearest centroid of every colour, the first of equally near ones. `colors` and
   `centroids` are triples. */
VECTORIZED void nearest(size_t count, const float *restrict colors, size_t n_centroids,
                        const float *restrict centroids, uint8_t *restrict labels,
                        float *restrict distances)
{
    float x[AT_A_TIME], y[AT_A_TIME], z[AT_A_TIME], least[AT_A_TIME];
    int32_t chosen[AT_A_TIME];
    for (size_t begin = 0; begin < count; begin += AT_A_TIME) {
        size_t size = count - begin < AT_A_TIME ? count - begin : AT_A_TIME;
        for (size_t i = 0; i < size; i++) {
            const float *color = colors + 3 * (begin + i);
            x[i] = color[0], y[i] = color[1], z[i] = color[2];
            least[i] = squared_distance(x[i], y[i], z[i], centroids);
            chosen[i] = 0;
        }
        for (size_t number = 1; number < n_centroids; number++)
            for (size_t i = 0; i < size; i++) {
                float distance = squared_distance(x[i], y[i], z[i], centroids + 3 * number);
                int is_nearer = distance < least[i];
                chosen[i] = is_nearer ? (int32_t)number : chosen[i];
                least[i] = is_nearer ? distance : least[i];
            }
        for (size_t i = 0; i < size; i++)
            labels[begin + i] = (uint8_t)chosen[i];
        memcpy(distances + begin, least, size * sizeof *least);
    }
}

/* Sum of the squared distances of colours to the centroids of their labels. */
double squared_error(size_t count, const float *colors, const uint8_t *labels, const float *centroids)
{
    double error = 0;
    for (size_t i = 0; i < count; i++, colors += 3)
        error += squared_distance(colors[0], colors[1], colors[2], centroids + 3 * labels[i]);
    return error;
}

/* Excess of the second distance over the first in levels, at most MAX_EXCESS + 1. */
static inline float excess_of(int32_t least, int32_t next_least, float level)
{
    float distance, next_distance;
    memcpy(&distance, &least, sizeof distance);
    memcpy(&next_distance, &next_least, sizeof next_distance);
    float excess = (next_distance - distance) / level;
    return excess < MAX_EXCESS + 1 ? excess : MAX_EXCESS + 1;
}

/* Compute labels and ties of every colour. Squared distances are compared as bits, with the
   cluster's number in the lowest ones: positive floats sort like their bits. `channels` are three
   planes; at level 0 there are no ties. */
VECTORIZED void label_cells(size_t count, const float *restrict channels, size_t n_centroids,
                            const float *restrict centroids, const uint8_t *restrict numbers,
                            float level, uint8_t *restrict labels, uint16_t *restrict ties)
{
    const float *x = channels, *y = x + count, *z = y + count;
    int32_t least[AT_A_TIME], next_least[AT_A_TIME];
    float excess[AT_A_TIME];
    for (size_t begin = 0; begin < count; begin += AT_A_TIME) {
        size_t size = count - begin < AT_A_TIME ? count - begin : AT_A_TIME;
        for (size_t i = 0; i < size; i++)
            least[i] = next_least[i] = INFINITE;
        for (size_t centroid = 0; centroid < n_centroids; centroid++) {
            int32_t number = numbers[centroid];
            for (size_t i = 0; i < size; i++) {
                float distance = squared_distance(x[begin + i], y[begin + i], z[begin + i],
                                                  centroids + 3 * centroid);
                int32_t bits, greater;
                memcpy(&bits, &distance, sizeof bits);
                bits = (bits & ~LABEL_MASK) | number;
                greater = bits > least[i] ? bits : least[i];
                next_least[i] = greater < next_least[i] ? greater : next_least[i];
                least[i] = bits < least[i] ? bits : least[i];
            }
        }
        for (size_t i = 0; i < size; i++)
            labels[begin + i] = (uint8_t)(least[i] & LABEL_MASK);
        if (!(level > 0)) {
            for (size_t i = 0; i < size; i++)
                ties[begin + i] = (uint16_t)(least[i] & LABEL_MASK);
            continue;
        }
        for (size_t i = 0; i < size; i++)
            excess[i] = excess_of(least[i], next_least[i], level);
        for (size_t i = 0; i < size; i++) {
            int32_t levels = (int32_t)excess[i], swap = (least[i] ^ next_least[i]) & LABEL_MASK;
            levels += (float)levels < excess[i];
            swap = levels > MAX_EXCESS ? 0 : swap;
            levels = levels > MAX_EXCESS ? MAX_EXCESS : levels > 1 ? levels : 1;
            int32_t tie = levels << 2 * LABEL_BITS | swap << LABEL_BITS | (least[i] & LABEL_MASK);
            ties[begin + i] = (uint16_t)tie;
        }
    }
}
