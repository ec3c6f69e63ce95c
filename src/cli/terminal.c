/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.c - see terminal.h. The stop flag is the process's: a signal has no other address. */
#include "cli/terminal.h"

#include "base/mem.h"
#include "base/str.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { BAR_CELLS = 24 };

struct tarn_terminal {
    pthread_mutex_t lock; /* guards what is on the screen */
    tarn_sink sink;
    bool quiet, color, tty, drawn;
    char what[96];
    double started, last;
    int64_t first;
};

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    if (stop_asked) {
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
    stop_asked = 1;
}

void tarn_catch_stop(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error like a full disk, with a message */
}

bool tarn_stop_asked(void) { return stop_asked != 0; }

bool tarn_nobody_reads(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

static void wipe(tarn_terminal *t)
{
    if (t->drawn) (void)fputs("\r\033[K", stderr);
    t->drawn = false;
}

void tarn_terminal_wipe(tarn_terminal *t)
{
    (void)pthread_mutex_lock(&t->lock);
    wipe(t);
    (void)pthread_mutex_unlock(&t->lock);
}

static void say(void *self, tarn_level level, const char *line)
{
    tarn_terminal *t = self;

    if (level == TARN_DEBUG || (t->quiet && level != TARN_WARN)) return;
    (void)pthread_mutex_lock(&t->lock);
    wipe(t);
    (void)fprintf(stderr, "%s%s%s%s\n", level == TARN_WARN && t->color ? "\033[33m" : "",
                  level == TARN_WARN ? "! " : "  ", line, level == TARN_WARN && t->color ? "\033[0m" : "");
    (void)pthread_mutex_unlock(&t->lock);
}

static void draw(tarn_terminal *t, int64_t done, int64_t total, const char *unit, double now)
{
    char a[32], b[32], bar[BAR_CELLS + 1];
    double rate = now > t->started ? (double)(done - t->first) / (now - t->started) : 0;
    int cells = total > 0 ? (int)((double)BAR_CELLS * (double)done / (double)total) : 0;

    for (int i = 0; i < BAR_CELLS; i++) bar[i] = i < cells ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    (void)fprintf(stderr, "\r\033[K  %s ", t->what);
    if (total > 0)
        (void)fprintf(stderr, "[%s] %s of %s %s", bar, tarn_num_group(done, a), tarn_num_group(total, b), unit);
    else (void)fprintf(stderr, "%s %s", tarn_num_group(done, a), unit);
    if (rate > 0) (void)fprintf(stderr, ", %s/s", tarn_num_group((int64_t)rate, a));
    if (rate > 0 && total > done) (void)fprintf(stderr, ", %.0f s left", (double)(total - done) / rate);
    (void)fflush(stderr);
    t->drawn = true;
}

static void progress(void *self, const char *what, int64_t done, int64_t total, const char *unit)
{
    tarn_terminal *t = self;
    double now = tarn_seconds();

    if (t->quiet || !t->tty) return;
    (void)pthread_mutex_lock(&t->lock);
    if (strncmp(what, t->what, sizeof t->what - 1) != 0) {
        (void)snprintf(t->what, sizeof t->what, "%s", what);
        t->started = now;
        t->first = done;
        t->last = 0;
    }
    if (now - t->last > 0.1) {
        t->last = now;
        draw(t, done, total, unit, now);
    }
    if (total > 0 && done >= total) wipe(t);
    (void)pthread_mutex_unlock(&t->lock);
}

static bool cancelled(void *self)
{
    (void)self;
    return tarn_stop_asked();
}

tarn_code tarn_terminal_new(bool quiet, bool color, tarn_terminal **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc != TARN_OK) return rc;
    tarn_terminal *t = *out;
    (void)pthread_mutex_init(&t->lock, NULL);
    t->quiet = quiet;
    t->color = color;
    t->tty = isatty(STDERR_FILENO);
    t->sink = (tarn_sink){.self = t, .say = say, .progress = progress, .cancelled = cancelled};
    return TARN_OK;
}

void tarn_terminal_free(tarn_terminal *t)
{
    if (!t) return;
    tarn_terminal_wipe(t);
    (void)pthread_mutex_destroy(&t->lock);
    tarn_free(t);
}

const tarn_sink *tarn_terminal_sink(tarn_terminal *t) { return &t->sink; }
