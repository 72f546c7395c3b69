// SPDX-License-Identifier: Apache-2.0
/* Up and down the ladder. */
#include "media/relay/ladder.h"

#define VIDEO_BPS 100000u /* below it there is no video worth the name */
#define VIDEO_AGAIN_BPS 140000u
#define PICTURES_BPS 30000u /* below it no pictures either */
#define PICTURES_AGAIN_BPS 45000u
#define SHORT_US 1000000u       /* the lowest layer does not fit for so long */
#define SHORT_ASKED_US 4000000u /* while the publisher may yet send less */
#define DEAF_US 60000000u
#define UP_US 800000u
#define UP_MAX_US 16000000u
#define TRY_US 20000000u   /* nothing but sound tells nothing of the path: a picture is tried */
#define REGRET_US 5000000u /* down again so soon after going up */
#define FORGET_US 30000000u

/** Down: so soon after going up, that the next time up has to wait longer. */
static void regret(struct ladder *l, uint64_t now_us)
{
    if (l->raised_us == 0 || now_us - l->raised_us >= REGRET_US)
        return;
    uint64_t patience_us = l->patience_us ? 2 * l->patience_us : 2 * UP_US;
    l->patience_us = patience_us < UP_MAX_US ? patience_us : UP_MAX_US;
}

static bool set_level(struct ladder *l, uint64_t now_us, size_t level)
{
    if (level == l->level)
        return false;
    if (level > l->level) {
        l->raised_us = now_us;
    } else {
        regret(l, now_us);
    }
    l->level = level;
    l->room_since_us = 0;
    return true;
}

static uint64_t patience(struct ladder *l, uint64_t now_us)
{
    if (now_us - l->raised_us > FORGET_US)
        l->patience_us = 0;
    return l->patience_us ? l->patience_us : UP_US;
}

static bool has_waited(uint64_t *since_us, uint64_t now_us, uint64_t wait_us)
{
    if (*since_us == 0)
        *since_us = now_us ? now_us : 1;
    return now_us - *since_us >= wait_us;
}

static bool go_to(struct ladder *l, uint64_t now_us, enum ladder_step step)
{
    l->step = step;
    l->entered_us = now_us;
    l->short_since_us = l->room_since_us = 0;
    return true;
}

static bool update_video(struct ladder *l, uint64_t now_us, const struct ladder_input *in)
{
    if (l->level > in->count)
        l->level = in->count; /* there are no more, or they are not wanted */
    bool asked = in->can_be_asked && in->bps >= VIDEO_BPS && now_us >= l->deaf_until_us;
    bool is_short = in->fits == 0 && in->count > 0;
    if (!is_short && in->bps >= VIDEO_BPS)
        l->short_since_us = 0;
    else if (has_waited(&l->short_since_us, now_us, asked ? SHORT_ASKED_US : SHORT_US)) {
        if (asked)
            l->deaf_until_us = now_us + DEAF_US;
        return go_to(l, now_us, LADDER_SLIDESHOW);
    }
    size_t fits = in->fits || in->count == 0 ? in->fits : 1; /* until it has given way */
    if (fits < l->level || l->level == 0)
        return set_level(l, now_us, fits);
    if (in->fits_well <= l->level) {
        l->room_since_us = 0;
        return false;
    }
    /* Where there is much room, what went wrong before is no reason to wait. */
    if (in->fits_amply > l->level)
        l->patience_us = 0;
    return has_waited(&l->room_since_us, now_us, patience(l, now_us)) &&
           set_level(l, now_us, in->fits_well);
}

static bool update_below(struct ladder *l, uint64_t now_us, const struct ladder_input *in)
{
    bool pictures = l->step == LADDER_SLIDESHOW;
    if (pictures && in->bps < PICTURES_BPS) {
        l->room_since_us = 0;
        if (!has_waited(&l->short_since_us, now_us, SHORT_US))
            return false;
        regret(l, now_us);
        return go_to(l, now_us, LADDER_AUDIO_ONLY);
    }
    l->short_since_us = 0;
    bool asked = in->can_be_asked && now_us >= l->deaf_until_us;
    bool room = pictures ? in->bps >= VIDEO_AGAIN_BPS && (in->fits_well > 0 || asked)
                         : in->bps >= PICTURES_AGAIN_BPS || now_us - l->entered_us >= TRY_US;
    if (!room) {
        l->room_since_us = 0;
        return false;
    }
    if (pictures && in->bps >= 2 * VIDEO_AGAIN_BPS)
        l->patience_us = 0;
    if (!has_waited(&l->room_since_us, now_us, patience(l, now_us)))
        return false;
    l->raised_us = now_us;
    if (pictures)
        l->level = in->fits_well ? in->fits_well : 1;
    return go_to(l, now_us, pictures ? LADDER_VIDEO : LADDER_SLIDESHOW);
}

bool ladder_update(struct ladder *l, uint64_t now_us, const struct ladder_input *in)
{
    return l->step == LADDER_VIDEO ? update_video(l, now_us, in) : update_below(l, now_us, in);
}
