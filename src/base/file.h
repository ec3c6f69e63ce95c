/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - files that are there whole or not at all.
 *
 * Writing: tarn_file_create, tarn_file_write ..., tarn_file_commit, tarn_file_close. The bytes go to
 * a temporary file beside the target; commit syncs it, renames it over the target and syncs the
 * folder, so a crash at any moment leaves the old file or the new one. Closing without commit
 * removes the temporary file.
 *
 * A failed sync is final: the kernel may have dropped the pages, so the file is never retried.
 */
#ifndef TARN_BASE_FILE_H
#define TARN_BASE_FILE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_file tarn_file;

/* Start writing path (its folder must exist). *out is closed with tarn_file_close. */
TARN_MUST tarn_code tarn_file_create(const char *path, tarn_file **out, tarn_err *err);
TARN_MUST tarn_code tarn_file_write(tarn_file *f, const void *bytes, size_t len, tarn_err *err);
/* Sync, rename into place, sync the folder. */
TARN_MUST tarn_code tarn_file_commit(tarn_file *f, tarn_err *err);
void tarn_file_close(tarn_file *f);

/* Create, write, commit in one. */
TARN_MUST tarn_code tarn_file_save(const char *path, const void *bytes, size_t len, tarn_err *err);

/* A whole file in memory, NUL added behind; tarn_free(*out). Larger than `most` is TARN_LIMIT
 * (most 0: 1 GiB). Reads regular files only. */
TARN_MUST tarn_code tarn_file_read(const char *path, size_t most, char **out, size_t *len, tarn_err *err);

/* A file mapped read-only; an empty file gives bytes "" and len 0. */
typedef struct tarn_mapped {
    const void *bytes;
    size_t len;
} tarn_mapped;
TARN_MUST tarn_code tarn_map_open(const char *path, tarn_mapped *out, tarn_err *err);
void tarn_map_close(tarn_mapped *m);

/* write(2) and pread(2) until all is done; a short read is TARN_CORRUPT ("ends early"). */
TARN_MUST tarn_code tarn_fd_write(int fd, const void *bytes, size_t len, const char *path, tarn_err *err);
TARN_MUST tarn_code tarn_fd_read(int fd, void *bytes, size_t len, uint64_t at, const char *path, tarn_err *err);
TARN_MUST tarn_code tarn_fd_sync(int fd, const char *path, tarn_err *err);
TARN_MUST tarn_code tarn_dir_sync(const char *dir, tarn_err *err);

/* mkdir -p; existing folders are fine. */
TARN_MUST tarn_code tarn_dir_make(const char *path, tarn_err *err);
/* Remove a folder and all in it; a missing one is fine. Does not follow symbolic links. */
TARN_MUST tarn_code tarn_dir_remove(const char *path, tarn_err *err);

bool tarn_path_exists(const char *path);
bool tarn_path_is_dir(const char *path);
/* "dir/name" into out; TARN_LIMIT if it does not fit. */
TARN_MUST tarn_code tarn_path_join(char *out, size_t cap, const char *dir, const char *name, tarn_err *err);

#ifdef __cplusplus
}
#endif
#endif
