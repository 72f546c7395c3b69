// SPDX-License-Identifier: Apache-2.0
/* The report's words: English, and Chinese. */
#include "server/export_words.h"

#include <string.h>

static const char *const english[WORDS] = {
    [WORD_REPORT] = "Report of the case",
    [WORD_CASE] = "The case",
    [WORD_CLIPS] = "Clips",
    [WORD_STILLS] = "Stills",
    [WORD_CHAT] = "Chat",
    [WORD_TIMELINE] = "Timeline",
    [WORD_VERIFY] = "How to verify",
    [WORD_HOW] = "With loupe-verify and the server's public keys (/.well-known/loupe-keys.json of "
                 "its address) anybody can check, offline, that nothing in this archive was "
                 "changed: loupe-verify CASE.zip --keys KEYS.json. What is in keys.json here are "
                 "the same keys, as long as this archive is what it says.",
    [WORD_LABEL] = "Label",
    [WORD_PUBLISHER] = "Camera of",
    [WORD_BEGAN] = "Began",
    [WORD_SECONDS] = "Seconds",
    [WORD_GAPS] = "Gaps",
    [WORD_TIME] = "Time (UTC)",
    [WORD_WHO] = "Who",
    [WORD_WHAT] = "What",
    [WORD_DETAILS] = "Details",
    [WORD_NONE] = "None.",
    [WORD_EXPORTED] = "Exported",
    [WORD_SAW] = "What they saw",
    [WORD_CLIP] = "Clip",
    [WORD_VIEWER] = "Viewer",
    [WORD_PICTURE] = "Picture",
    [WORD_ARRIVED] = "Pictures arrived, a second",
    [WORD_FROZEN] = "Frozen, s",
    [WORD_LOST] = "Packets lost",
    [WORD_DELETED] = "Deleted",
    [WORD_MISSING] = "Missing",
    [WORD_NOT_READ] = "These files belong to the case, but could not be read when it was exported. "
                      "They are not in this archive, and nothing can be told of them by it:",
    [WORD_FILE] = "File",
    [WORD_FILES] = "Files that were put to the case",
    [WORD_WHY] = "Why",
    [WORD_WHY_NOT_FOUND] = "it is not there",
    [WORD_WHY_UNREADABLE] = "it cannot be read",
    [WORD_WHY_CHANGED] = "it is not as it was written",
    [WORD_TAKE] = "Unbroken takes",
    [WORD_TAKE_UNBROKEN] = "Unbroken take",
    [WORD_TAKE_CHECKED] =
        "One camera, never off nor covered, and no gap of more than half a second.",
    [WORD_TAKE_UNCHECKED] = "One camera, never off, and no gap of more than half a second. Whether "
                            "its lens was covered could not be looked at all over.",
    [WORD_TAKE_BROKEN] = "Not one take; breaks:",
    [WORD_TAKE_UNKNOWN] =
        "Not known whether the take is unbroken: the recorder's log of it is not whole.",
    [WORD_BREAK_GAP] = "Picture missing",
    [WORD_BREAK_MUTED] = "Camera off",
    [WORD_BREAK_CAMERA] = "Another camera",
    [WORD_BREAK_COVERED] = "Lens covered",
    [WORD_BREAK_TRACK_CHANGED] = "Picture from another source",
    [WORD_BREAK_TRACK_ENDED] = "No picture",
    [WORD_BREAK_OVERRUN] = "Recorder too slow",
    [WORD_BREAK_OTHER] = "Another break",
};
static const char *const chinese[WORDS] = {
    [WORD_REPORT] = "案件报告",
    [WORD_CASE] = "案件",
    [WORD_CLIPS] = "视频片段",
    [WORD_STILLS] = "照片",
    [WORD_CHAT] = "聊天记录",
    [WORD_TIMELINE] = "时间线",
    [WORD_VERIFY] = "如何验证",
    [WORD_HOW] =
        "任何人都可以用 loupe-verify 和服务器的公钥（其网址下的 "
        "/.well-known/loupe-keys.json）离线检查本压缩包中的内容是否被改动：loupe-verify CASE.zip "
        "--keys KEYS.json。只要本压缩包未被改动，其中的 keys.json 就是同样的公钥。",
    [WORD_LABEL] = "标签",
    [WORD_PUBLISHER] = "拍摄者",
    [WORD_BEGAN] = "开始",
    [WORD_SECONDS] = "秒数",
    [WORD_GAPS] = "缺失",
    [WORD_TIME] = "时间（UTC）",
    [WORD_WHO] = "人员",
    [WORD_WHAT] = "事项",
    [WORD_DETAILS] = "详情",
    [WORD_NONE] = "无。",
    [WORD_EXPORTED] = "导出",
    [WORD_SAW] = "各方所见画面",
    [WORD_CLIP] = "视频片段",
    [WORD_VIEWER] = "观看者",
    [WORD_PICTURE] = "画面",
    [WORD_ARRIVED] = "每秒到达画面数",
    [WORD_FROZEN] = "卡顿（秒）",
    [WORD_LOST] = "丢失数据包",
    [WORD_DELETED] = "已删除",
    [WORD_MISSING] = "缺失",
    [WORD_NOT_READ] =
        "以下文件属于本案件，但导出时无法读取。它们不在本压缩包中，无法据此判断其内容：",
    [WORD_FILE] = "文件",
    [WORD_FILES] = "案件附件",
    [WORD_WHY] = "原因",
    [WORD_WHY_NOT_FOUND] = "文件不存在",
    [WORD_WHY_UNREADABLE] = "文件无法读取",
    [WORD_WHY_CHANGED] = "文件与写入时不一致",
    [WORD_TAKE] = "拍摄是否连续",
    [WORD_TAKE_UNBROKEN] = "连续拍摄，未中断",
    [WORD_TAKE_CHECKED] = "同一摄像头，从未关闭或遮挡，且没有超过半秒的缺口。",
    [WORD_TAKE_UNCHECKED] =
        "同一摄像头，从未关闭，且没有超过半秒的缺口。镜头是否曾被遮挡，未能全程检查。",
    [WORD_TAKE_BROKEN] = "并非连续拍摄，中断次数：",
    [WORD_TAKE_UNKNOWN] = "无法判断拍摄是否连续：清单中没有录制器的完整记录。",
    [WORD_BREAK_GAP] = "画面缺失",
    [WORD_BREAK_MUTED] = "摄像头关闭",
    [WORD_BREAK_CAMERA] = "更换摄像头",
    [WORD_BREAK_COVERED] = "镜头被遮挡",
    [WORD_BREAK_TRACK_CHANGED] = "画面来源改变",
    [WORD_BREAK_TRACK_ENDED] = "没有画面",
    [WORD_BREAK_OVERRUN] = "录制器来不及写入",
    [WORD_BREAK_OTHER] = "其他中断",
};

const char *const *export_words(bool is_chinese)
{
    return is_chinese ? chinese : english;
}

enum word export_break_word(const char *kind)
{
    static const char *const kinds[] = {"gap",           "muted",       "camera", "covered",
                                        "track_changed", "track_ended", "overrun"};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i], kind) == 0)
            return (enum word)(WORD_BREAKS + i);
    }
    return WORD_BREAK_OTHER;
}
