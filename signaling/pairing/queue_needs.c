// SPDX-License-Identifier: Apache-2.0
/* What cases need and what agents can do: words become hashes, equal needs a class, equal abilities a
 * profile, and how each profile suits each class is worked out once. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/siphash.h"
#include "base/str.h"
#include "signaling/pairing/queue.h"
#include "signaling/pairing/queue_impl.h"

#define PROFILES_FIRST 16u
#define BREADTH_ANY 64u /* of who takes whatever there is */

static uint64_t hash_span(const struct queue *q, struct span s)
{
    char lower[PROTO_WORD_BYTES > QUEUE_WORD_BYTES ? PROTO_WORD_BYTES : QUEUE_WORD_BYTES];
    size_t len = s.len < sizeof lower ? s.len : sizeof lower;
    if (!len)
        return 0;
    for (size_t i = 0; i < len; i++)
        lower[i] = (char)(s.at[i] >= 'A' && s.at[i] <= 'Z' ? s.at[i] + 'a' - 'A' : s.at[i]);
    uint64_t hash = siphash13(q->hash_key, lower, len);
    return hash ? hash : 1;
}

static uint64_t hash_word(const struct queue *q, const char *text)
{
    return hash_span(q, span_of(text));
}

/** "en" serves "en-GB" and the other way round. */
static uint64_t hash_language(const struct queue *q, const char *text)
{
    return hash_span(q, (struct span){text, strcspn(text, "-_")});
}

/** "*" and nothing stand for any. */
static uint64_t hash_or_any(const struct queue *q, struct span s)
{
    return span_equal(s, "*") ? 0 : hash_span(q, s);
}

static struct ability ability_read(const struct queue *q, const char *text)
{
    struct ability a = {0};
    struct span rest = span_of(text);
    struct span what = span_cut(&rest, ':');
    if (rest.at && span_u64(rest, UINT8_MAX, &a.level) < 0)
        a.level = 0;
    struct span category = span_cut(&what, '/');
    a.category = hash_or_any(q, span_trim(category));
    if (what.at)
        a.brand = hash_or_any(q, span_trim(what));
    return a;
}

/* How they suit each other */

static bool has_skill(const struct abilities *a, const struct need *n)
{
    if (!a->skill_count)
        return n->level == 0;
    for (size_t i = 0; i < a->skill_count; i++) {
        const struct ability *s = &a->skills[i];
        if ((!s->category || !n->category || s->category == n->category) &&
            (!s->brand || !n->brand || s->brand == n->brand) && s->level >= n->level)
            return true;
    }
    return false;
}

static unsigned language_fit(const struct abilities *a, const struct need *n)
{
    if (!n->languages[0])
        return 0;
    if (!a->languages[0])
        return FIT_UNNAMED;
    for (unsigned i = 0; i < QUEUE_LANGUAGES && n->languages[i]; i++) {
        for (size_t k = 0; k < PROTO_LIST_MAX && a->languages[k]; k++) {
            if (a->languages[k] == n->languages[i])
                return i;
        }
    }
    return FIT_OTHER;
}

bool queue_bot_fits(const struct abilities *a, const struct class *c)
{
    const struct need *n = &c->need;
    return a->bot && has_skill(a, n) && language_fit(a, n) != FIT_OTHER &&
           (!n->team || !a->team || n->team == a->team);
}

static uint8_t fit_of(const struct abilities *a, const struct need *n)
{
    if (a->bot || !has_skill(a, n))
        return 0;
    unsigned language = language_fit(a, n), stage = QUEUE_FITTING;
    if (language == FIT_OTHER)
        stage = QUEUE_ANY_LANGUAGE;
    if ((n->team && a->team && n->team != a->team) || (n->appraiser && !a->appraiser))
        stage = QUEUE_ANY_TEAM;
    return (uint8_t)(stage << 3 | language);
}

/* Profiles */

static void abilities_read(const struct queue *q, const struct merchant *m,
                           const struct queue_agent *info, struct abilities *ret)
{
    memset(ret, 0, sizeof *ret); /* it is a key: also between the members */
    ret->merchant = m;
    ret->team = hash_word(q, info->team);
    ret->appraiser = info->appraiser;
    ret->bot = info->bot;
    size_t count = 0;
    for (size_t i = 0; i < info->languages.count; i++) {
        uint64_t language = hash_language(q, info->languages.items[i]);
        if (language)
            ret->languages[count++] = language;
    }
    for (size_t i = 0; i < info->skills.count; i++)
        ret->skills[ret->skill_count++] = ability_read(q, info->skills.items[i]);
}

static unsigned breadth_of(const struct abilities *a)
{
    unsigned languages = 0, breadth = a->appraiser ? BREADTH_ANY : 0;
    while (languages < PROTO_LIST_MAX && a->languages[languages])
        languages++;
    breadth += languages ? languages : PROTO_LIST_MAX;
    if (!a->skill_count)
        return breadth + BREADTH_ANY;
    for (size_t i = 0; i < a->skill_count; i++) {
        const struct ability *s = &a->skills[i];
        breadth += (s->category ? 1 : BREADTH_ANY) + (s->brand ? 0 : 1) + (unsigned)s->level;
    }
    return breadth;
}

