/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - the parts of the report page; report.c puts them together. */
#ifndef TARN_ASSESS_REPORT_H
#define TARN_ASSESS_REPORT_H

#include "assess/assess.h"

/* What the sections read, borrowed from the story. */
typedef struct tarn_report {
    const json_t *story, *assessed;
    const json_t *baseline; /* its metrics on the test rows; NULL: none given */
    tarn_task task;
    tarn_text out;
} tarn_report;

/* The verdict: one to four plain sentences with the numbers that matter. */
void tarn_report_verdict(tarn_report *r);
/* Tiles with the few figures to remember. */
void tarn_report_tiles(tarn_report *r);
void tarn_report_candidates(tarn_report *r);
void tarn_report_figures(tarn_report *r);
void tarn_report_classes(tarn_report *r);
void tarn_report_money(tarn_report *r);
void tarn_report_data(tarn_report *r);
void tarn_report_notes(tarn_report *r);
void tarn_report_reproduce(tarn_report *r);

/* Escaped text; and "<tag>escaped</tag>". */
void tarn_report_text(tarn_report *r, const char *text);
void tarn_report_element(tarn_report *r, const char *tag, const char *text);
void tarn_report_section(tarn_report *r, const char *title, const char *lead);
void tarn_report_section_end(tarn_report *r);

/* The style of the page, for light, dark and paper. */
extern const char tarn_report_style[];

#endif
