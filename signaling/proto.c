// SPDX-License-Identifier: Apache-2.0
/* The table of verbs and their members, and the one loop that reads by it. */
#include "signaling/proto.h"

#include <stddef.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"

enum member_kind {
    KIND_TEXT,   /* const char *: clean text of min..max bytes */
    KIND_RAW,    /* const char *: any text without NUL of min..max bytes */
    KIND_FLAG,   /* bool */
    KIND_COUNT,  /* uint64_t up to max; a `has` flag beside it */
    KIND_SHARE,  /* double from 0 to 1; likewise */
    KIND_ID,     /* struct id */
    KIND_FACING, /* enum proto_facing */
    KIND_QUALITY,
    KIND_TROUBLE,
    KIND_LAYER,  /* unsigned: "auto" is 0, n is n + 1 up to max */
    KIND_LIST,   /* struct proto_list */
    KIND_WANTS,  /* struct proto_wants */
    KIND_LINES,  /* struct proto_lines */
    KIND_OBJECT, /* const json_t * */
};

struct member {
    const char *name;
    enum member_kind kind;
    bool required;
    size_t min, max;
    size_t at;       /* where in struct proto_message */
    size_t has_at;   /* where its `has` flag is; 0: none */
    const char *why; /* what is said when it is wrong */
};

struct verb {
    const char *name;
    const struct member *members;
    size_t count;
};

#define AT(field) offsetof(struct proto_message, field)
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define VERB(name, members)                                                                        \
    {                                                                                              \
        name, members, COUNT_OF(members)                                                           \
    }

static const struct member hello_members[] = {
    {"token", KIND_TEXT, true, 1, LIMIT_TOKEN, AT(hello.token), 0, "token: a text is needed"},
    {"session", KIND_ID, false, 0, 0, AT(hello.session), 0, "session: not an id"},
    {"was", KIND_ID, false, 0, 0, AT(hello.was), 0, "was: not an id"},
    {"received", KIND_COUNT, false, 0, INT64_MAX, AT(hello.received), AT(hello.has_received),
     "received: a number from 0 up"},
};
static const struct member join_members[] = {
    {"room", KIND_ID, false, 0, 0, AT(join.room), 0, "room: not an id"},
    {"case", KIND_ID, false, 0, 0, AT(join.case_id), 0, "case: not an id"},
};
static const struct member media_state_members[] = {
    {"audio", KIND_FLAG, true, 0, 0, AT(media_state.audio), 0, "audio: true or false"},
    {"video", KIND_FLAG, true, 0, 0, AT(media_state.video), 0, "video: true or false"},
    {"facing", KIND_FACING, false, 0, 0, AT(media_state.facing), 0, "facing: user or environment"},
};
static const struct member consent_members[] = {
    {"recording", KIND_FLAG, true, 0, 0, AT(consent.recording), 0, "recording: true or false"},
};
static const struct member chat_members[] = {
    {"text", KIND_RAW, true, 1, LIMIT_CHAT_BYTES, AT(chat.text), 0, "text: 1 to 4000 bytes"},
};
static const struct member offer_members[] = {
    {"sdp", KIND_RAW, true, 1, LIMIT_SDP_BYTES, AT(offer.sdp), 0, "sdp: 1 to 60000 bytes"},
    {"wants", KIND_WANTS, false, 0, 0, AT(offer.wants), 0,
     "wants: an object from mid to {\"identity\", \"track\"?}"},
};
static const struct member view_members[] = {
    {"mid", KIND_TEXT, true, 1, PROTO_MID_BYTES - 1, AT(view.mid), 0, "mid: a text is needed"},
    {"paused", KIND_FLAG, false, 0, 0, AT(view.paused), 0, "paused: true or false"},
    {"max_width", KIND_COUNT, false, 0, UINT16_MAX, AT(view.max_width), 0, "max_width: 0 to 65535"},
    {"max_height", KIND_COUNT, false, 0, UINT16_MAX, AT(view.max_height), 0,
     "max_height: 0 to 65535"},
    {"layer", KIND_LAYER, false, 0, 2, AT(view.layer), 0, "layer: \"auto\", 0, 1 or 2"},
};
static const struct member stats_members[] = {
    {"quality", KIND_QUALITY, false, 0, 0, AT(stats.quality), 0, "quality: good, fair or poor"},
    {"why", KIND_TROUBLE, false, 0, 0, AT(stats.why), 0, "why: no such word"},
    {"rtt_ms", KIND_COUNT, false, 0, 60000, AT(stats.rtt_ms), AT(stats.has_rtt),
     "rtt_ms: 0 to 60000"},
    {"lines", KIND_LINES, false, 0, 0, AT(stats.lines), 0,
     "lines: an object from up to 32 mids to objects of numbers"},
};
static const struct member photograph_members[] = {
    {"identity", KIND_TEXT, false, 1, LIMIT_IDENTITY, AT(photograph.identity), 0,
     "identity: 1 to 128 bytes"},
    {"label", KIND_TEXT, false, 0, LIMIT_NAME, AT(photograph.label), 0, "label: up to 200 bytes"},
};
static const struct member light_challenge_members[] = {
    {"identity", KIND_TEXT, false, 1, LIMIT_IDENTITY, AT(light_challenge.identity), 0,
     "identity: 1 to 128 bytes"},
};
#define OF(field)                                                                                  \
    {                                                                                              \
        "of", KIND_TEXT, true, 1, LIMIT_IDENTITY, AT(field), 0, "of: 1 to 128 bytes"               \
    }
