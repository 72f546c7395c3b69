// SPDX-License-Identifier: Apache-2.0
/* Photographs with all that phones put into them: what is no picture goes, what is torn or no JPEG is
 * refused, and nothing that is kept differs from what was sent. */
#include "media/record/photo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <openssl/evp.h>

#include "base/er.h"
#include "media/record/jpeg.h"
#include "tests/unit/support/scratch.h"

enum { W = 96, H = 64 };

struct bytes {
    uint8_t *data;
    size_t len;
};

/** A JPEG by libjpeg: left half dark, right half bright, in this subsampling. */
static struct bytes make(int components, int h, int v, bool progressive)
{
    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct c = {.err = jpeg_std_error(&errors)};
    unsigned char *out = NULL;
    unsigned long len = 0;
    uint8_t row[W * 3];
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, &len);
    c.image_width = W;
    c.image_height = H;
    c.input_components = components;
    c.in_color_space = components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&c);
    if (components == 3) {
        c.comp_info[0].h_samp_factor = h;
        c.comp_info[0].v_samp_factor = v;
    }
    if (progressive)
        jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    for (unsigned x = 0; x < W; x++)
        memset(row + x * components, x < W / 2 ? 40 : 220, (size_t)components);
    for (unsigned y = 0; y < H; y++) {
        JSAMPROW rows[1] = {row};
        jpeg_write_scanlines(&c, rows, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return (struct bytes){out, len};
}

/** A segment goes in behind the start of image. */
static struct bytes with(struct bytes jpeg, uint8_t marker, const char *data, size_t len)
{
    struct bytes b = {malloc(jpeg.len + len + 4), jpeg.len + len + 4};
    assert_non_null(b.data);
    memcpy(b.data, jpeg.data, 2);
    b.data[2] = 0xff;
    b.data[3] = marker;
    b.data[4] = (uint8_t)((len + 2) >> 8);
    b.data[5] = (uint8_t)(len + 2);
    memcpy(b.data + 6, data, len);
    memcpy(b.data + 6 + len, jpeg.data + 2, jpeg.len - 2);
    free(jpeg.data);
    return b;
}

#define GPS "Exif\0\0II*\0\10\0\0\0\2\0\x12\1\3\0\1\0\0\0\6\0\0\0%\x88\4\0\1\0\0\0SECRETPLACE"

static bool holds(const uint8_t *data, size_t len, const char *text)
{
    return memmem(data, len, text, strlen(text)) != NULL;
}

static void metadata_goes_and_the_picture_stays(void **state)
{
    (void)state;
    struct bytes plain = make(3, 2, 2, false);
    struct bytes copy = {malloc(plain.len), plain.len};
    memcpy(copy.data, plain.data, plain.len);
    copy = with(copy, 0xfe, "SECRETCOMMENT", 13);
    copy = with(copy, 0xed, "SECRETIPTC", 10);
    copy = with(copy, 0xe1, "http://ns.adobe.com/xap/1.0/\0SECRETXMP", 38);
    copy = with(copy, 0xe1, GPS, sizeof GPS - 1);
    copy.data = realloc(copy.data, copy.len + 20);
    memcpy(copy.data + copy.len, "SECRETTRAILER\xff\xd8\xff\xe1..", 18);
    struct photo photo;
    uint8_t *jpeg;
    size_t len;
    assert_int_equal(photo_strip(copy.data, copy.len + 18, &photo, &jpeg, &len), 0);
    assert_true(photo.width == W && photo.height == H);
    assert_int_equal(photo.orientation, 6);
    assert_false(holds(jpeg, len, "SECRET"));
    assert_true(holds(copy.data, copy.len, "SECRETPLACE"));
    assert_int_equal(len, plain.len + 36); /* the orientation */
    assert_memory_equal(jpeg + 38, plain.data + 2, plain.len - 2);
    uint8_t *again;
    size_t again_len;
    struct photo second;
    assert_int_equal(photo_strip(jpeg, len, &second, &again, &again_len), 0);
    assert_int_equal(second.orientation, 6); /* our own is read back */
    assert_int_equal(again_len, len);
    assert_memory_equal(again, jpeg, len);
    free(again);
    free(jpeg);
    free(copy.data);
    free(plain.data);
}

static void all_kinds_are_decoded(void **state)
{
    static const struct {
        int components, h, v;
        bool progressive;
    } kinds[] = {{3, 2, 2, false}, {3, 2, 1, false}, {3, 1, 1, false}, {3, 1, 2, false},
                 {1, 1, 1, false}, {3, 2, 2, true},  {3, 1, 1, true}};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct bytes b = make(kinds[i].components, kinds[i].h, kinds[i].v, kinds[i].progressive);
        struct photo photo;
        struct photo_picture *picture;
        struct still still;
        uint8_t *jpeg, *small;
        size_t len, small_len;
        assert_int_equal(photo_strip(b.data, b.len, &photo, &jpeg, &len), 0);
        assert_int_equal(photo.orientation, 1);
        assert_int_equal(photo_decode(&picture, &still, jpeg, len), 0);
        assert_true(still.width == W && still.height == H && still.full_range);
        assert_in_range(still.planes[0][H / 2 * still.stride[0] + 10], 36, 44);
        assert_in_range(still.planes[0][H / 2 * still.stride[0] + W - 10], 216, 224);
        for (int p = 1; p < 3; p++)
            assert_in_range(still.planes[p][(H / 2 - 1) * still.stride[p] + W / 2 - 1], 124, 132);
        assert_int_equal(jpeg_encode(&still, 0, 80, &small, &small_len), 0);
        free(small);
        photo_picture_free(picture);
        free(jpeg);
        free(b.data);
    }
    photo_picture_free(NULL);
}

