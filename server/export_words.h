// SPDX-License-Identifier: Apache-2.0
/* What the report of an exported case says, in the languages it is written in. */
#ifndef LOUPE_SERVER_EXPORT_WORDS_H
#define LOUPE_SERVER_EXPORT_WORDS_H

#include <stdbool.h>

enum word {
    WORD_REPORT,
    WORD_CASE,
    WORD_CLIPS,
    WORD_STILLS,
    WORD_CHAT,
    WORD_TIMELINE,
    WORD_VERIFY,
    WORD_HOW,
    WORD_LABEL,
    WORD_PUBLISHER,
    WORD_BEGAN,
    WORD_SECONDS,
    WORD_GAPS,
    WORD_TIME,
    WORD_WHO,
    WORD_WHAT,
    WORD_DETAILS,
    WORD_NONE,
    WORD_EXPORTED,
    WORD_SAW,
    WORD_CLIP,
    WORD_VIEWER,
    WORD_PICTURE,
    WORD_ARRIVED,
    WORD_FROZEN,
    WORD_LOST,
    WORD_DELETED,
    WORD_MISSING,
    WORD_NOT_READ,
    WORD_FILE,
    WORD_FILES,
    WORD_WHY,
    WORD_WHY_NOT_FOUND,
    WORD_WHY_UNREADABLE,
    WORD_WHY_CHANGED,
    WORD_TAKE,
    WORD_TAKE_UNBROKEN,
    WORD_TAKE_CHECKED,
    WORD_TAKE_UNCHECKED,
    WORD_TAKE_BROKEN,
    WORD_TAKE_UNKNOWN,
    WORD_BREAKS, /* kinds of them, to WORD_BREAK_OTHER; see export_break_word */
    WORD_BREAK_GAP = WORD_BREAKS,
    WORD_BREAK_MUTED,
    WORD_BREAK_CAMERA,
    WORD_BREAK_COVERED,
    WORD_BREAK_TRACK_CHANGED,
    WORD_BREAK_TRACK_ENDED,
    WORD_BREAK_OVERRUN,
    WORD_BREAK_OTHER,
    WORDS
};

/** WORDS texts. */
const char *const *export_words(bool chinese);
/** For a break's kind as the manifest has it. */
enum word export_break_word(const char *kind);

#endif
