/* Planes of pixels and labels, as passed by kseg_video/native/library.py.

   Macros that no source defines are the constants of kseg_video/native/constants.py, which
   hatch_build.py passes to the compiler. */

#ifndef PLANE_H
#define PLANE_H

#include <stddef.h>
#include <stdint.h>

typedef const uint8_t *restrict Bytes;

typedef struct {
    uint8_t *pixels; /* NULL for no plane */
    ptrdiff_t stride;
} Plane;

static inline uint8_t *row_of(Plane plane, size_t row)
{
    return plane.pixels + (ptrdiff_t)row * plane.stride;
}

#endif
