// SPDX-License-Identifier: Apache-2.0
/* What clients ask for, and who answers it. */
#include "server/calls_impl.h"

static calls_handler *const handlers[PROTO_TYPES] = {
    [PROTO_JOIN] = calls_on_join,
    [PROTO_LEAVE] = calls_on_leave,
    [PROTO_MEDIA_STATE] = calls_on_media_state,
    [PROTO_CONSENT] = calls_on_consent,
    [PROTO_CHAT] = calls_on_chat,
    [PROTO_OFFER] = calls_on_offer,
    [PROTO_LIGHT_CHALLENGE] = calls_on_light_challenge,
    [PROTO_PHOTOGRAPH] = calls_on_photograph,
    [PROTO_PHOTOGRAPH_FAILED] = calls_on_photograph_failed,
    [PROTO_CAMERA] = calls_on_camera,
    [PROTO_CAMERA_STATE] = calls_on_camera_state,
    [PROTO_POINTER] = calls_on_pointer,
    [PROTO_DRAW] = calls_on_draw,
    [PROTO_UNDO] = calls_on_undo,
    [PROTO_CLEAR] = calls_on_clear,
    [PROTO_FREEZE] = calls_on_freeze,
    [PROTO_VIEW] = calls_on_view,
    [PROTO_STATS] = calls_on_stats,
    [PROTO_WAIT] = calls_on_wait,
    [PROTO_STOP_WAITING] = calls_on_stop_waiting,
    [PROTO_AVAILABLE] = calls_on_available,
    [PROTO_ACCEPT] = calls_on_accept,
    [PROTO_DECLINE] = calls_on_decline,
    [PROTO_HANG_UP] = calls_on_hang_up,
    [PROTO_ACT] = calls_on_act,
    [PROTO_TAKE_OVER] = calls_on_take_over,
    [PROTO_WRAP_UP] = calls_on_wrap_up,
    [PROTO_EXTEND_WRAP_UP] = calls_on_extend_wrap_up,
};

void calls_on_request(void *ctx, struct session *s, const struct proto_message *m)
{
    struct calls *c = ctx;
    calls_handler *handler = handlers[m->type];
    c->messages_in++;
    if (handler)
        handler(c, member_of(s), m);
    else
        calls_error(c, s, m->id, PROTO_UNSUPPORTED, "not now");
    calls_on_queue_events(c);
}