#define AGE(field)                                                                                 \
    {                                                                                              \
        "age_ms", KIND_COUNT, false, 0, LIMIT_DRAWING_AGE_MS, AT(field), 0, "age_ms: 0 to 5000"    \
    }
static const struct member camera_members[] = {
    OF(camera.of),
    {"wish", KIND_OBJECT, true, 0, 0, AT(camera.wish), 0, "wish: an object is needed"},
};
static const struct member camera_state_members[] = {
    {"state", KIND_OBJECT, true, 0, 0, AT(camera.state), 0, "state: an object is needed"},
};
static const struct member pointer_members[] = {
    OF(pointer.of),
    {"x", KIND_SHARE, false, 0, 0, AT(pointer.x), AT(pointer.has_x), "x: 0 to 1"},
    {"y", KIND_SHARE, false, 0, 0, AT(pointer.y), AT(pointer.has_y), "y: 0 to 1"},
};
static const struct member draw_members[] = {
    OF(draw.of),
    {"shape", KIND_OBJECT, true, 0, 0, AT(draw.shape), 0, "shape: an object is needed"},
    AGE(draw.age_ms),
};
static const struct member undo_members[] = {
    OF(draw.of),
    {"shape", KIND_TEXT, false, 1, LIMIT_SHAPE_ID, AT(draw.id), 0, "shape: 1 to 32 bytes"},
    AGE(draw.age_ms),
};
static const struct member clear_members[] = {OF(draw.of), AGE(draw.age_ms)};
static const struct member freeze_members[] = {
    OF(freeze.of),
    {"on", KIND_FLAG, true, 0, 0, AT(freeze.on), 0, "on: true or false"},
    {"still", KIND_ID, false, 0, 0, AT(freeze.still), 0, "still: not an id"},
    AGE(freeze.age_ms),
};
static const struct member photograph_failed_members[] = {
    {"photo", KIND_ID, true, 0, 0, AT(photograph_failed.photo), 0, "photo: an id is needed"},
    {"reason", KIND_TEXT, false, 0, PROTO_REASON_MAX, AT(photograph_failed.reason), 0,
     "reason: up to 200 bytes"},
};
static const struct member available_members[] = {
    {"on", KIND_FLAG, true, 0, 0, AT(available.on), 0, "on: true or false"},
    {"languages", KIND_LIST, false, 0, 0, AT(available.languages), 0,
     "languages: up to 16 short words"},
    {"skills", KIND_LIST, false, 0, 0, AT(available.skills), 0, "skills: up to 16 short words"},
    {"team", KIND_TEXT, false, 0, PROTO_TEAM_MAX, AT(available.team), 0, "team: up to 64 bytes"},
    {"capacity", KIND_COUNT, false, 0, PROTO_CAPACITY_MAX, AT(available.capacity), 0,
     "capacity: up to 8 calls at once"},
};
static const struct member reservation_members[] = {
    {"reservation", KIND_ID, true, 0, 0, AT(reservation.reservation), 0,
     "reservation: an id is needed"},
    {"reason", KIND_TEXT, false, 0, PROTO_REASON_MAX, AT(reservation.reason), 0,
     "reason: up to 200 bytes"},
};

static const struct member act_members[] = {
    {"action", KIND_TEXT, true, 1, PROTO_WORD_BYTES - 1, AT(act.action), 0,
     "action: a word is needed"},
    {"data", KIND_OBJECT, false, 0, 0, AT(act.data), 0, "data: not an object"},
    {"version", KIND_COUNT, false, 0, INT64_MAX, AT(act.version), 0, "version: a number from 0 up"},
};

