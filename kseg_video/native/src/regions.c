/* Small regions join their neighbours; the same as in kseg_video/native/regions.py.

   A run is pixels of a row with the same label; a region is runs that touch. A region's root is its
   first run, which holds its area and its label, and from which its runs are linked. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plane.h"

#define NONE UINT32_MAX

typedef struct {
    uint32_t begin; /* in the picture; the run ends where the next one begins */
    uint32_t parent, area;
    uint32_t next, last; /* runs of the region; last is held by the root */
    uint32_t above, below; /* first runs that touch it there */
    uint32_t queued; /* next root in its queue */
    uint8_t label, is_queued;
} Run;

typedef struct {
    size_t width, height, count;
    Run *runs;
} Regions;

static size_t count_runs(size_t width, size_t height, Plane labels)
{
    size_t count = height;
    for (size_t row = 0; row < height; row++) {
        const uint8_t *from = row_of(labels, row);
        for (size_t x = 1; x < width; x++)
            count += from[x] != from[x - 1];
    }
    return count;
}

static void find_runs(Regions *all, Plane labels)
{
    Run *run = all->runs;
    for (size_t row = 0; row < all->height; row++) {
        const uint8_t *from = row_of(labels, row);
        for (size_t x = 0; x < all->width; x++)
            if (x == 0 || from[x] != from[x - 1]) {
                uint32_t number = (uint32_t)(run - all->runs);
                *run++ = (Run){.begin = (uint32_t)(row * all->width + x), .parent = number,
                               .next = NONE, .last = number, .label = from[x] % MAX_LABELS};
            }
    }
    run->begin = (uint32_t)(all->width * all->height);
    for (run = all->runs; run < all->runs + all->count; run++)
        run->area = run[1].begin - run->begin;
}

static uint32_t root_of(Run *runs, uint32_t run)
{
    for (; runs[run].parent != run; run = runs[run].parent)
        runs[run].parent = runs[runs[run].parent].parent;
    return run;
}

static void unite(Run *runs, uint32_t one, uint32_t other)
{
    one = root_of(runs, one);
    other = root_of(runs, other);
    if (one == other)
        return;
    uint32_t first = one < other ? one : other, second = one < other ? other : one;
    runs[second].parent = first;
    runs[first].area += runs[second].area;
    runs[runs[first].last].next = second;
    runs[first].last = runs[second].last;
}

/* Find which runs touch across rows, and unite those of one label. */
static void join_rows(Regions *all)
{
    Run *runs = all->runs;
    uint32_t width = (uint32_t)all->width, upper = 0, lower = 0;
    while (runs[lower].begin < width)
        lower++;
    int upper_is_new = 1, lower_is_new = 1;
    while (lower < all->count) {
        if (upper_is_new)
            runs[upper].below = lower;
        if (lower_is_new)
            runs[lower].above = upper;
        if (runs[upper].label == runs[lower].label)
            unite(runs, upper, lower);
        uint32_t upper_end = runs[upper + 1].begin + width, lower_end = runs[lower + 1].begin;
        upper_is_new = upper_end <= lower_end;
        lower_is_new = lower_end <= upper_end;
        upper += (uint32_t)upper_is_new;
        lower += (uint32_t)lower_is_new;
    }
}

/* What a run touches: runs of its own row or of a row that lies `shift` pixels before. */
typedef void Visit(Regions *all, uint32_t root, uint32_t run, uint32_t border, void *given);

static void visit_row(Regions *all, uint32_t root, uint32_t run, uint32_t first, int64_t shift,
                      Visit *visit, void *given)
{
    const Run *runs = all->runs;
    int64_t begin = runs[run].begin + shift, end = runs[run + 1].begin + shift;
    for (uint32_t other = first; runs[other].begin < end; other++) {
        int64_t from = runs[other].begin > begin ? runs[other].begin : begin;
        int64_t to = runs[other + 1].begin < end ? runs[other + 1].begin : end;
        visit(all, root, other, (uint32_t)(to - from), given);
    }
}

/* Visit all runs that touch those from `root` to `last`. */
static void visit_neighbors(Regions *all, uint32_t root, uint32_t last, Visit *visit, void *given)
{
    const Run *runs = all->runs;
    int64_t width = (int64_t)all->width;
    for (uint32_t run = root;; run = runs[run].next) {
        uint32_t begin = runs[run].begin, end = runs[run + 1].begin;
        if (begin % width)
            visit(all, root, run - 1, 1, given);
        if (end % width)
            visit(all, root, run + 1, 1, given);
        if (begin >= width)
            visit_row(all, root, run, runs[run].above, -width, visit, given);
        if (end <= (int64_t)(all->height - 1) * width)
            visit_row(all, root, run, runs[run].below, width, visit, given);
        if (run == last)
            return;
    }
}

