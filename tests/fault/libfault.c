/* SPDX-License-Identifier: Apache-2.0 */
/* libfault.c - a disk that fails when it is told to: preloaded, it fails the n-th call of a kind below a folder.
 *
 *     FAULT='under=/dev/shm/x kinds=write,pwrite nth=3 do=ENOSPC report=/tmp/hit' LD_PRELOAD=libfault.so tarn run
 *
 *     under   only files and folders below it count       kinds   which calls (see KINDS), or all
 *     nth     the call that fails, from 1; 0: none        report  a file made at the moment of the fault
 *     do      EIO, ENOSPC ...: the call fails with it     and stays failing from then on with `lasting` (a full disk)
 *             short: half of it is written or read        kill-before, kill-after: SIGKILL then
 *
 * Kinds are libc's calls, so SQLite's are among them. A failing sync syncs nothing; a failing close closes. A program
 * that was preloaded with it may also call fault_arm(text) itself, typically in a forked child, and fault_hit().
 *
 * Threads: any; the count is one for the process. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KINDS(X)              \
    X(OPEN, "open")           \
    X(CREATE, "create")       \
    X(READ, "read")           \
    X(PREAD, "pread")         \
    X(WRITE, "write")         \
    X(PWRITE, "pwrite")       \
    X(FSYNC, "fsync")         \
    X(FDATASYNC, "fdatasync") \
    X(RENAME, "rename")       \
    X(LINK, "link")           \
    X(UNLINK, "unlink")       \
    X(MKDIR, "mkdir")         \
    X(FTRUNCATE, "ftruncate") \
    X(MMAP, "mmap")           \
    X(CLOSE, "close")

typedef enum kind {
#define X(name, text) K_##name,
    KINDS(X)
#undef X
        K_COUNT
} kind;

static const char *const kind_names[K_COUNT] = {
#define X(name, text) text,
    KINDS(X)
#undef X
};

typedef enum deed { FAIL, SHORT, KILL_BEFORE, KILL_AFTER } deed;
enum { PASSES, FAILS, HALF, DIES_AFTER, FDS = 1 << 16 };

static struct {
    char under[1024], report[1024];
    unsigned kinds;
    long nth;
    deed deed;
    int error;
    bool lasting;
} plan;
static atomic_long count;
static atomic_bool hit;
static atomic_uchar below[FDS]; /* descriptors of files below the folder */

int fault_hit(void);
void fault_arm(const char *text);

int fault_hit(void) { return atomic_load(&hit); }

/* ---- the plan ---- */

static void take_kinds(const char *value)
{
    char list[256], *rest = NULL;

    (void)snprintf(list, sizeof list, "%s", value);
    for (char *word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
        for (int i = 0; i < K_COUNT; i++)
            if (strcmp(word, "all") == 0 || strcmp(word, kind_names[i]) == 0) plan.kinds |= 1u << i;
}

static void take_deed(const char *value)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS}, {"EACCES", EACCES}};

    plan.deed = strcmp(value, "short") == 0         ? SHORT
                : strcmp(value, "kill-before") == 0 ? KILL_BEFORE
                : strcmp(value, "kill-after") == 0  ? KILL_AFTER
                                                    : FAIL;
    plan.error = EIO;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(value, errors[i].name) == 0) plan.error = errors[i].number;
}

/* Take a plan; "" fails nothing any more. Descriptors that are open stay known. */
void fault_arm(const char *text)
{
    char words[4096], *rest = NULL;

    memset(&plan, 0, sizeof plan);
    (void)snprintf(words, sizeof words, "%s", text);
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        if (strcmp(word, "lasting") == 0) plan.lasting = true;
        if (!value) continue;
        *value++ = '\0';
        if (strcmp(word, "under") == 0) (void)snprintf(plan.under, sizeof plan.under, "%s", value);
        if (strcmp(word, "report") == 0) (void)snprintf(plan.report, sizeof plan.report, "%s", value);
        if (strcmp(word, "kinds") == 0) take_kinds(value);
        if (strcmp(word, "nth") == 0) plan.nth = strtol(value, NULL, 10);
        if (strcmp(word, "do") == 0) take_deed(value);
    }
    atomic_store(&count, 0);
    atomic_store(&hit, false);
}

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("FAULT");
    if (text) fault_arm(text);
}