#define WRAP_UP_OF                                                                                 \
    {"case", KIND_ID, true, 0, 0, AT(wrap_up.case_id), 0, "case: an id is needed"},                \
    {                                                                                              \
        "agent", KIND_TEXT, false, 1, LIMIT_IDENTITY, AT(wrap_up.agent), 0,                        \
            "agent: 1 to 128 bytes"                                                                \
    }
static const struct member wrap_up_members[] = {
    WRAP_UP_OF,
    {"disposition", KIND_TEXT, true, 1, PROTO_WORD_BYTES - 1, AT(wrap_up.disposition), 0,
     "disposition: a word is needed"},
    {"note", KIND_TEXT, false, 1, LIMIT_CHAT_BYTES, AT(wrap_up.note), 0, "note: 1 to 4000 bytes"},
};
static const struct member extend_wrap_up_members[] = {WRAP_UP_OF};

static const struct verb verbs[PROTO_TYPES] = {
    [PROTO_HELLO] = VERB("hello", hello_members),
    [PROTO_PING] = {"ping", NULL, 0},
    [PROTO_BYE] = {"bye", NULL, 0},
    [PROTO_JOIN] = VERB("join", join_members),
    [PROTO_LEAVE] = {"leave", NULL, 0},
    [PROTO_MEDIA_STATE] = VERB("media_state", media_state_members),
    [PROTO_CONSENT] = VERB("consent", consent_members),
    [PROTO_CHAT] = VERB("chat", chat_members),
    [PROTO_OFFER] = VERB("offer", offer_members),
    [PROTO_VIEW] = VERB("view", view_members),
    [PROTO_STATS] = VERB("stats", stats_members),
    [PROTO_PHOTOGRAPH] = VERB("photograph", photograph_members),
    [PROTO_PHOTOGRAPH_FAILED] = VERB("photograph_failed", photograph_failed_members),
    [PROTO_LIGHT_CHALLENGE] = VERB("light_challenge", light_challenge_members),
    [PROTO_CAMERA] = VERB("camera", camera_members),
    [PROTO_CAMERA_STATE] = VERB("camera_state", camera_state_members),
    [PROTO_POINTER] = VERB("pointer", pointer_members),
    [PROTO_DRAW] = VERB("draw", draw_members),
    [PROTO_UNDO] = VERB("undo", undo_members),
    [PROTO_CLEAR] = VERB("clear", clear_members),
    [PROTO_FREEZE] = VERB("freeze", freeze_members),
    [PROTO_WAIT] = {"wait", NULL, 0},
    [PROTO_STOP_WAITING] = {"stop_waiting", NULL, 0},
    [PROTO_AVAILABLE] = VERB("available", available_members),
    [PROTO_ACCEPT] = VERB("accept", reservation_members),
    [PROTO_DECLINE] = VERB("decline", reservation_members),
    [PROTO_HANG_UP] = {"hang_up", NULL, 0},
    [PROTO_ACT] = VERB("act", act_members),
    [PROTO_TAKE_OVER] = {"take_over", NULL, 0},
    [PROTO_WRAP_UP] = VERB("wrap_up", wrap_up_members),
    [PROTO_EXTEND_WRAP_UP] = VERB("extend_wrap_up", extend_wrap_up_members),
};

static const char *const error_names[PROTO_ERRORS] = {
    [PROTO_MALFORMED] = "malformed",
    [PROTO_UNKNOWN_TYPE] = "unknown_type",
    [PROTO_INVALID] = "invalid",
    [PROTO_UNAUTHENTICATED] = "unauthenticated",
    [PROTO_DENIED] = "denied",
    [PROTO_NOT_FOUND] = "not_found",
    [PROTO_CONFLICT] = "conflict",
    [PROTO_FULL] = "full",
    [PROTO_RATE_LIMITED] = "rate_limited",
    [PROTO_UNSUPPORTED] = "unsupported",
    [PROTO_INTERNAL] = "internal",
    [PROTO_DRAINING] = "draining",
};

const char *proto_error_name(enum proto_error error)
{
    return (unsigned)error < PROTO_ERRORS ? error_names[error] : "internal";
}

enum proto_error proto_error_of(int er)
{
    switch (er) {
    case ER_FULL:
        return PROTO_FULL;
    case ER_MALFORMED:
    case ER_TRUNCATED:
    case ER_INVALID:
        return PROTO_INVALID;
    case ER_UNSUPPORTED:
        return PROTO_UNSUPPORTED;
    case ER_UNAUTHENTIC:
        return PROTO_UNAUTHENTICATED;
    case ER_NOT_FOUND:
        return PROTO_NOT_FOUND;
    case ER_DENIED:
        return PROTO_DENIED;
    case ER_CONFLICT:
    case ER_STALE:
        return PROTO_CONFLICT;
    case ER_CLOSED:
        return PROTO_DRAINING;
    default:
        return PROTO_INTERNAL;
    }
}

