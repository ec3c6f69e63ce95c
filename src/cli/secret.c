/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - see secret.h. */
#include "cli/secret.h"

#include "base/file.h"
#include "base/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static tarn_code read_line(int fd, char out[TARN_PASSPHRASE_MOST], tarn_err *err)
{
    size_t n = 0;
    char c;

    for (;;) {
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return TARN_FAIL(err, TARN_CANCELLED, "no passphrase was typed");
        if (c == '\n' || c == '\r') break;
        if (n + 1 >= TARN_PASSPHRASE_MOST)
            return TARN_FAIL(err, TARN_INVALID, "a passphrase has at most %d bytes", TARN_PASSPHRASE_MOST - 1);
        out[n++] = c;
    }
    out[n] = '\0';
    return TARN_OK;
}

static tarn_code ask(int fd, const char *question, char out[TARN_PASSPHRASE_MOST], tarn_err *err)
{
    struct termios was, quiet;

    if (tcgetattr(fd, &was) != 0) return TARN_FAIL_ERRNO(err, "ask at", "the terminal");
    quiet = was;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0) return TARN_FAIL_ERRNO(err, "ask at", "the terminal");
    tarn_code rc = tarn_fd_write(fd, question, strlen(question), "the terminal", err);
    if (rc == TARN_OK) rc = tarn_fd_write(fd, ": ", 2, "the terminal", err);
    if (rc == TARN_OK) rc = read_line(fd, out, err);
    (void)tcsetattr(fd, TCSAFLUSH, &was);
    if (tarn_fd_write(fd, "\n", 1, "the terminal", NULL) != TARN_OK && rc == TARN_OK) return TARN_OK;
    return rc;
}

tarn_code tarn_cli_passphrase(const char *variable, const char *question, bool twice, char out[TARN_PASSPHRASE_MOST],
                              tarn_err *err)
{
    tarn_code rc = TARN_OK;
    const char *given = getenv(variable);
    char again[TARN_PASSPHRASE_MOST] = "";
    int fd = -1;

    if (given && *given) {
        if (strlen(given) >= TARN_PASSPHRASE_MOST)
            return TARN_FAIL(err, TARN_INVALID, "the passphrase in %s has over %d bytes", variable,
                             TARN_PASSPHRASE_MOST - 1);
        (void)strcpy(out, given);
        return TARN_OK;
    }
    fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return TARN_FAIL(err, TARN_DENIED, "a passphrase is needed and nobody can be asked; set %s", variable);
    TARN_TRY(ask(fd, question, out, err));
    if (twice) {
        TARN_TRY(ask(fd, "The same again", again, err));
        if (strcmp(out, again) != 0) rc = TARN_FAIL(err, TARN_INVALID, "the two passphrases differ; nothing was done");
    }
done:
    tarn_secret_wipe(again, sizeof again);
    (void)close(fd);
    return rc;
}

tarn_code tarn_cli_open_lake(const char *folder, tarn_lake **out, tarn_err *err)
{
    char passphrase[TARN_PASSPHRASE_MOST] = "";
    tarn_key_kind kind = TARN_KEY_NONE;
    tarn_code rc = tarn_lake_open(folder, out, err);

    if (rc != TARN_DENIED || getenv("TARN_PASSPHRASE") || !isatty(STDIN_FILENO)) return rc;
    if (tarn_lake_key_needed(folder, &kind, NULL) != TARN_OK || kind != TARN_KEY_PASSPHRASE) return rc;
    rc = tarn_cli_passphrase("TARN_PASSPHRASE", "Passphrase of the lake", false, passphrase, err);
    if (rc == TARN_OK) rc = tarn_lake_open_with(folder, &(tarn_lake_key){.passphrase = passphrase}, out, err);
    tarn_secret_wipe(passphrase, sizeof passphrase);
    return rc;
}

/* 32 random bytes in hexadecimal, for the owner alone, on the disk before anything depends on it. */
static tarn_code make_key_file(const char *path, tarn_err *err)
{
    tarn_code rc = TARN_OK;
    uint8_t bytes[TARN_KEY_BYTES];
    char hex[TARN_KEY_HEX + 1] = "";
    int fd = -1;

    TARN_TRY(tarn_secret_random(bytes, sizeof bytes, err));
    for (int i = 0; i < TARN_KEY_BYTES; i++) (void)snprintf(hex + (ptrdiff_t)2 * i, 3, "%02x", bytes[i]);
    hex[TARN_KEY_HEX - 1] = '\n';
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return TARN_FAIL_ERRNO(err, "create key file", path);
    TARN_TRY(tarn_fd_write(fd, hex, TARN_KEY_HEX, path, err));
    TARN_TRY(tarn_fd_sync(fd, path, err));
done:
    tarn_secret_wipe(bytes, sizeof bytes);
    tarn_secret_wipe(hex, sizeof hex);
    if (fd >= 0) (void)close(fd);
    return rc;
}

tarn_code tarn_cli_new_key(const tarn_cli *cli, const char *key_file, bool use_passphrase, const char *variable,
                           char passphrase[TARN_PASSPHRASE_MOST], tarn_lake_key *out, tarn_err *err)
{
    tarn_code rc = TARN_OK;

    *out = (tarn_lake_key){.file = NULL};
    if ((*key_file != '\0') == use_passphrase)
        return TARN_FAIL(err, TARN_USAGE, "say which key: --key-file FILE or --passphrase%s",
                         use_passphrase ? ", not both" : "");
    if (use_passphrase) {
        TARN_TRY(tarn_cli_passphrase(variable, "New passphrase", true, passphrase, err));
        out->passphrase = passphrase;
        return TARN_OK;
    }
    if (!tarn_path_exists(key_file)) {
        TARN_TRY(make_key_file(key_file, err));
        tarn_out(cli, "Made the key file %s (32 random bytes, readable by you alone).\n", key_file);
    }
    out->file = key_file;
done:
    return rc;
}
