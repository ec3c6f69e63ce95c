/* SPDX-License-Identifier: Apache-2.0 */
/* copies_test.c - what is read often comes from a copy, byte for byte; a copy that was written to is not used; slow
 * readers of one are served, stalled ones are cut off; copies keep to their limit and end with the gateway. */
#include "serve/s3/inside.h"
#include "serve/serve_sample.h"

#include <stdlib.h>
#include <time.h>

enum { SIZE = 24 << 20 };

typedef struct house {
    char folder[32];
    tarn_lake *lake;
    tarn_s3 *s3;
    tarn_object object[2];
    char *bytes[2];
} house;

static void house_open(house *h, uint64_t copies_bytes)
{
    tarn_entry e[2] = {{.path = "a"}, {.path = "b"}};
    tarn_id id;

    *h = (house){.folder = "/tmp/tarn-copies-XXXXXX"};
    assert_non_null(mkdtemp(h->folder));
    must(tarn_lake_init(h->folder, err));
    must(tarn_lake_open(h->folder, &h->lake, err));
    for (int k = 0; k < 2; k++) {
        uint64_t x = 77 + (uint64_t)k;
        must(tarn_alloc(&h->bytes[k], SIZE, 1, err));
        for (size_t i = 0; i + 8 <= SIZE; i += 8) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            memcpy(h->bytes[k] + i, &x, 8);
        }
        must(tarn_lake_put(h->lake, h->bytes[k], SIZE, &e[k].object, err));
        h->object[k] = e[k].object;
    }
    must(tarn_lake_commit_entries(h->lake, "main", e, 2, &(tarn_commit_options){.author = "t", .message = "m"}, &id,
                                  err));
    tarn_s3_options o = {
        .lake = h->lake, .bucket = "lake", .anonymous_reads = true, .timeout_s = 1, .copies_bytes = copies_bytes};
    must(tarn_s3_start(&o, &h->s3, err));
}

static void house_close(house *h)
{
    must(tarn_s3_stop(h->s3, err));
    tarn_lake_close(h->lake);
    must(tarn_dir_remove(h->folder, err));
    for (int k = 0; k < 2; k++) tarn_free(h->bytes[k]);
}

static void nap(long ms) { (void)nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL); }

/* GET of "a" or "b": how many bytes of the content came, all of them right; a pause of so many milliseconds after each
 * MiB, and once `stall` in the middle. */
static size_t fetch(const house *h, int which, long pause_ms, long stall_ms)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), small = 64 << 10;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)tarn_s3_port(h->s3)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[128], *got = NULL;
    size_t n = 0, paused = 0;
    ssize_t more;

    must(tarn_alloc(&got, SIZE + 4096, 1, err));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    (void)snprintf(request, sizeof request,
                   "GET /lake/main/%c HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "ab"[which]);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    while (n < SIZE + 4095 && (more = recv(fd, got + n, SIZE + 4095 - n, 0)) > 0) {
        n += (size_t)more;
        if (n / (1 << 20) <= paused) continue;
        paused = n / (1 << 20);
        nap(paused == 4 ? stall_ms + pause_ms : pause_ms);
    }
    (void)close(fd);
    const char *body = strstr(got, "\r\n\r\n");
    assert_non_null(body);
    size_t head = (size_t)(body + 4 - got);
    assert_memory_equal(body + 4, h->bytes[which], n - head);
    tarn_free(got);
    return n - head;
}

static bool copy_path(const house *h, int which, char path[512])
{
    char hex[TARN_ID_HEX];

    (void)tarn_id_hex(&h->object[which].id, hex);
    (void)snprintf(path, 512, "%s/objects/%.2s/%s.s3", tarn_lake_cache_dir(h->lake), hex, hex);
    return access(path, R_OK) == 0;
}

/* Read it until there is a copy, which takes a moment to be made. */
static bool heat(const house *h, int which, char path[512])
{
    for (int i = 0; i < 3; i++) assert_int_equal(fetch(h, which, 0, 0), SIZE);
    for (int i = 0; i < 100 && !copy_path(h, which, path); i++) nap(30);
    nap(100); /* the thread has noted it */
    return copy_path(h, which, path);
}

static void the_kernel_sends_what_is_hot(void **state)
{
    house h;
    char path[512];
    char begins[16] = "";

    (void)state;
    house_open(&h, 100 << 20);
    assert_true(heat(&h, 0, path));
    assert_int_equal(fetch(&h, 0, 0, 0), SIZE);
    assert_int_equal(fetch(&h, 0, 100, 0), SIZE); /* over two seconds, twice the timeout */
    assert_true(fetch(&h, 0, 0, 3500) < SIZE);    /* nothing moved for that long */
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    (void)fputs("not what it was", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(fetch(&h, 0, 0, 0), SIZE); /* fetch compares every byte */
    assert_true(heat(&h, 0, path));
    f = fopen(path, "r"); /* a new copy, with the right bytes */
    assert_non_null(f);
    assert_int_equal(fread(begins, 1, 15, f), 15);
    assert_int_equal(fclose(f), 0);
    assert_memory_equal(begins, h.bytes[0], 15);
    house_close(&h);
}

static void copies_keep_to_their_limit(void **state)
{
    house h;
    char path[512];

    (void)state;
    house_open(&h, SIZE + SIZE / 2);
    assert_true(heat(&h, 0, path));
    assert_true(heat(&h, 1, path));
    assert_false(copy_path(&h, 0, path)); /* the one unused for longer */
    assert_int_equal(fetch(&h, 0, 0, 0), SIZE);
    must(tarn_s3_stop(h.s3, err));
    h.s3 = NULL;
    assert_false(copy_path(&h, 1, path));
    house_close(&h);
}

static void none_where_there_are_to_be_none(void **state)
{
    house h;
    char path[512];

    (void)state;
    house_open(&h, 0);
    for (int i = 0; i < 3; i++) assert_int_equal(fetch(&h, 0, 0, 0), SIZE);
    nap(200);
    assert_false(copy_path(&h, 0, path));
    house_close(&h);
}

TARN_TESTS(TARN_TEST(the_kernel_sends_what_is_hot), TARN_TEST(copies_keep_to_their_limit),
           TARN_TEST(none_where_there_are_to_be_none))
