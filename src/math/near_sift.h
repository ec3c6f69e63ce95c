/* SPDX-License-Identifier: Apache-2.0 */
/* near_sift.h - the parts of near_sift.c. Private to math. */
#ifndef TARN_MATH_NEAR_SIFT_H
#define TARN_MATH_NEAR_SIFT_H

#include "math/brief.h"
#include "math/near.h"

/* Add to sum (TARN_BRIEF_STEP, TARN_NEAR_TILE) the products of TARN_BRIEF_STEP stored rows, code (.., stride), with a
 * tile of asked ones, of which the first `groups` times 16 columns are in use: tile (stride / 4, groups * 16, 4), the
 * codes plus 128. */
void tarn_near_dots(size_t stride, int groups, const uint8_t *tile, const int8_t *code, int32_t *sum);

#endif
