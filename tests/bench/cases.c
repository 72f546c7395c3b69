// SPDX-License-Identifier: Apache-2.0
/* Makes, finds and changes cases, and says how long each took. */
#include "tests/bench/cases.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/store_record.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
enum { BATCH = 2000, ROUNDS = 200, PAGE = 50, SYNCS_MAX = 100000 };

struct run {
    struct store *s;
    struct entropy_seeded seeded;
    struct entropy random, system;
    uint64_t now_us;
    unsigned long cases, events;
    struct id some[1024]; /* of the made ones, at random */
    uint64_t *us;         /* what was measured, in microseconds */
    size_t count, size;
};

static unsigned long below(struct run *r, unsigned long n)
{
    return (unsigned long)(entropy_u64(&r->random) % n);
}

#define ANY(r, list) ((list)[below((r), COUNT(list))])

static const char *const goods[] = {"cup",
                                    "bag",
                                    "watch",
                                    "sneakers",
                                    "phone",
                                    "necklace",
                                    "coat",
                                    "lamp",
                                    "chair",
                                    "camera",
                                    "\xe8\x8c\xb6\xe6\x9d\xaf",
                                    "\xe6\x89\x8b\xe8\xa1\xa8"};
static const char *const faults[] = {"Cracked",
                                     "Wrong colour",
                                     "Does not start",
                                     "Scratched",
                                     "Is it genuine?",
                                     "Too small",
                                     "Missing part",
                                     "\xe5\xbc\x80\xe8\xa3\x82",
                                     "\xe7\xa0\xb4\xe6\x8d\x9f"};
static const char *const surnames[] = {"Lin",    "Chen",         "Wang",         "Smith", "Meyer",
                                       "Tanaka", "\xe7\x8e\x8b", "\xe6\x9d\x8e", "Rossi", "Dubois"};
static const char *const given[] = {"Yue",  "Jie",  "Anna", "Bo",           "Mei",
                                    "Paul", "Rosa", "Ken",  "\xe6\x98\x8e", "\xe8\x8a\xb3"};
static const char *const categories[] = {"handbag", "watch",     "sneaker",
                                         "phone",   "jewellery", "card"};
static const char *const tags[] = {"vip", "fragile", "return", "fraud?", "press"};

static int act(struct run *r, const struct id *id, enum case_action action, const char *who,
               const char *data)
{
    struct store_case after = {0};
    json_t *body = data ? json_loads(data, 0, NULL) : NULL;
    const struct store_action a = {
        .case_id = *id, .action = action, .actor = who, .role = ROLE_COUNT, .data = body};
    r->now_us += 1000;
    int er = store_case_act(r->s, &a, r->now_us, &after);
    store_case_clear(&after);
    json_decref(body);
    r->events++;
    return er;
}

/** Its life, as far as it has come. */
static int live(struct run *r, const struct id *id)
{
    static const struct {
        enum case_action action;
        const char *who, *data;
    } path[] = {
        {CASE_WAIT, "buyer", NULL},
        {CASE_START_CALL, "agent-7", "{\"agent\":\"agent-7\"}"},
        {CASE_PROPOSE, "agent-7",
         "{\"outcome\":\"refund\",\"amount\":{\"value\":\"120.00\",\"currency\":\"CNY\"}}"},
        {CASE_END_CALL, "agent-7", "{\"reason\":\"hung_up\"}"},
        {CASE_AGREE, "buyer", NULL},
        {CASE_EXECUTE, "shop", "{\"reference\":\"R-1\"}"},
        {CASE_CLOSE, "shop", NULL},
    };
    unsigned long fate = below(r, 100);
    if (fate < 15)
        return act(r, id, CASE_CANCEL, "buyer", NULL);
    if (fate < 18) {
        int er = act(r, id, CASE_PROPOSE, "agent-7", "{\"outcome\":\"goodwill\"}");
        return er ? er : act(r, id, CASE_DISPUTE, "buyer", "{\"statement\":\"It came so.\"}");
    }
    size_t steps = fate < 75 ? COUNT(path) : fate < 90 ? 0 : 1 + below(r, 6);
    for (size_t i = 0; i < steps; i++) {
        int er = act(r, id, path[i].action, path[i].who, path[i].data);
        if (er)
            return er;
    }
    return 0;
}

