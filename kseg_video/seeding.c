/* Where k-means begins, as kseg_video/seeding.py has it with NumPy: tests hold the two to each other. Weights
   are whole numbers, so that their sums do not depend on the order in which they are added up. */

#include <stddef.h>
#include <stdint.h>

#include "distance.h"
#include "vectorized.h"

#define CANDIDATES 3

/* Weights become those for one more seed, where they are less, in `lessened` unless that is NULL. Returns
   their sum. */
VECTORIZED static uint64_t lessen(size_t count, const float *restrict channels, size_t seed, float scale,
                                  const int32_t *weights, int32_t *lessened)
{
    const float *x = channels, *y = x + count, *z = y + count;
    const float color[] = {x[seed], y[seed], z[seed]};
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        float distance = squared_distance(x[i], y[i], z[i], color);
        int32_t weight = (int32_t)(distance * scale) + (distance > 0);
        weight = weight < weights[i] ? weight : weights[i];
        sum += (uint32_t)weight;
        if (lessened)
            lessened[i] = weight;
    }
    return sum;
}

/* The first at which the sum of all weights up to it is above some number. */
static size_t find(size_t count, const int32_t *weights, uint64_t sum)
{
    size_t i = 0;
    while (i + 1 < count && sum >= (uint32_t)weights[i])
        sum -= (uint32_t)weights[i++];
    return i;
}

/* Numbers of the colours to begin with. `chances` are one and three for each further one, from 0 to below 1;
   `weights`, one a colour, are left behind. */
void choose_seeds(size_t count, const float *channels, float scale, size_t n_seeds, const double *chances,
                  int32_t *weights, int64_t *seeds)
{
    size_t seed = (size_t)(*chances++ * (double)count);
    for (size_t i = 0; i < count; i++)
        weights[i] = INT32_MAX;
    for (size_t number = 0;; number++) {
        uint64_t sum = lessen(count, channels, seed, scale, weights, weights), least = UINT64_MAX;
        seeds[number] = (int64_t)seed;
        if (number + 1 == n_seeds)
            return;
        for (int i = 0; i < CANDIDATES; i++) {
            size_t candidate = find(count, weights, (uint64_t)(*chances++ * (double)sum));
            uint64_t with_it = lessen(count, channels, candidate, scale, weights, NULL);
            if (with_it < least)
                least = with_it, seed = candidate;
        }
    }
}
