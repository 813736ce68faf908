/* Planes of pixels, as kseg_video/compiled.py hands them over. */

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *pixels; /* NULL where there is none */
    ptrdiff_t stride;
} Plane;

static inline uint8_t *row_of(Plane plane, size_t row)
{
    return plane.pixels + (ptrdiff_t)row * plane.stride;
}