static int make_one(struct run *r, unsigned long i)
{
    struct store_case c = {.kind = below(r, 5) ? CASE_INSPECTION : CASE_AUTHENTICATION,
                           .priority = (int)below(r, 3)};
    bool repeated;
    (void)str_copy(c.merchant, sizeof c.merchant, below(r, 10) ? "default" : "tea-house");
    (void)snprintf(c.title, sizeof c.title, "%s %s", ANY(r, faults), ANY(r, goods));
    (void)snprintf(c.buyer, sizeof c.buyer, "buyer-%lu", below(r, 400000));
    (void)snprintf(c.buyer_name, sizeof c.buyer_name, "%s %s", ANY(r, given), ANY(r, surnames));
    (void)str_copy(c.language, sizeof c.language, below(r, 2) ? "zh-CN" : "en");
    char number[24];
    (void)snprintf(number, sizeof number, "T%010lu", 7919 * i);
    c.more = json_pack("{s:s,s:s,s:s,s:{s:s,s:{s:s,s:s}}}", "category", ANY(r, categories),
                       "reason", "It arrived like this", "tier", below(r, 9) ? "plain" : "gold",
                       "order", "number", number, "total", "value", "120.00", "currency", "CNY");
    r->now_us += 20000000;
    int er = store_case_create(r->s, &c, "shop", "k", NULL, "", r->now_us, &repeated);
    r->events++;
    if (!er)
        er = live(r, &c.id);
    if (!er && below(r, 20) == 0) {
        json_t *on = json_pack("[s]", ANY(r, tags));
        er = store_tags_change(r->s, &c.id, "agent-7", on, NULL, r->now_us);
        json_decref(on);
        r->events++;
    }
    if (i < COUNT(r->some) || below(r, i) < COUNT(r->some))
        r->some[i < COUNT(r->some) ? i : below(r, COUNT(r->some))] = c.id;
    store_case_clear(&c);
    return er;
}

static int make_all(struct run *r)
{
    int er = 0;
    for (unsigned long i = 0; !er && i < r->cases; i++) {
        if (i % BATCH == 0)
            er = store_begin(r->s);
        if (!er)
            er = make_one(r, i);
        if (er || (i + 1) % BATCH == 0 || i + 1 == r->cases)
            er = store_end(r->s, er);
        if ((i + 1) % 50000 == 0)
            (void)fprintf(stderr, "%lu cases\n", i + 1);
    }
    return er;
}

/** Some of those that are there. */
static int pick(struct run *r)
{
    for (size_t i = 0, tries = 0; i < COUNT(r->some); tries++) {
        char number[24];
        struct store_case c = {0};
        (void)snprintf(number, sizeof number, "C-%s-%06lu", below(r, 2) ? "2025" : "2026",
                       1 + below(r, 800000));
        if (store_case_numbered(r->s, number, &c) == 0)
            r->some[i++] = c.id;
        store_case_clear(&c);
        if (tries > 100 * COUNT(r->some))
            return ER_NOT_FOUND;
    }
    return 0;
}

/* Measuring */

