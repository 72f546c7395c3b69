// SPDX-License-Identifier: Apache-2.0
/* What people look for, titles, and changes of facts. Words are words, whatever was typed; a case is found by its own title;
 * the index is asked for words alone; and a change that was told gives the same case. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/case_facts.h"
#include "server/case_words.h"
#include "server/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_query(const char *text, const char *words)
{
    struct case_query q;
    char match[CASE_MATCH_BYTES];
    case_query_read(&q, text);
    require(q.count <= CASE_QUERY_TERMS);
    (void)case_query_fits(&q, words);
    case_query_match(&q, "m1", match);
    bool inside = false;
    for (const char *p = match; *p; p++) {
        if (*p == '"')
            inside = !inside;
        else if (!inside)
            require(*p == ' ' || *p == '*');
        else
            require((unsigned char)*p >= 0x80 || (*p >= 'a' && *p <= 'z') ||
                    (*p >= '0' && *p <= '9'));
    }
    require(!inside);
}

static void check_title(const char *title)
{
    struct store_case c = {.number = "C-2026-000001"};
    char words[CASE_WORDS_BYTES];
    bool number = (title[0] == 'C' || title[0] == 'c') && title[1] == '-'; /* looked up as such */
    if (number || str_copy(c.title, sizeof c.title, title))
        return;
    case_words(&c, words);
    size_t len = strlen(words);
    require(len > 0 && words[0] == ' ' && words[len - 1] == ' ' && !strstr(words, "  "));
    struct case_query q;
    case_query_read(&q, c.title);
    require(!q.count || q.count == CASE_QUERY_TERMS || case_query_fits(&q, words) ||
            strlen(title) * 2 > CASE_QUERY_BYTES);
}

static void check_patch(const char *text, size_t len)
{
    struct store_case c = {.title = "A"};
    json_t *patch = NULL, *changes = NULL, *again = NULL;
    const char *why;
    c.more = json_object();
    if (json_parse(text, len, &patch, &why) == 0 && !case_facts_diff(&c, patch, &changes)) {
        require(case_facts_apply(&c, changes) == 0);
        require(!case_facts_diff(&c, patch, &again) && json_object_size(again) == 0);
    }
    json_decref(patch);
    json_decref(changes);
    json_decref(again);
    store_case_clear(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    check_patch(text, size);
    char *title = strchr(text, '\n');
    if (title)
        *title++ = '\0';
    check_query(text, " a cup ");
    if (utf8_is_clean(text, strlen(text)))
        check_title(text);
    if (title && utf8_is_clean(title, strlen(title)))
        check_title(title);
    free(text);
    return 0;
}
