// SPDX-License-Identifier: Apache-2.0
/* Offers as real clients shape them, shortened to what matters; for the tests of this folder. */
#ifndef LOUPE_TESTS_UNIT_PEER_OFFERS_H
#define LOUPE_TESTS_UNIT_PEER_OFFERS_H

#define FINGERPRINT                                                                                \
    "AB:CD:EF:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:"   \
    "1C:1D"

#define TRANSPORT(setup)                                                                           \
    "a=ice-ufrag:Rem1\r\na=ice-pwd:remotepasswordofmore22\r\na=ice-options:trickle\r\n"            \
    "a=fingerprint:sha-256 " FINGERPRINT "\r\na=setup:" setup "\r\n"

#define SESSION(more) "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" more

#define CHROME_AUDIO(mid, direction)                                                               \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\n"                  \
    "a=rtcp:9 IN IP4 0.0.0.0\r\n" TRANSPORT(                                                       \
        "actpass") "a=mid:" mid "\r\n"                                                             \
                   "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"                    \
                   "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"     \
                   "a=extmap:3 http://www.ietf.org/id/"                                            \
                   "draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"                        \
                   "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"                            \
                   "a=" direction                                                                  \
                   "\r\na=msid:stream-1 track-audio\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"             \
                   "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"                   \
                   "a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 "                         \
                   "red/48000/2\r\na=fmtp:63 111/111\r\n"                                          \
                   "a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"      \
                   "a=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\n"                 \
                   "a=rtpmap:126 telephone-event/8000\r\na=ssrc:1001 cname:abc\r\n"

#define CHROME_VIDEO(mid, direction)                                                               \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 98 99\r\nc=IN IP4 0.0.0.0\r\n"                      \
    "a=rtcp:9 IN IP4 0.0.0.0\r\n" TRANSPORT(                                                       \
        "actpass") "a=mid:" mid "\r\n"                                                             \
                   "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset\r\n"                            \
                   "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"     \
                   "a=extmap:13 urn:3gpp:video-orientation\r\n"                                    \
                   "a=extmap:3 http://www.ietf.org/id/"                                            \
                   "draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"                        \
                   "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"                            \
                   "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"                 \
                   "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"        \
                   "a=" direction                                                                  \
                   "\r\na=msid:stream-1 track-video\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"             \
                   "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 "              \
                   "transport-cc\r\n"                                                              \
                   "a=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"        \
                   "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"                                 \
                   "a=rtpmap:103 H264/90000\r\na=rtcp-fb:103 nack\r\n"                             \
                   "a=fmtp:103 "                                                                   \
                   "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n"    \
                   "a=rtpmap:104 rtx/90000\r\na=fmtp:104 apt=103\r\n"                              \
                   "a=rtpmap:98 VP9/90000\r\na=rtcp-fb:98 nack\r\na=rtpmap:99 "                    \
                   "rtx/90000\r\na=fmtp:99 apt=98\r\n"                                             \
                   "a=ssrc-group:FID 2001 2002\r\na=ssrc:2001 cname:abc\r\na=ssrc:2002 "           \
                   "cname:abc\r\n"

#define DATA_CHANNEL(mid)                                                                          \
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n" TRANSPORT(          \
        "actpass") "a=mid:" mid "\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"

#define CHROME_SESSION(mids)                                                                       \
    SESSION("a=group:BUNDLE " mids "\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS "             \
            "stream-1\r\n")

#define CHROME_OFFER                                                                               \
    CHROME_SESSION("0 1") CHROME_AUDIO("0", "sendrecv") CHROME_VIDEO("1", "sendrecv")

