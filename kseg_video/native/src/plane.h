/* Planes of pixels and labels, as kseg_video/native/binding.py hands them over. */

#ifndef PLANE_H
#define PLANE_H

#include <stddef.h>
#include <stdint.h>

#define LABEL_BITS 5 /* that a label takes where others are beside it */
#define LABEL_MASK 31

typedef const uint8_t *restrict Bytes;

typedef struct {
    uint8_t *pixels; /* NULL where there is none */
    ptrdiff_t stride;
} Plane;

static inline uint8_t *row_of(Plane plane, size_t row)
{
    return plane.pixels + (ptrdiff_t)row * plane.stride;
}

#endif