static int measured(struct run *r, uint64_t us)
{
    if (r->count == r->size) {
        size_t size = r->size ? r->size * 2 : 4096;
        uint64_t *more = realloc(r->us, size * sizeof *more);
        if (!more)
            return ER_NOMEM;
        r->us = more;
        r->size = size;
    }
    r->us[r->count++] = us;
    return 0;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/** Of what was measured since `from`, in milliseconds. */
static json_t *spread(struct run *r, size_t from)
{
    size_t n = r->count - from;
    if (n == 0)
        return json_null();
    qsort(r->us + from, n, sizeof *r->us, by_size);
    return json_pack(
        "{s:i,s:f,s:f,s:f}", "count", (int)n, "median", (double)r->us[from + n / 2] / 1e3, "p99",
        (double)r->us[from + n * 99 / 100] / 1e3, "max", (double)r->us[r->count - 1] / 1e3);
}

struct page {
    struct run *r;
    json_t *items;
};

static void page_add(void *ctx, const struct store_case *c)
{
    struct page *page = ctx;
    json_t *o = store_case_json(c);
    (void)json_object_set_new(o, "tags", store_tags_of(page->r->s, &c->id));
    (void)json_object_set_new(o, "links", store_links_of(page->r->s, &c->id));
    (void)json_array_append_new(page->items, o);
}

/** A page as the API gives it. How many cases are on it, or an error. */
static int look(struct run *r, const struct store_case_filter *f)
{
    struct page page = {.r = r, .items = json_array()};
    struct id next;
    uint64_t from = clock_now_us();
    int er = store_cases_list(r->s, f, page_add, &page, &next);
    char *text = json_dumps(page.items, JSON_COMPACT);
    if (!er)
        er = measured(r, clock_now_us() - from);
    int found = (int)json_array_size(page.items);
    free(text);
    json_decref(page.items);
    return er ? er : found;
}

struct way {
    const char *name;
    struct store_case_filter f;
    const char *const *words; /* one at random */
    size_t count;
    bool pages;  /* from anywhere */
    bool number; /* a case's, at random */
    bool order;  /* its order's, without the end */
};

#define STATE(s) .f = {.by_state = true, .state = (s)}
#define WORDS(list) .words = (list), .count = COUNT(list)

static const char *const two[] = {"cracked cup", "scratched watch", "wrong coat", "lin yue",
                                  "meyer anna camera"};
static const char *const chinese[] = {"\xe8\x8c\xb6\xe6\x9d\xaf", "\xe5\xbc\x80\xe8\xa3\x82",
                                      "\xe7\xa0\xb4\xe6\x8d\x9f \xe6\x89\x8b\xe8\xa1\xa8",
                                      "\xe8\xa3\x82"};
static const char *const begun[] = {"cr", "cra", "crac", "hand", "scratch", "buyer", "tan"};
static const char *const apart[] = {"cup bag", "cracked scratched", "lin chen"};
static const char *const nothing[] = {"zebra", "cracked zebra", "cup zz"};
static const struct way ways[] = {
    {.name = "newest"},
    {.name = "from_anywhere", .pages = true},
    {.name = "waiting", STATE(CASE_WAITING)},
    {.name = "disputed", STATE(CASE_DISPUTED), .pages = true},
    {.name = "closed", STATE(CASE_CLOSED), .pages = true},
    {.name = "kind", .f = {.by_kind = true, .kind = CASE_AUTHENTICATION}, .pages = true},
    {.name = "kind_of_none", .f = {.by_kind = true, .kind = CASE_LIVE}},
    {.name = "arbiter", .f = {.disputed = true}, .pages = true},
    {.name = "tag", .f = {.tag = "press"}, .pages = true},
    {.name = "number", .number = true},
    {.name = "word", WORDS(goods)},
    {.name = "word_from_anywhere", WORDS(goods), .pages = true},
    {.name = "words", WORDS(two)},
    {.name = "chinese", WORDS(chinese)},
    {.name = "begin_of_word", WORDS(begun)},
    {.name = "found_nowhere", WORDS(nothing)},
    {.name = "common_but_apart", WORDS(apart)},
    {.name = "order_number", .order = true},
    {.name = "word_and_state", WORDS(goods), STATE(CASE_EXECUTED)},
    {.name = "word_and_rare_state", WORDS(two), STATE(CASE_WAITING)},
    {.name = "word_and_tag", WORDS(goods), .f = {.tag = "vip"}},
    {.name = "word_of_the_smaller", WORDS(goods), .f = {.merchant = "tea-house"}},
};

/** Its order's number but for the last digit. */
static const char *order_of(const struct store_case *c, char ret[24])
{
    const json_t *order = json_object_get(c->more, "order");
    const char *number = json_string_value(json_object_get(order, "number"));
    (void)snprintf(ret, 24, "%.10s", number ? number : "");
    return ret;
}

static int look_some(struct run *r, const struct way *w, json_t *ret)
{
    size_t from = r->count;
    long found = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct store_case_filter f = w->f;
        struct store_case c = {0};
        char begin[24];
        if (!f.merchant)
            f.merchant = "default";
        f.limit = PAGE;
        f.text = w->count ? w->words[below(r, w->count)] : NULL;
        if (w->pages)
            f.before = ANY(r, r->some);
        if (w->number && store_case_get(r->s, &ANY(r, r->some), &c) == 0)
            f.text = c.number;
        if (w->order && store_case_get(r->s, &ANY(r, r->some), &c) == 0)
            f.text = order_of(&c, begin);
        int n = look(r, &f);
        store_case_clear(&c);
        if (n < 0)
            return n;
        found += n;
    }
    json_t *o = spread(r, from);
    (void)json_object_set_new(o, "cases_a_page", json_real((double)found / ROUNDS));
    return json_object_set_new(ret, w->name, o) ? ER_NOMEM : 0;
}

