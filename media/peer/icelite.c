// SPDX-License-Identifier: Apache-2.0
/* Connectivity checks answered, paths validated, one of them selected. */
#include "media/peer/icelite.h"

#include <string.h>

#include "base/er.h"
#include "base/limits.h"

/* RFC 8839, 5.4. */
enum { UFRAG_MIN = 4, PWD_MIN = 22 };

/* All that an ufrag may be made of (RFC 8839, 5.4). */
static const char marks[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
_Static_assert(LIMIT_WORKERS <= sizeof marks - 1, "a letter for each worker");

char icelite_mark(unsigned worker)
{
    return marks[worker % (sizeof marks - 1)];
}

int icelite_marked(char mark)
{
    const char *at = mark ? strchr(marks, mark) : NULL;
    return at ? (int)(at - marks) : -1;
}

static void make_credentials(struct icelite *ice, const struct entropy *entropy)
{
    entropy_text(entropy, ice->ufrag, ICE_UFRAG_LEN);
    entropy_text(entropy, ice->pwd, ICE_PWD_LEN);
    if (ice->mark)
        ice->ufrag[0] = ice->mark;
}

void icelite_init(struct icelite *ice, char mark, const struct entropy *entropy)
{
    memset(ice, 0, sizeof *ice);
    ice->mark = mark;
    make_credentials(ice, entropy);
}

void icelite_restart(struct icelite *ice, const struct entropy *entropy)
{
    make_credentials(ice, entropy);
    ice->restarted = true;
}

int icelite_set_remote(struct icelite *ice, struct span ufrag, struct span pwd)
{
    if (ufrag.len < UFRAG_MIN || ufrag.len > ICE_REMOTE_MAX || pwd.len < PWD_MIN ||
        pwd.len > ICE_REMOTE_MAX)
        return ER_INVALID;
    int er = str_copy_span(ice->remote_ufrag, sizeof ice->remote_ufrag, ufrag);
    return er ? er : str_copy_span(ice->remote_pwd, sizeof ice->remote_pwd, pwd);
}

static bool username_fits(const struct icelite *ice, struct span username)
{
    size_t ours = strlen(ice->ufrag), theirs = strlen(ice->remote_ufrag);
    return username.at && theirs > 0 && username.len == ours + 1 + theirs &&
           memcmp(username.at, ice->ufrag, ours) == 0 && username.at[ours] == ':' &&
           memcmp(username.at + ours + 1, ice->remote_ufrag, theirs) == 0;
}

static struct icelite_path *find_path(struct icelite *ice, const struct path *path)
{
    for (size_t i = 0; i < ICE_PATHS; i++)
        if (ice->paths[i].last_check_us && path_equal(&ice->paths[i].path, path))
            return &ice->paths[i];
    return NULL;
}

/* A free place, or that of the path longest silent; never the selected one's. */
static struct icelite_path *take_place(struct icelite *ice)
{
    struct icelite_path *oldest = NULL;
    for (size_t i = 0; i < ICE_PATHS; i++) {
        struct icelite_path *p = &ice->paths[i];
        if (!p->last_check_us)
            return p;
        if (ice->has_selected && path_equal(&p->path, &ice->selected))
            continue;
        if (!oldest || p->last_check_us < oldest->last_check_us)
            oldest = p;
    }
    return oldest;
}

static bool selected_is_silent(struct icelite *ice, uint64_t now_us)
{
    const struct icelite_path *p = find_path(ice, &ice->selected);
    return !p || now_us - p->last_check_us >= ICE_SILENT_US;
}

/* An authentic check arrived over `from`. */
static enum ice_outcome note_check(struct icelite *ice, uint64_t now_us, const struct path *from,
                                   bool use_candidate)
{
    if (ice->restarted) {
        memset(ice->paths, 0, sizeof ice->paths);
        ice->restarted = ice->has_selected = ice->nominated = false;
    }
    struct icelite_path *p = find_path(ice, from);
    enum ice_outcome outcome = p ? ICE_NOTHING : ICE_VALIDATED;
    if (!p) {
        p = take_place(ice);
        p->path = *from;
    }
    p->last_check_us = ice->last_check_us = now_us ? now_us : 1;
    if (ice->has_selected && path_equal(&ice->selected, from)) {
        ice->nominated = ice->nominated || use_candidate;
        return outcome;
    }
    if (ice->has_selected && !use_candidate && !selected_is_silent(ice, now_us))
        return outcome;
    ice->has_selected = true;
    ice->nominated = use_candidate;
    ice->selected = *from;
    return ICE_SELECTED;
}

int icelite_check(struct icelite *ice, uint64_t now_us, const struct path *from,
                  const uint8_t *data, size_t len, const struct stun_message *msg, uint8_t *reply,
                  size_t reply_size, enum ice_outcome *ret_outcome)
{
    *ret_outcome = ICE_NOTHING;
    if (msg->type != STUN_BINDING_REQUEST)
        return ER_MALFORMED;
    if (!username_fits(ice, msg->username))
        return ER_UNAUTHENTIC;
    int er = stun_check_integrity(data, len, msg, ice->pwd);
    if (er)
        return er;
    if (msg->unknown_required)
        return stun_write_error(reply, reply_size, msg->transaction, 420, "Unknown Attribute",
                                msg->unknown_required, ice->pwd);
    if (msg->ice_controlled)
        return stun_write_error(reply, reply_size, msg->transaction, 487, "Role Conflict", 0,
                                ice->pwd);
    int written = stun_write_success(reply, reply_size, msg->transaction, &from->remote, ice->pwd);
    if (written > 0)
        *ret_outcome = note_check(ice, now_us, from, msg->use_candidate);
    return written;
}

bool icelite_is_valid_path(const struct icelite *ice, const struct path *path)
{
    for (size_t i = 0; i < ICE_PATHS; i++)
        if (ice->paths[i].last_check_us && path_equal(&ice->paths[i].path, path))
            return true;
    return false;
}

bool icelite_drop_path(struct icelite *ice, const struct path *path)
{
    struct icelite_path *p = find_path(ice, path), *best = NULL;
    if (p)
        p->last_check_us = 0;
    if (!ice->has_selected || !path_equal(&ice->selected, path))
        return false;
    for (size_t i = 0; i < ICE_PATHS; i++)
        if (ice->paths[i].last_check_us > (best ? best->last_check_us : 0))
            best = &ice->paths[i];
    ice->has_selected = best != NULL;
    ice->nominated = false;
    if (best)
        ice->selected = best->path;
    return true;
}

uint64_t icelite_consent_deadline_us(const struct icelite *ice)
{
    return ice->last_check_us ? ice->last_check_us + LIMIT_CONSENT_TIMEOUT_US : UINT64_MAX;
}