/* ---- judging a call ---- */

static void report(kind k)
{
    if (atomic_exchange(&hit, true) || !plan.report[0]) return;
    long fd = syscall(SYS_openat, AT_FDCWD, plan.report, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) return;
    (void)!syscall(SYS_write, fd, kind_names[k], strlen(kind_names[k]));
    (void)syscall(SYS_close, fd);
}

static void die(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;) (void)pause();
}

static int judge(kind k, bool ours)
{
    if (!ours || plan.nth == 0 || !(plan.kinds & 1u << k)) return PASSES;
    long n = atomic_fetch_add(&count, 1) + 1;
    if (n != plan.nth && !(plan.lasting && n > plan.nth)) return PASSES;
    report(k);
    if (plan.deed == KILL_BEFORE) die();
    if (plan.deed == KILL_AFTER) return DIES_AFTER;
    if (plan.deed == SHORT) return HALF;
    errno = plan.error;
    return FAILS;
}

static bool is_below(const char *path)
{
    size_t len = strlen(plan.under);
    char absolute[2048];

    if (len == 0 || !path) return false;
    if (path[0] != '/') {
        if (!getcwd(absolute, 1000) || strlen(path) > 1000) return false;
        size_t at = strlen(absolute);
        (void)snprintf(absolute + at, sizeof absolute - at, "/%s", path);
        path = absolute;
    }
    return strncmp(path, plan.under, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool fd_below(int fd) { return fd >= 0 && fd < FDS && atomic_load(&below[fd]); }

static void note(int fd, bool ours)
{
    if (fd >= 0 && fd < FDS) atomic_store(&below[fd], ours);
}

static bool at_below(int dir, const char *path)
{
    return path && (path[0] == '/' || dir == AT_FDCWD) ? is_below(path) : fd_below(dir);
}

#define REAL(name)                 \
    static __typeof__(name) *real; \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)
/* The call between its judgement and its end. */
#define JUDGED(kind_, ours, result_type, failed, call) \
    int verdict = judge(kind_, ours);                  \
    if (verdict == FAILS) return failed;               \
    result_type result = call;                         \
    if (verdict == DIES_AFTER) die();                  \
    return result

/* ---- opening and closing ---- */

static int open_any(int (*real)(int, const char *, int, ...), int dir, const char *path, int flags, mode_t mode)
{
    bool ours = at_below(dir, path);
    int verdict = judge(flags & O_CREAT ? K_CREATE : K_OPEN, ours);

    if (verdict == FAILS) return -1;
    int fd = real(dir, path, flags, mode);
    note(fd, ours);
    if (verdict == DIES_AFTER) die();
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(args, unsigned) : 0;
}
#define OPENING(name, first, dir, real_name)           \
    int name(first const char *path, int flags, ...)   \
    {                                                  \
        REAL(real_name);                               \
        va_list args;                                  \
        va_start(args, flags);                         \
        mode_t mode = mode_of(flags, args);            \
        va_end(args);                                  \
        return open_any(real, dir, path, flags, mode); \
    }
#define NOTHING
#define DIRECTORY int folder,
int open64(const char *path, int flags, ...);
int openat64(int folder, const char *path, int flags, ...);
OPENING(open, NOTHING, AT_FDCWD, openat)
OPENING(open64, NOTHING, AT_FDCWD, openat64)
OPENING(openat, DIRECTORY, folder, openat)
OPENING(openat64, DIRECTORY, folder, openat64)

int close(int fd)
{
    REAL(close);
    int verdict = judge(K_CLOSE, fd_below(fd));

    note(fd, false);
    int result = real(fd);
    if (verdict == DIES_AFTER) die();
    if (verdict != FAILS) return result;
    errno = plan.error;
    return -1;
}

/* ---- bytes ---- */

#define HALVED(n) (verdict == HALF && (n) > 1 ? (n) / 2 : (n))
#define BYTES(name, kind_, parameters, arguments) \
    ssize_t name parameters                       \
    {                                             \
        REAL(name);                               \
        int verdict = judge(kind_, fd_below(fd)); \
        if (verdict == FAILS) return -1;          \
        n = HALVED(n);                            \
        ssize_t result = real arguments;          \
        if (verdict == DIES_AFTER) die();         \
        return result;                            \
    }
ssize_t pread64(int fd, void *b, size_t n, off_t at);
ssize_t pwrite64(int fd, const void *b, size_t n, off_t at);
BYTES(read, K_READ, (int fd, void *b, size_t n), (fd, b, n))
BYTES(write, K_WRITE, (int fd, const void *b, size_t n), (fd, b, n))
BYTES(pread, K_PREAD, (int fd, void *b, size_t n, off_t at), (fd, b, n, at))
BYTES(pread64, K_PREAD, (int fd, void *b, size_t n, off_t at), (fd, b, n, at))
BYTES(pwrite, K_PWRITE, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at))
BYTES(pwrite64, K_PWRITE, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at))