/* Transport at session level, payload types and extension ids of its own. */
#define FIREFOX_OFFER                                                                              \
    "v=0\r\no=mozilla...THIS_IS_SDPARTA-99.0 5150 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"            \
    "a=fingerprint:sha-256 " FINGERPRINT "\r\na=group:BUNDLE 0 1\r\na=ice-options:trickle\r\n"     \
    "a=msid-semantic:WMS *\r\n"                                                                    \
    "m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\nc=IN IP4 0.0.0.0\r\na=sendonly\r\n"              \
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"                                   \
    "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n"                          \
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"                                           \
    "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\na=fmtp:101 0-15\r\n"              \
    "a=ice-pwd:firefoxpasswordof32charactersxxx\r\na=ice-ufrag:f1ref0x1\r\na=mid:0\r\n"            \
    "a=msid:{s} {audio}\r\na=rtcp-mux\r\na=rtpmap:109 opus/48000/2\r\na=rtpmap:9 G722/8000/1\r\n"  \
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000/1\r\n"      \
    "a=setup:actpass\r\na=ssrc:3001 cname:{c}\r\n"                                                 \
    "m=video 9 UDP/TLS/RTP/SAVPF 120 124 121 125\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\n"            \
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"                                           \
    "a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"                    \
    "a=extmap:5 urn:ietf:params:rtp-hdrext:toffset\r\n"                                            \
    "a=extmap:7 http://www.ietf.org/id/"                                                           \
    "draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"                                       \
    "a=fmtp:120 max-fs=12288;max-fr=60\r\na=fmtp:124 apt=120\r\na=fmtp:125 apt=121\r\n"            \
    "a=ice-pwd:firefoxpasswordof32charactersxxx\r\na=ice-ufrag:f1ref0x1\r\na=mid:1\r\n"            \
    "a=rtcp-fb:120 nack\r\na=rtcp-fb:120 nack pli\r\na=rtcp-fb:120 ccm fir\r\n"                    \
    "a=rtcp-fb:120 goog-remb\r\na=rtcp-fb:120 transport-cc\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"      \
    "a=rtpmap:120 VP8/90000\r\na=rtpmap:124 rtx/90000\r\na=rtpmap:121 VP9/90000\r\n"               \
    "a=rtpmap:125 rtx/90000\r\na=setup:actpass\r\na=ssrc:4001 cname:{c}\r\n"

/* max-bundle: everything but the first line has port 0 and is bundle-only. */
#define GSTREAMER_OFFER                                                                            \
    SESSION("a=ice-options:trickle\r\na=group:BUNDLE video0 audio1 video2\r\n")                    \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=setup:actpass\r\n"                 \
    "a=ice-ufrag:GstU\r\na=ice-pwd:gstreamerpasswordof32characters0\r\na=bundle-only\r\n"          \
    "a=rtcp-mux\r\na=rtcp-rsize\r\na=sendrecv\r\na=rtpmap:96 VP8/90000\r\n"                        \
    "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 transport-cc\r\n"                  \
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=ssrc-group:FID 5001 5002\r\n"                  \
    "a=ssrc:5001 cname:gst\r\na=ssrc:5002 cname:gst\r\na=mid:video0\r\n"                           \
    "a=fingerprint:sha-256 " FINGERPRINT "\r\n"                                                    \
    "m=audio 0 UDP/TLS/RTP/SAVPF 98\r\nc=IN IP4 0.0.0.0\r\na=setup:actpass\r\n"                    \
    "a=ice-ufrag:GstU\r\na=ice-pwd:gstreamerpasswordof32characters0\r\na=bundle-only\r\n"          \
    "a=rtcp-mux\r\na=sendonly\r\na=rtpmap:98 OPUS/48000/2\r\na=mid:audio1\r\n"                     \
    "a=fingerprint:sha-256 " FINGERPRINT "\r\n"                                                    \
    "m=video 0 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=setup:actpass\r\n"                   \
    "a=ice-ufrag:GstU\r\na=ice-pwd:gstreamerpasswordof32characters0\r\na=bundle-only\r\n"          \
    "a=rtcp-mux\r\na=sendonly\r\na=rtpmap:102 H265/90000\r\na=mid:video2\r\n"                      \
    "a=fingerprint:sha-256 " FINGERPRINT "\r\n"

/* Neither mid nor BUNDLE. */
#define PLAIN_OFFER                                                                                \
    SESSION("")                                                                                    \
    "m=video 5004 UDP/TLS/RTP/SAVPF 100\r\nc=IN IP4 192.0.2.7\r\n" TRANSPORT(                      \
        "active") "a=rtcp-mux\r\na=sendonly\r\na=rtpmap:100 VP8/90000\r\n"

#endif
