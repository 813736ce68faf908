/* Cell numbers of pixels; see color_index.c. */

#ifndef CELLS_H
#define CELLS_H

#include "plane.h"

/* CellNumbers.tables, of 256 entries each, and CellNumbers.others. */
typedef struct {
    const uint16_t *first, *second, *third, *others;
} ColorIndex;

void look_up(Bytes first, const uint16_t *restrict others, size_t width, const ColorIndex *index,
             const uint16_t *restrict table, uint16_t *restrict results);
void find_cells(Bytes first, const uint16_t *restrict others, size_t width, const ColorIndex *index,
                uint16_t *restrict cells);

#endif