/** Room for one more, in the merchant's list and in each class's. */
static int grow(struct merchant *m)
{
    size_t size = m->profile_size ? 2 * m->profile_size : PROFILES_FIRST;
    if (size > QUEUE_PROFILES)
        return ER_FULL;
    list_each (class, &m->classes, struct class, node) {
        uint8_t *fits = realloc(class->fits, size);
        if (!fits)
            return ER_NOMEM;
        class->fits = fits;
    }
    struct profile **profiles = realloc(m->profiles, size * sizeof(struct profile *));
    if (!profiles)
        return ER_NOMEM;
    memset(profiles + m->profile_size, 0, (size - m->profile_size) * sizeof(struct profile *));
    m->profiles = profiles;
    m->profile_size = size;
    return 0;
}

static int profile_new(struct queue *q, struct merchant *m, const struct abilities *abilities,
                       struct profile **ret)
{
    size_t index = 0;
    while (index < m->profile_size && m->profiles[index])
        index++;
    int er = index < m->profile_size ? 0 : grow(m);
    struct profile *p = er < 0 ? NULL : calloc(1, sizeof *p);
    if (!p)
        return er < 0 ? er : ER_NOMEM;
    p->abilities = *abilities;
    p->index = index;
    p->breadth = breadth_of(abilities);
    er = map_add(q->profiles, &p->abilities, sizeof p->abilities, p);
    if (er < 0) {
        free(p);
        return er;
    }
    m->profiles[index] = p;
    list_each (class, &m->classes, struct class, node)
        class->fits[index] = fit_of(abilities, &class->need);
    *ret = p;
    return 0;
}

int queue_profile_take(struct queue *q, struct merchant *m, const struct queue_agent *a,
                       struct profile **ret)
{
    struct abilities abilities;
    abilities_read(q, m, a, &abilities);
    *ret = map_get(q->profiles, &abilities, sizeof abilities);
    int er = *ret ? 0 : profile_new(q, m, &abilities, ret);
    if (er == 0)
        (*ret)->agents++;
    return er;
}

void queue_profile_leave(struct queue *q, struct merchant *m, struct profile *p)
{
    if (--p->agents)
        return;
    map_remove(q->profiles, &p->abilities, sizeof p->abilities);
    m->profiles[p->index] = NULL;
    free(p);
}

void queue_profile_on(struct queue *q, struct merchant *m, struct profile *p, int by, size_t slots)
{
    p->on += (size_t)by;
    p->slots += (size_t)by * slots;
    m->slots += (size_t)by * slots;
    if (p->on != (by > 0))
        return;
    m->shape++;
    list_each (class, &m->classes, struct class, node) {
        uint8_t fit = class->fits[p->index];
        enum queue_stage before = queue_class_least(class);
        if (!fit)
            continue;
        class->on_at[FIT_STAGE(fit)] += (size_t)by;
        /* nobody nearer is there any more: no need to wait for them */
        if (queue_class_least(class) > before)
            queue_match_class(q, class);
    }
}

/* Classes */

enum queue_stage queue_class_least(const struct class *c)
{
    enum queue_stage stage = QUEUE_FITTING;
    while (stage < QUEUE_ANY_TEAM && !c->on_at[stage])
        stage++;
    return stage;
}

static int class_new(struct queue *q, struct merchant *m, const struct need *need,
                     struct class **ret)
{
    struct class *c = calloc(1, sizeof *c);
    if (!c)
        return ER_NOMEM;
    c->merchant = m;
    c->need = *need;
    c->fits = calloc(m->profile_size ? m->profile_size : 1, 1);
    int er = c->fits ? map_add(q->classes, &c->need, sizeof c->need, c) : ER_NOMEM;
    if (er < 0) {
        queue_class_free(c);
        return er;
    }
    for (size_t i = 0; i < m->profile_size; i++) {
        if (!m->profiles[i])
            continue;
        c->fits[i] = fit_of(&m->profiles[i]->abilities, need);
        c->on_at[FIT_STAGE(c->fits[i])] += c->fits[i] && m->profiles[i]->on;
    }
    list_append(&m->classes, &c->node);
    m->class_count++;
    *ret = c;
    return 0;
}

int queue_class_get(struct queue *q, struct merchant *m, const struct queue_case *info,
                    struct class **ret)
{
    struct need need;
    memset(&need, 0, sizeof need); /* it is a key: also between the members */
    need.merchant = m;
    need.category = hash_word(q, info->category);
    need.brand = hash_word(q, info->brand);
    need.team = hash_word(q, info->team);
    need.level = info->level;
    need.appraiser = info->wants_appraiser;
    size_t count = 0;
    for (size_t i = 0; i < QUEUE_LANGUAGES && info->languages[i][0]; i++) {
        uint64_t language = hash_language(q, info->languages[i]);
        if (language)
            need.languages[count++] = language;
    }
    *ret = map_get(q->classes, &need, sizeof need);
    return *ret ? 0 : class_new(q, m, &need, ret);
}

void queue_class_free(struct class *c)
{
    if (!c)
        return;
    free(c->fits);
    free(c);
}

void queue_class_idle(struct queue *q, struct class *c)
{
    struct merchant *m = c->merchant;
    if (m->class_count <= CLASSES_KEPT && map_count(q->classes) <= LIMIT_QUEUE_WAITING)
        return;
    map_remove(q->classes, &c->need, sizeof c->need);
    list_remove(&c->node);
    list_remove(&c->active);
    m->class_count--;
    queue_class_free(c);
}
