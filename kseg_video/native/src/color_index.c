/* Cell numbers of pixels, as in kseg_video/native/pictures.py, and look-ups in a table over the
   cells. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "color_index.h"

#if !defined(PORTABLE) && defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define IN_REGISTERS __attribute__((target("avx512bw")))
#define WORDS 32 /* 16-bit words in a register */
#define AT_A_TIME 2048

/* Entries of a table of 256. An instruction looks 32 numbers up in a quarter of the table; their
   two highest bits select the quarter. */
IN_REGISTERS static inline __m512i entries(const uint16_t *table, __m512i numbers)
{
    __m512i of[4];
    for (size_t i = 0; i < 4; i++, table += 2 * WORDS)
        of[i] = _mm512_permutex2var_epi16(_mm512_loadu_si512(table), numbers,
                                          _mm512_loadu_si512(table + WORDS));
    __mmask32 odd = _mm512_test_epi16_mask(numbers, _mm512_set1_epi16(64));
    __mmask32 upper = _mm512_test_epi16_mask(numbers, _mm512_set1_epi16(128));
    return _mm512_mask_blend_epi16(upper, _mm512_mask_blend_epi16(odd, of[0], of[1]),
                                   _mm512_mask_blend_epi16(odd, of[2], of[3]));
}

/* Look up the pixels that fill whole registers, and return their number. The table of pairs is not
   used, since it would push the other table out of the L1 cache. */
IN_REGISTERS static size_t look_up_in_registers(Bytes first, const uint16_t *restrict others, size_t width,
                                                const ColorIndex *index, const uint16_t *restrict table,
                                                uint16_t *restrict results)
{
    size_t i = 0;
    while (i + WORDS <= width) {
        uint64_t cells[AT_A_TIME / 4];
        size_t begin = i;
        for (; i + WORDS <= width && i < begin + AT_A_TIME; i += WORDS) {
            __m512i firsts = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(first + i)));
            __m512i pairs = _mm512_loadu_si512(others + i);
            __m512i sums = _mm512_add_epi16(
                entries(index->second, _mm512_and_si512(pairs, _mm512_set1_epi16(255))),
                entries(index->third, _mm512_srli_epi16(pairs, 8)));
            sums = _mm512_add_epi16(entries(index->first, firsts), sums);
            _mm512_storeu_si512((uint16_t *)cells + (i - begin), sums);
        }
        for (size_t k = 0; k < i - begin; k += 8)
            for (size_t m = 0; m < 8; m++)
                results[begin + k + m] = table[(uint16_t)(cells[k / 4 + m / 4] >> 16 * (m % 4))];
    }
    return i;
}
#endif

static inline size_t cell_of(uint8_t first, uint16_t others, const ColorIndex *index)
{
    return (size_t)index->first[first] + index->others[others];
}

/* Look up the cell of each pixel of a row in the table. The first components of the pixels are
   bytes, the others pairs of bytes. Eight pixels at a time share their loads, which bound the
   speed. */
void look_up(Bytes first, const uint16_t *restrict others, size_t width, const ColorIndex *index,
             const uint16_t *restrict table, uint16_t *restrict results)
{
    size_t i = 0;
#ifdef IN_REGISTERS
    if (__builtin_cpu_supports("avx512bw"))
        i = look_up_in_registers(first, others, width, index, table, results);
#endif
    for (; i + 8 <= width; i += 8) {
        uint64_t bytes, words[2];
        memcpy(&bytes, first + i, sizeof bytes);
        memcpy(words, others + i, sizeof words);
        for (size_t k = 0; k < 8; k++)
            results[i + k] = table[cell_of((uint8_t)(bytes >> 8 * k),
                                           (uint16_t)(words[k / 4] >> 16 * (k % 4)), index)];
    }
    for (; i < width; i++)
        results[i] = table[cell_of(first[i], others[i], index)];
}

/* Cell number of each pixel of a row. */
void find_cells(Bytes first, const uint16_t *restrict others, size_t width, const ColorIndex *index,
                uint16_t *restrict cells)
{
    for (size_t i = 0; i < width; i++)
        cells[i] = (uint16_t)cell_of(first[i], others[i], index);
}
