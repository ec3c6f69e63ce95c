/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h - the sink of a person at a terminal: lines and progress bars on stderr, Ctrl-C as "stop at the next safe
 * place". */
#ifndef TARN_CLI_TERMINAL_H
#define TARN_CLI_TERMINAL_H

#include "base/sink.h"

typedef struct tarn_terminal tarn_terminal;

/* quiet: warnings only. Bars are drawn only where stderr is a terminal. */
TARN_MUST tarn_code tarn_terminal_new(bool quiet, bool color, tarn_terminal **out, tarn_err *err);
void tarn_terminal_free(tarn_terminal *t);
const tarn_sink *tarn_terminal_sink(tarn_terminal *t);
/* Take the bar away, before something else is printed. */
void tarn_terminal_wipe(tarn_terminal *t);

/* From now on SIGINT and SIGTERM ask to stop; a second one ends the process. True once asked. */
void tarn_catch_stop(void);
bool tarn_stop_asked(void);
/* Has whoever reads the output gone? They had enough, as `head` has. */
bool tarn_nobody_reads(void);

#endif
