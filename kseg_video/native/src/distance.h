/* Squared distances of colours, summed in the same order as in kseg_video/native/planes.py. */

#ifndef DISTANCE_H
#define DISTANCE_H

static inline float squared_distance(float x, float y, float z, const float *color)
{
    float dx = x - color[0], dy = y - color[1], dz = z - color[2];
    return dx * dx + dy * dy + dz * dz;
}

#endif
