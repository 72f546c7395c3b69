// SPDX-License-Identifier: Apache-2.0
/* The report's words: English, and Chinese. */
#include "server/export_words.h"

#include <string.h>

static const char *const english[WORDS] = {
    "Report of the case",
    "The case",
    "Clips",
    "Stills",
    "Chat",
    "Timeline",
    "How to verify",
    "With loupe-verify and the server's public keys (/.well-known/loupe-keys.json of its address) "
    "anybody "
    "can check, offline, that nothing in this archive was changed: loupe-verify CASE.zip --keys "
    "KEYS.json. "
    "What is in keys.json here are the same keys, as long as this archive is what it says.",
    "Label",
    "Camera of",
    "Began",
    "Seconds",
    "Gaps",
    "Time (UTC)",
    "Who",
    "What",
    "Details",
    "None.",
    "Exported",
    "What they saw",
    "Clip",
    "Viewer",
    "Picture",
    "Pictures arrived, a second",
    "Frozen, s",
    "Packets lost",
    "Deleted",
    "Missing",
    "These files belong to the case, but could not be read when it was exported. They are not in "
    "this "
    "archive, and nothing can be told of them by it:",
    "File",
    "Why",
    "it is not there",
    "it cannot be read",
    "it is not as it was written",
    "Unbroken takes",
    "Unbroken take",
    "One camera, never off nor covered, and no gap of more than half a second.",
    "One camera, never off, and no gap of more than half a second. Whether its lens was covered "
    "could "
    "not be looked at all over.",
    "Not one take; breaks:",
    "Not known whether the take is unbroken: the recorder's log of it is not whole.",
    "Picture missing",
    "Camera off",
    "Another camera",
    "Lens covered",
    "Picture from another source",
    "No picture",
    "Recorder too slow",
    "Another break",
};
static const char *const chinese[WORDS] = {
    "案件报告",
    "案件",
    "视频片段",
    "照片",
    "聊天记录",
    "时间线",
    "如何验证",
    "任何人都可以用 loupe-verify 和服务器的公钥（其网址下的 /.well-known/loupe-keys.json）离线检查"
    "本压缩包中的内容是否被改动：loupe-verify CASE.zip --keys KEYS.json。"
    "只要本压缩包未被改动，其中的 keys.json 就是同样的公钥。",
    "标签",
    "拍摄者",
    "开始",
    "秒数",
    "缺失",
    "时间（UTC）",
    "人员",
    "事项",
    "详情",
    "无。",
    "导出",
    "各方所见画面",
    "视频片段",
    "观看者",
    "画面",
    "每秒到达画面数",
    "卡顿（秒）",
    "丢失数据包",
    "已删除",
    "缺失",
    "以下文件属于本案件，但导出时无法读取。它们不在本压缩包中，无法据此判断其内容：",
    "文件",
    "原因",
    "文件不存在",
    "文件无法读取",
    "文件与写入时不一致",
    "拍摄是否连续",
    "连续拍摄，未中断",
    "同一摄像头，从未关闭或遮挡，且没有超过半秒的缺口。",
    "同一摄像头，从未关闭，且没有超过半秒的缺口。镜头是否曾被遮挡，未能全程检查。",
    "并非连续拍摄，中断次数：",
    "无法判断拍摄是否连续：清单中没有录制器的完整记录。",
    "画面缺失",
    "摄像头关闭",
    "更换摄像头",
    "镜头被遮挡",
    "画面来源改变",
    "没有画面",
    "录制器来不及写入",
    "其他中断",
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
