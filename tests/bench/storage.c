// SPDX-License-Identifier: Apache-2.0
/* Files written, copied and read, plain and encrypted. */
#include "tests/bench/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/file.h"

enum { PIECE = 40000, PIECES_A_SYNC = 5, COPY = 65536, ROUNDS_MAX = 99 };
enum { APPEND, FINISH, READ, KINDS };
static const char *const names[KINDS] = {"append_mib_s", "finish_mib_per_cpu_s",
                                         "read_mib_per_cpu_s"};

struct storage {
    struct vault *vault; /* NULL: plain */
    char part[600], out[600];
    uint64_t bytes;
    uint8_t *data;
    struct entropy_seeded seeded;
};

static int append(struct storage *s)
{
    struct file *f;
    int er = file_create(&f, s->vault, s->part);
    if (er < 0)
        return er;
    for (uint64_t at = 0, n = 0; er == 0 && at < s->bytes; at += PIECE) {
        er = file_write(f, s->data + at % (COPY * 4), PIECE);
        if (er == 0 && ++n % PIECES_A_SYNC == 0)
            er = file_sync(f);
    }
    file_close(f);
    return er;
}

static int finish(struct storage *s)
{
    struct file *from = NULL, *to = NULL;
    size_t len = 1;
    int er = file_open(&from, s->vault, s->part);
    if (er == 0)
        er = file_replace(&to, s->vault, s->out);
    while (er == 0 && len > 0) {
        er = file_read(from, s->data, COPY, &len);
        if (er == 0)
            er = file_write(to, s->data, len);
    }
    if (er == 0)
        er = file_sync(to);
    file_close(from);
    file_close(to);
    return er;
}

static int read_anywhere(struct storage *s)
{
    const struct entropy e = {.fill = entropy_seeded_init(&s->seeded, 1).fill, .ctx = &s->seeded};
    struct file *f;
    int er = file_open(&f, s->vault, s->out);
    if (er < 0)
        return er;
    for (uint64_t done = 0; er == 0 && done < s->bytes; done += COPY) {
        size_t len;
        er = file_read_at(f, entropy_u64(&e) % (s->bytes - COPY), s->data, COPY, &len);
    }
    file_close(f);
    return er;
}

static double cpu_seconds(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int one_round(struct storage *s, double ret_rates[KINDS])
{
    static int (*const steps[KINDS])(struct storage * s) = {append, finish, read_anywhere};
    int er = 0;
    for (size_t i = 0; er == 0 && i < KINDS; i++) {
        uint64_t from_us = clock_now_us();
        double from_cpu = cpu_seconds();
        er = steps[i](s);
        double seconds = i == APPEND ? (double)(clock_now_us() - from_us) / 1e6
                                     : cpu_seconds() - from_cpu;
        ret_rates[i] = (double)s->bytes / 1048576 / (seconds + 1e-9);
    }
    (void)file_remove(s->part);
    (void)file_remove(s->out);
    return er;
}

static void print(double rates[2][KINDS][ROUNDS_MAX], size_t rounds)
{
    for (size_t i = 0; i < KINDS; i++) {
        for (size_t k = 0; k < 2; k++)
            qsort(rates[k][i], rounds, sizeof(double), by_size);
        double plain = rates[0][i][rounds / 2], encrypted = rates[1][i][rounds / 2];
        printf("%s\"%s\":{\"plain\":%.0f,\"encrypted\":%.0f,\"ratio\":%.3f}", i ? "," : "{",
               names[i], plain, encrypted, encrypted / plain);
    }
    printf("}\n");
}

int storage_main(int argc, char **argv)
{
    static const char key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    static double rates[2][KINDS][ROUNDS_MAX];
    struct vault *vault = NULL;
    size_t line;
    if (argc != 3)
        return 2;
    long mib = strtol(argv[1], NULL, 10), rounds = strtol(argv[2], NULL, 10);
    if (mib < 1 || rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    struct storage s = {.bytes = (uint64_t)mib << 20, .data = calloc(8, COPY)};
    (void)snprintf(s.part, sizeof s.part, "%s/part", argv[0]);
    (void)snprintf(s.out, sizeof s.out, "%s/out", argv[0]);
    int er = s.data ? vault_new(&vault, entropy_system()) : ER_NOMEM;
    if (er == 0)
        er = vault_set_keys(vault, span_of(key), &line);
    for (long i = 0; er == 0 && i < rounds; i++) {
        for (size_t k = 0; er == 0 && k < 2; k++) {
            double found[KINDS];
            s.vault = k ? vault : NULL;
            er = one_round(&s, found);
            for (size_t n = 0; n < KINDS; n++)
                rates[k][n][i] = found[n];
        }
    }
    if (er == 0)
        print(rates, (size_t)rounds);
    else
        fprintf(stderr, "loupe-bench: storage: %s\n", er_name(er));
    vault_free(vault);
    free(s.data);
    return er ? 1 : 0;
}
