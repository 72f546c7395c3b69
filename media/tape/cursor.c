// SPDX-License-Identifier: Apache-2.0
/* Reading a tape in order, with patience for what is missing. */
#include "media/tape/tape.h"

void tape_cursor_init(struct tape_cursor *c, const struct tape *t, int64_t seq)
{
    int64_t head = tape_head(t);
    c->next = seq ? seq : (head ? head + 1 : 0);
    c->missing_since_us = 0;
}

/** Pass over what is missing up to the next packet that is here. */
static enum tape_step pass_over(struct tape_cursor *c, const struct tape *t, struct tape_read *ret)
{
    int64_t seq = c->next;
    int64_t head = tape_head(t);
    if (seq < tape_tail(t))
        seq = tape_tail(t);
    while (seq < head && !tape_find(t, seq))
        seq++;
    ret->gap_first = c->next;
    ret->gap_count = (uint32_t)(seq - c->next);
    c->next = seq;
    c->missing_since_us = 0;
    return TAPE_STEP_GAP;
}

/** When it was first seen that the next packet is missing: as the first one behind it came that was not
 *  asked for. */
static uint64_t noticed_us(const struct tape_cursor *c, const struct tape *t, uint64_t now_us)
{
    for (int64_t seq = c->next + 1; seq <= tape_head(t); seq++) {
        const struct tape_packet *p = tape_find(t, seq);
        if (p && !(p->flags & TAPE_RECOVERED))
            return p->arrival_us < now_us ? p->arrival_us : now_us;
    }
    return now_us;
}

enum tape_step tape_cursor_next(struct tape_cursor *c, const struct tape *t, uint64_t now_us,
                                uint64_t patience_us, struct tape_read *ret)
{
    int64_t head = tape_head(t);
    *ret = (struct tape_read){.deadline_us = UINT64_MAX};
    if (head == 0 || (c->next && c->next > head))
        return TAPE_STEP_WAIT;
    if (c->next == 0)
        c->next = tape_tail(t);
    ret->packet = tape_find_hold(t, c->next, &ret->slab);
    if (ret->packet) {
        c->next++;
        c->missing_since_us = 0;
        return TAPE_STEP_PACKET;
    }
    if (c->next < tape_tail(t))
        return pass_over(c, t, ret);
    if (c->missing_since_us == 0 && patience_us > 0)
        c->missing_since_us = noticed_us(c, t, now_us);
    if (now_us - c->missing_since_us >= patience_us)
        return pass_over(c, t, ret);
    ret->deadline_us = c->missing_since_us + patience_us;
    return TAPE_STEP_WAIT;
}