static void whatever_is_torn_is_refused(void **state)
{
    (void)state;
    struct bytes b = with(make(3, 2, 2, true), 0xe1, GPS, sizeof GPS - 1);
    struct photo photo;
    uint8_t *jpeg;
    size_t len;
    for (size_t cut = 0; cut < b.len; cut++) {
        uint8_t *part = malloc(cut + 1); /* for valgrind and the like: no byte more */
        memcpy(part, b.data, cut);
        assert_true(photo_strip(part, cut, &photo, &jpeg, &len) < 0);
        free(part);
    }
    assert_int_equal(photo_strip((const uint8_t *)"\x89PNG\r\n\x1a\n....", 12, &photo, &jpeg, &len),
                     ER_UNSUPPORTED);
    uint8_t large[] = {0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0};
    assert_int_equal(photo_strip(large, sizeof large, &photo, &jpeg, &len), ER_UNSUPPORTED);
    uint8_t lossless[] = {0xff, 0xd8, 0xff, 0xc3, 0, 11, 8, 0, 9, 0, 9, 1, 1, 0x11, 0};
    assert_int_equal(photo_strip(lossless, sizeof lossless, &photo, &jpeg, &len), ER_UNSUPPORTED);
    free(b.data);
}

/** One file, then another: uploads of which nothing comes leave nothing but themselves. */
static void files(void **state)
{
    (void)state;
    struct scratch s;
    struct photo photo;
    uint8_t digest[32], kept[32];
    size_t len;
    scratch_make(&s);
    struct bytes b = with(make(3, 2, 2, false), 0xe1, GPS, sizeof GPS - 1);
    char path[sizeof s.path];
    (void)snprintf(path, sizeof path, "%s", scratch_path(&s, "a"));
    assert_int_equal(photo_take(path, digest, &photo), ER_NOT_FOUND);
    scratch_write(&s, "a.upload", b.data, b.len);
    memset(digest, 1, sizeof digest);
    assert_int_equal(photo_take(path, digest, &photo), ER_UNAUTHENTIC);
    assert_int_equal(scratch_count(&s), 1);
    assert_int_equal(EVP_Digest(b.data, b.len, digest, NULL, EVP_sha256(), NULL), 1);
    assert_int_equal(photo_take(path, digest, &photo), 0);
    assert_int_equal(scratch_count(&s), 2);
    uint8_t *file = scratch_read(&s, "a.jpg", &len);
    assert_int_equal(len, photo.bytes);
    assert_int_equal(EVP_Digest(file, len, kept, NULL, EVP_sha256(), NULL), 1);
    assert_memory_equal(kept, photo.sha256, 32);
    assert_true(photo.measures.luma > 120 && photo.measures.luma < 140);
    assert_false(holds(file, len, "SECRET"));
    free(file);
    uint8_t *small = scratch_read(&s, "a.small.jpg", &len);
    uint8_t *stripped;
    struct photo turned;
    size_t stripped_len;
    assert_int_equal(photo_strip(small, len, &turned, &stripped, &stripped_len), 0);
    assert_int_equal(turned.orientation, 6);
    free(stripped);
    free(small);

    b.data[b.len - 30] ^= 0xff; /* a picture that walks like one, but is broken inside, or not */
    scratch_write(&s, "b.upload", b.data, b.len);
    assert_int_equal(EVP_Digest(b.data, b.len, digest, NULL, EVP_sha256(), NULL), 1);
    (void)snprintf(path, sizeof path, "%s", scratch_path(&s, "b"));
    int er = photo_take(path, digest, &photo);
    assert_true(er == 0 || er == ER_MALFORMED);
    assert_int_equal(scratch_count(&s), er == 0 ? 4 : 3);
    free(b.data);
    scratch_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_goes_and_the_picture_stays),
        cmocka_unit_test(all_kinds_are_decoded),
        cmocka_unit_test(whatever_is_torn_is_refused),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