static void measure_border(Regions *all, uint32_t root, uint32_t run, uint32_t border, void *given)
{
    uint32_t *borders = given, other = root_of(all->runs, run);
    if (other != root)
        borders[all->runs[other].label] += border;
}

static void join(Regions *all, uint32_t root, uint32_t run, uint32_t border, void *given)
{
    (void)border;
    if (all->runs[root_of(all->runs, run)].label == *(const uint8_t *)given)
        unite(all->runs, root, run);
}

/* Count the pixels of a region by the label that they had before. */
static void count_before(const Regions *all, uint32_t root, Plane before, uint32_t *counts)
{
    for (uint32_t run = root; run != NONE; run = all->runs[run].next) {
        uint32_t begin = all->runs[run].begin, size = all->runs[run + 1].begin - begin;
        const uint8_t *from = row_of(before, begin / all->width) + begin % all->width;
        for (uint32_t x = 0; x < size; x++)
            counts[from[x] % MAX_LABELS]++;
    }
}

/* Join a region to its neighbours of the label that it shares the longest border with. A border counts
   up to twice where the region had that label before. Returns whether it has joined any. */
static int dissolve(Regions *all, uint32_t root, Plane before, size_t least)
{
    Run *region = all->runs + root;
    uint32_t borders[MAX_LABELS] = {0}, counts[MAX_LABELS] = {0}, last = region->last;
    if (before.pixels)
        count_before(all, root, before, counts);
    if (before.pixels && region->area >= least && 2 * (uint64_t)counts[region->label] >= region->area)
        return 0;
    visit_neighbors(all, root, last, measure_border, borders);
    uint32_t most = 0;
    uint8_t label = 0;
    for (uint8_t each = 0; each < MAX_LABELS; each++) {
        uint32_t votes = borders[each] + (counts[each] < borders[each] ? counts[each] : borders[each]);
        if (votes > most) {
            most = votes;
            label = each;
        }
    }
    if (!most)
        return 0;
    region->label = label;
    visit_neighbors(all, root, last, join, &label);
    return 1;
}

static void enqueue(Run *runs, uint32_t root, uint32_t *heads, size_t most)
{
    Run *region = runs + root;
    if (region->is_queued || region->area >= most)
        return;
    region->is_queued = 1;
    region->queued = heads[region->area];
    heads[region->area] = root;
}

/* Dissolve regions of fewer than `most` pixels, smaller ones first. `heads` has `most` entries: a
   queue of roots for each area. A region that has grown since is moved on when its turn comes. */
static void dissolve_all(Regions *all, Plane before, size_t most, size_t least, uint32_t *heads)
{
    Run *runs = all->runs;
    memset(heads, 0xFF, most * sizeof *heads);
    for (uint32_t run = 0; run < all->count; run++)
        if (runs[run].parent == run)
            enqueue(runs, run, heads, most);
    for (size_t area = 1; area < most; area++)
        while (heads[area] != NONE) {
            uint32_t root = heads[area];
            heads[area] = runs[root].queued;
            runs[root].is_queued = 0;
            if (runs[root].parent == root &&
                (runs[root].area > area || dissolve(all, root, before, least)))
                enqueue(runs, root_of(runs, root), heads, most);
        }
}

/* Join regions of fewer than `most` pixels to their neighbours. If `before`, the result of the frame
   before, is not NULL, regions that it has stay if they have at least `least` pixels. Returns 0, or -1 if there is not enough memory. */
int merge_small_regions(size_t width, size_t height, Plane labels, Plane before, size_t most,
                        size_t least, Plane result)
{
    Regions all = {width, height, count_runs(width, height, labels), NULL};
    uint32_t *heads = malloc(most * sizeof *heads);
    all.runs = malloc((all.count + 1) * sizeof *all.runs);
    if (heads && all.runs) {
        find_runs(&all, labels);
        join_rows(&all);
        dissolve_all(&all, before, most, least, heads);
        for (uint32_t run = 0; run < all.count; run++) {
            uint32_t begin = all.runs[run].begin, size = all.runs[run + 1].begin - begin;
            memset(row_of(result, begin / width) + begin % width,
                   all.runs[root_of(all.runs, run)].label, size);
        }
    }
    int failed = !heads || !all.runs;
    free(heads);
    free(all.runs);
    return -failed;
}
