/* SPDX-License-Identifier: Apache-2.0 */
/* plain.h - numbers as people read them, for pictures and reports. Nothing here depends on the locale. */
#ifndef TARN_ASSESS_PLAIN_H
#define TARN_ASSESS_PLAIN_H

#include "base/str.h"

enum { TARN_PLAIN = 48 };

/* All return out. Numbers that are not finite read "not defined". */

/* With so many decimals (0 to 9), digits grouped: "-1,234.50" with a true minus sign. Numbers too large for that:
 * "1e+20". */
const char *tarn_plain_fixed(double x, int decimals, char out[TARN_PLAIN]);
/* Three figures that matter: "0.813", "12.4", "1,234". */
const char *tarn_plain_figure(double x, char out[TARN_PLAIN]);
/* A share as a percentage: "62%", "3.4%", "0.02%"; never "100%" or "0%" for what only comes close. */
const char *tarn_plain_share(double x, char out[TARN_PLAIN]);
/* Short enough for an axis whose largest number is `most` and whose steps are `step`: "20k", "1.5M", "0.25". */
const char *tarn_plain_tick(double x, double step, double most, char out[TARN_PLAIN]);

/* How wide the text is, about, in letters' heights, in a common sans serif. */
double tarn_plain_width(const char *text);
/* text, cut to at most `most` letters' heights with an ellipsis where it is longer. cap: at least 8 bytes. */
const char *tarn_plain_cut(const char *text, double most, char *out, size_t cap);

/* text for the inside of XML or HTML: escaped, and what XML does not allow even escaped (control characters) as a
 * space. */
void tarn_plain_markup(tarn_text *t, const char *text);

#endif
