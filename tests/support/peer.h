/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - real servers for tests: tests/peers/peer.py starts one, and stops it when the test closes its pipe or ends,
 * however it ends. A server that is not installed fails the test, unless TARN_TESTS_MAY_SKIP is set. */
#ifndef TARN_PEER_H
#define TARN_PEER_H

#include "support/tarn_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct peer {
    pid_t pid;
    int in; /* its standard input */
    int port;
    char fault[64]; /* the file of a peer that goes wrong */
} peer;

#define AZURE_KEY "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

/* False: it is not installed, and that may be. port and fault are for the kinds that go wrong. */
static inline bool peer_start(peer *p, const char *kind, int port, const char *fault)
{
    int in[2], out[2];
    char number[16], line[200] = "";

    (void)snprintf(number, sizeof number, "%d", port);
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    *p = (peer){.pid = fork(), .in = in[1]};
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        (void)dup2(in[0], 0);
        (void)dup2(out[1], 1);
        (void)execlp("python3", "python3", "tests/peers/peer.py", kind, number, fault, (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    FILE *f = fdopen(out[0], "r");
    assert_non_null(f);
    (void)!fgets(line, sizeof line, f);
    (void)fclose(f);
    p->port = atoi(line);
    if (p->port > 0) return true;
    (void)close(p->in);
    (void)waitpid(p->pid, NULL, 0);
    if (strncmp(line, "missing", 7) == 0 && getenv("TARN_TESTS_MAY_SKIP")) {
        print_message("SKIPPED %s: %s", kind, line);
        return false;
    }
    fail_msg("the %s for this test does not start: %s", kind, line[0] ? line : "it said nothing");
    return false;
}

static inline void peer_stop(peer *p)
{
    if (p->pid <= 0) return;
    (void)close(p->in);
    (void)waitpid(p->pid, NULL, 0);
    if (p->fault[0]) (void)unlink(p->fault);
    p->pid = 0;
}

/* A peer that goes wrong, in front of another. */
static inline void peer_start_faults(peer *p, const char *kind, const peer *behind)
{
    char file[64] = "/tmp/tarn-fault-XXXXXX";
    int fd = mkstemp(file);

    assert_true(fd >= 0);
    (void)close(fd);
    assert_true(peer_start(p, kind, behind->port, file));
    memcpy(p->fault, file, sizeof file);
}

/* The next n requests go wrong in this way. */
static inline void peer_fault(const peer *p, const char *kind, int n)
{
    FILE *f = fopen(p->fault, "w");

    assert_non_null(f);
    if (n > 0) (void)fprintf(f, "%s %d", kind, n);
    (void)fclose(f);
}

static inline bool peer_fault_is_over(const peer *p)
{
    char left[8];
    FILE *f = fopen(p->fault, "r");

    assert_non_null(f);
    bool over = !fgets(left, sizeof left, f);
    (void)fclose(f);
    return over;
}

/* What s3rver and azurite know. */
static inline void peer_keys(void)
{
    (void)setenv("AWS_ACCESS_KEY_ID", "S3RVER", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "S3RVER", 1);
    (void)unsetenv("AWS_SESSION_TOKEN");
    (void)unsetenv("AWS_PROFILE");
    (void)setenv("AZURE_STORAGE_ACCOUNT", "devstoreaccount1", 1);
    (void)setenv("AZURE_STORAGE_KEY", AZURE_KEY, 1);
    (void)setenv("no_proxy", "127.0.0.1", 1);
}

#endif