static int look_all(struct run *r, json_t *ret)
{
    int er = 0;
    r->count = 0;
    for (size_t i = 0; !er && i < COUNT(ways); i++)
        er = look_some(r, &ways[i], ret);
    if (!er)
        (void)json_object_set_new(ret, "all", spread(r, 0));
    return er;
}

/** Changes of the facts' kind and of states by turns, each durable before the next. */
static int write_some(struct run *r, unsigned seconds, json_t *ret)
{
    uint64_t from = clock_now_us(), seq, end = from + seconds * UINT64_C(1000000);
    r->count = 0;
    int er = 0;
    while (!er && clock_now_us() < end) {
        uint64_t before = clock_now_us();
        er = store_note_add(r->s, &ANY(r, r->some), "agent-7", "The buyer was called back.",
                            below(r, 2), r->now_us += 1000, &seq);
        if (!er)
            er = measured(r, clock_now_us() - before);
    }
    double took = (double)(clock_now_us() - from) / 1e6;
    (void)json_object_set_new(ret, "events_a_second", json_real((double)r->count / took));
    (void)json_object_set_new(ret, "event_ms", spread(r, 0));
    return er;
}

/** A page and an fsync, again and again, as a journal does. */
static int sync_some(struct run *r, const char *folder, unsigned seconds, json_t *ret)
{
    char path[600];
    static const char page[4096] = {1};
    (void)snprintf(path, sizeof path, "%s/plain", folder);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return ER_IO;
    uint64_t from = clock_now_us(), end = from + seconds * UINT64_C(1000000);
    int er = 0;
    r->count = 0;
    while (!er && clock_now_us() < end && r->count < SYNCS_MAX) {
        uint64_t before = clock_now_us();
        er = write(fd, page, sizeof page) == (ssize_t)sizeof page && fdatasync(fd) == 0 ? 0 : ER_IO;
        if (!er)
            er = measured(r, clock_now_us() - before);
    }
    double took = (double)(clock_now_us() - from) / 1e6;
    (void)close(fd);
    (void)unlink(path);
    (void)json_object_set_new(ret, "fsyncs_a_second", json_real((double)r->count / took));
    (void)json_object_set_new(ret, "fsync_ms", spread(r, 0));
    return er;
}

static double mib_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (double)st.st_size / 1048576 : 0;
}

static int measure(struct run *r, const char *folder, unsigned seconds, json_t *ret)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/loupe.db", folder);
    int er = store_open(&r->s, path, &r->system, NULL);
    uint64_t from = clock_now_us();
    if (!er)
        er = r->cases ? make_all(r) : pick(r);
    if (er)
        return er;
    double took = (double)(clock_now_us() - from) / 1e6;
    store_close(r->s); /* what is in the journal goes into the database */
    r->s = NULL;
    if (r->cases) {
        (void)json_object_set_new(ret, "cases", json_integer((json_int_t)r->cases));
        (void)json_object_set_new(ret, "events", json_integer((json_int_t)r->events));
        (void)json_object_set_new(ret, "made_in_seconds", json_real(took));
    }
    (void)json_object_set_new(ret, "database_mib", json_real(mib_of(path)));
    er = store_open(&r->s, path, &r->system, NULL);
    json_t *found = json_object();
    if (!er)
        er = look_all(r, found);
    (void)json_object_set_new(ret, "pages_ms", found);
    if (!er)
        er = write_some(r, seconds, ret);
    return er ? er : sync_some(r, folder, seconds, ret);
}

int cases_main(int argc, char **argv)
{
    uint64_t cases = 0, seconds = 0;
    struct run *r = calloc(1, sizeof *r);
    if (!r || argc != 3 || span_u64(span_of(argv[1]), 100000000, &cases) ||
        span_u64(span_of(argv[2]), 3600, &seconds) || !seconds) {
        (void)fputs("loupe-bench cases FOLDER CASES SECONDS\n", stderr);
        free(r);
        return 2;
    }
    r->cases = cases;
    r->now_us = UINT64_C(1760000000000000);
    r->random = entropy_seeded_init(&r->seeded, 1);
    r->system = entropy_system();
    json_t *ret = json_object();
    int er = measure(r, argv[0], (unsigned)seconds, ret);
    store_close(r->s);
    free(r->us);
    free(r);
    if (er)
        (void)fprintf(stderr, "loupe-bench cases: %s\n", er_name(er));
    else
        (void)json_dumpf(ret, stdout, JSON_REAL_PRECISION(5));
    json_decref(ret);
    return er ? 1 : 0;
}