const char *proto_type_name(enum proto_type type)
{
    return (unsigned)type < PROTO_TYPES ? verbs[type].name : "unknown";
}

static const char *const facings[] = {NULL, "user", "environment"};
static const char *const qualities[] = {NULL, "good", "fair", "poor"};
static const char *const troubles[] = {NULL,      "loss",      "delay",  "jitter",
                                       "slow_up", "slow_down", "stalled"};

const char *proto_facing_name(enum proto_facing facing)
{
    return (unsigned)facing < COUNT_OF(facings) ? facings[facing] : NULL;
}

const char *proto_quality_name(enum proto_quality quality)
{
    return (unsigned)quality < COUNT_OF(qualities) ? qualities[quality] : NULL;
}

const char *proto_trouble_name(enum proto_trouble trouble)
{
    return (unsigned)trouble < COUNT_OF(troubles) ? troubles[trouble] : NULL;
}

static bool read_text(const json_t *value, const struct member *m, const char **ret)
{
    if (!json_is_string(value))
        return false;
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (len < m->min || len > m->max)
        return false;
    if (m->kind == KIND_TEXT && !utf8_is_clean(text, len))
        return false;
    *ret = text;
    return true;
}

/** The place of a word in a table whose first is none. */
static bool read_choice(const json_t *value, const char *const *names, size_t count, unsigned *ret)
{
    const char *text = json_string_value(value);
    for (unsigned i = 1; text && i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static bool read_count(const json_t *value, uint64_t max, uint64_t *ret)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > max)
        return false;
    *ret = (uint64_t)json_integer_value(value);
    return true;
}

static bool read_share(const json_t *value, double *ret)
{
    *ret = json_number_value(value);
    return json_is_number(value) && *ret >= 0 && *ret <= 1;
}

static bool read_layer(const json_t *value, uint64_t max, unsigned *ret)
{
    uint64_t layer = 0;
    bool any = json_is_string(value) && strcmp(json_string_value(value), "auto") == 0;
    if (!any && !read_count(value, max, &layer))
        return false;
    *ret = any ? 0 : (unsigned)layer + 1;
    return true;
}

static bool read_list(const json_t *value, struct proto_list *ret)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count > PROTO_LIST_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        const char *text = json_string_value(item);
        size_t len = json_string_length(item);
        if (!text || !len || len >= PROTO_WORD_BYTES || !utf8_is_clean(text, len))
            return false;
        (void)str_copy(ret->items[i], PROTO_WORD_BYTES, text);
    }
    ret->count = count;
    return true;
}

/** Track numbers go out as decimal text; a number is taken back too. */
static bool read_track(const json_t *value, uint64_t *ret)
{
    *ret = 0;
    if (!value || json_is_null(value))
        return true;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *ret = (uint64_t)json_integer_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    return text && span_u64(span_of(text), UINT64_MAX, ret) == 0;
}

static bool read_wants(json_t *value, struct proto_wants *ret)
{
    if (!json_is_object(value) || json_object_size(value) > PROTO_WANTS_MAX)
        return false;
    const char *mid;
    json_t *item;
    json_object_foreach(value, mid, item)
    {
        struct proto_want *want = &ret->items[ret->count];
        if (!json_is_object(item) || strlen(mid) >= PROTO_MID_BYTES)
            return false;
        want->mid = mid;
        want->identity = json_text(item, "identity", LIMIT_IDENTITY);
        if (!want->identity || !want->identity[0] ||
            !read_track(json_object_get(item, "track"), &want->track))
            return false;
        ret->count++;
    }
    return true;
}

static bool read_line(json_t *item, struct proto_line_stats *ret)
{
    const struct {
        const char *name;
        uint64_t max;
        uint64_t *at;
    } numbers[] = {{"fps", 1000, &ret->fps},
                   {"width", UINT16_MAX, &ret->width},
                   {"height", UINT16_MAX, &ret->height},
                   {"freezes", UINT32_MAX, &ret->freezes},
                   {"frozen_ms", UINT32_MAX, &ret->frozen_ms},
                   {"concealed_permille", 1000, &ret->concealed_permille}};
    if (!json_is_object(item))
        return false;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        const json_t *value = json_object_get(item, numbers[i].name);
        if (value && !json_is_null(value) && !read_count(value, numbers[i].max, numbers[i].at))
            return false;
    }
    return true;
}

