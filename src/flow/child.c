/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - running a command of the user's with limits. See child.h.
 *
 * Between fork and exec only calls that a signal handler may make: other threads may hold any lock. */
#include "flow/child.h"

#include "base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES = 4096, FILES = 256, WAIT_MS = 10 };

static void limit(int what, int64_t most)
{
    struct rlimit r = {(rlim_t)most, (rlim_t)most};
    (void)setrlimit(what, &r);
}

/* In the child; does not return. */
static void become(const tarn_child *c, int out_fd, char *const *argv, char *const *envp)
{
    sigset_t none;
    struct sigaction plain = {.sa_handler = SIG_DFL};

    (void)setpgid(0, 0);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < 32; s++) (void)sigaction(s, &plain, NULL);
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(out_fd, 2) < 0) _exit(126);
    (void)close_range(3, ~0U, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_AS, c->memory_bytes);
    limit(RLIMIT_FSIZE, c->file_bytes);
    limit(RLIMIT_CPU, c->seconds + 1);
    limit(RLIMIT_NOFILE, FILES);
    limit(RLIMIT_NPROC, PROCESSES);
    if (chdir(c->folder) != 0) _exit(126);
    (void)execve("/bin/sh", argv, envp);
    _exit(127);
}

/* Take what it has said; *ended when nothing more can come. */
static tarn_code hear(const tarn_child *c, int fd, tarn_child_end *end, bool *ended, tarn_err *err)
{
    char bytes[4096];
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (*ended) {
        (void)nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000}, NULL);
        return TARN_OK;
    }
    if (poll(&p, 1, WAIT_MS) <= 0) return TARN_OK;
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0) return errno == EINTR || errno == EAGAIN ? TARN_OK : TARN_FAIL_ERRNO(err, "read from", "a command");
    *ended = n == 0;
    tarn_text_addn(&end->output, bytes, (size_t)n);
    end->too_much = end->output.len > c->output_bytes;
    return tarn_text_check(&end->output, err);
}

static int status_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

/* Until it is dead and was heard out, or has to be killed. */
static tarn_code watch(const tarn_child *c, pid_t pid, int fd, tarn_child_end *end, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    double start = tarn_seconds();
    bool silent = false, dead = false;
    int status = 0;

    while (rc == TARN_OK && !dead && !end->too_much && !end->too_long) {
        rc = hear(c, fd, end, &silent, err);
        dead = waitpid(pid, &status, WNOHANG) == pid;
        end->seconds = tarn_seconds() - start;
        end->too_long = !dead && end->seconds > (double)c->seconds;
    }
    (void)kill(-pid, SIGKILL); /* what it left behind, and itself if it still lives */
    while (!dead && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    for (size_t before = SIZE_MAX; rc == TARN_OK && !end->too_much && !silent && before != end->output.len;) {
        before = end->output.len; /* what is left in the pipe */
        rc = hear(c, fd, end, &silent, err);
    }
    end->status = status_of(status);
    return rc;
}

tarn_code tarn_child_run(const tarn_child *c, tarn_child_end *out, tarn_err *err)
{
    int fds[2];
    char name[] = "sh", option[] = "-c";
    union {
        const char *const *read;
        char *const *exec; /* execve promises not to write */
    } env = {c->environment};
    union {
        const char *read;
        char *exec;
    } command = {c->command};
    char *argv[] = {name, option, command.exec, NULL};

    *out = (tarn_child_end){.status = -1};
    if (pipe2(fds, O_CLOEXEC) != 0) return TARN_FAIL_ERRNO(err, "make a pipe for", c->command);
    pid_t pid = fork();
    if (pid == 0) become(c, fds[1], argv, env.exec);
    (void)close(fds[1]);
    if (pid < 0) {
        (void)close(fds[0]);
        return TARN_FAIL_ERRNO(err, "start", c->command);
    }
    (void)setpgid(pid, pid); /* whoever of the two comes first */
    tarn_code rc = watch(c, pid, fds[0], out, err);
    (void)close(fds[0]);
    if (rc != TARN_OK) tarn_text_clear(&out->output);
    return rc;
}