int fsync(int fd)
{
    REAL(fsync);
    JUDGED(K_FSYNC, fd_below(fd), int, -1, real(fd));
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    JUDGED(K_FDATASYNC, fd_below(fd), int, -1, real(fd));
}

int ftruncate(int fd, off_t length)
{
    REAL(ftruncate);
    JUDGED(K_FTRUNCATE, fd_below(fd), int, -1, real(fd, length));
}

int ftruncate64(int fd, off_t length);
int ftruncate64(int fd, off_t length)
{
    REAL(ftruncate64);
    JUDGED(K_FTRUNCATE, fd_below(fd), int, -1, real(fd, length));
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t from)
{
    REAL(mmap);
    JUDGED(K_MMAP, !(flags & MAP_ANONYMOUS) && fd_below(fd), void *, MAP_FAILED,
           real(at, n, protection, flags, fd, from));
}

void *mmap64(void *at, size_t n, int protection, int flags, int fd, off_t from);
void *mmap64(void *at, size_t n, int protection, int flags, int fd, off_t from)
{
    REAL(mmap64);
    JUDGED(K_MMAP, !(flags & MAP_ANONYMOUS) && fd_below(fd), void *, MAP_FAILED,
           real(at, n, protection, flags, fd, from));
}

/* ---- names ---- */

int rename(const char *from, const char *to)
{
    REAL(rename);
    JUDGED(K_RENAME, is_below(from) || is_below(to), int, -1, real(from, to));
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    REAL(renameat2);
    JUDGED(K_RENAME, at_below(from_folder, from) || at_below(to_folder, to), int, -1,
           real(from_folder, from, to_folder, to, flags));
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    REAL(renameat);
    JUDGED(K_RENAME, at_below(from_folder, from) || at_below(to_folder, to), int, -1,
           real(from_folder, from, to_folder, to));
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    REAL(linkat);
    JUDGED(K_LINK, at_below(to_folder, to), int, -1, real(from_folder, from, to_folder, to, flags));
}

int link(const char *from, const char *to)
{
    REAL(link);
    JUDGED(K_LINK, is_below(to), int, -1, real(from, to));
}

int unlink(const char *path)
{
    REAL(unlink);
    JUDGED(K_UNLINK, is_below(path), int, -1, real(path));
}

int unlinkat(int folder, const char *path, int flags)
{
    REAL(unlinkat);
    JUDGED(K_UNLINK, at_below(folder, path), int, -1, real(folder, path, flags));
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    JUDGED(K_MKDIR, is_below(path), int, -1, real(path, mode));
}