static bool read_lines(json_t *value, struct proto_lines *ret)
{
    if (!json_is_object(value) || json_object_size(value) > PROTO_LINES_MAX)
        return false;
    const char *mid;
    json_t *item;
    json_object_foreach(value, mid, item)
    {
        struct proto_line_stats *line = &ret->items[ret->count++];
        if (strlen(mid) >= PROTO_MID_BYTES || !read_line(item, line))
            return false;
        line->mid = mid;
    }
    return true;
}

static bool read_member(json_t *value, const struct member *m, struct proto_message *ret)
{
    void *at = (char *)ret + m->at;
    if (m->has_at)
        *(bool *)(void *)((char *)ret + m->has_at) = true;
    switch (m->kind) {
    case KIND_TEXT:
    case KIND_RAW:
        return read_text(value, m, at);
    case KIND_FLAG:
        *(bool *)at = json_is_true(value);
        return json_is_boolean(value);
    case KIND_COUNT:
        return read_count(value, m->max, at);
    case KIND_SHARE:
        return read_share(value, at);
    case KIND_ID:
        return json_is_string(value) && id_parse(json_string_value(value), at) == 0;
    case KIND_FACING:
        return read_choice(value, facings, COUNT_OF(facings), at);
    case KIND_QUALITY:
        return read_choice(value, qualities, COUNT_OF(qualities), at);
    case KIND_TROUBLE:
        return read_choice(value, troubles, COUNT_OF(troubles), at);
    case KIND_LAYER:
        return read_layer(value, m->max, at);
    case KIND_LIST:
        return read_list(value, at);
    case KIND_WANTS:
        return read_wants(value, at);
    case KIND_LINES:
        return read_lines(value, at);
    case KIND_OBJECT:
        *(const json_t **)at = value;
        return json_is_object(value);
    }
    return false;
}

static int refuse(enum proto_error error, const char *why, enum proto_error *ret_error,
                  const char **ret_why)
{
    *ret_error = error;
    *ret_why = why;
    return -1;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; name && i < PROTO_TYPES; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

int proto_parse(const char *text, size_t len, struct proto_message *ret,
                enum proto_error *ret_error, const char **ret_why)
{
    memset(ret, 0, sizeof *ret);
    ret->type = PROTO_TYPES;
    const char *why = "not JSON";
    int er = json_parse(text, len, &ret->json, &why);
    if (er < 0)
        return refuse(er == ER_NOMEM ? PROTO_INTERNAL : PROTO_MALFORMED, why, ret_error, ret_why);
    const json_t *id = json_object_get(ret->json, "id");
    if (id) {
        const char *id_text = json_text(ret->json, "id", PROTO_ID_BYTES - 1);
        if (!id_text || !id_text[0])
            return refuse(PROTO_INVALID, "id: a text of up to 64 bytes", ret_error, ret_why);
        (void)str_copy(ret->id, sizeof ret->id, id_text);
    }
    const json_t *type = json_object_get(ret->json, "type");
    if (!json_is_string(type))
        return refuse(PROTO_INVALID, "type: a text is needed", ret_error, ret_why);
    const struct verb *verb = find_verb(json_string_value(type));
    if (!verb)
        return refuse(PROTO_UNKNOWN_TYPE, "no such type", ret_error, ret_why);
    ret->type = (enum proto_type)(verb - verbs);
    for (size_t i = 0; i < verb->count; i++) {
        const struct member *m = &verb->members[i];
        json_t *value = json_object_get(ret->json, m->name);
        bool absent = !value || json_is_null(value);
        if (absent ? m->required : !read_member(value, m, ret))
            return refuse(PROTO_INVALID, m->why, ret_error, ret_why);
    }
    if (ret->type == PROTO_JOIN && id_is_set(&ret->join.room) == id_is_set(&ret->join.case_id))
        return refuse(PROTO_INVALID, "either room or case is needed", ret_error, ret_why);
    return 0;
}

void proto_clear(struct proto_message *m)
{
    json_decref(m->json);
    m->json = NULL;
}

json_t *proto_new(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

json_t *proto_new_error(enum proto_error code, const char *message, const char *re)
{
    json_t *error = proto_new("error");
    if (re && re[0])
        json_object_set_new(error, "re", json_string(re));
    json_object_set_new(error, "code", json_string(proto_error_name(code)));
    json_object_set_new(error, "message", json_string(message ? message : ""));
    return error;
}
