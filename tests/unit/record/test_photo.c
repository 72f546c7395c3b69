// SPDX-License-Identifier: Apache-2.0
/* Uploads that become photographs, or are refused and leave nothing but themselves. */
#include "media/record/photo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/er.h"
#include "tests/unit/record/jpeg_make.h"
#include "tests/unit/support/scratch.h"

static bool holds(const uint8_t *data, size_t len, const char *text)
{
    return memmem(data, len, text, strlen(text)) != NULL;
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
    struct bytes b = jpeg_with(jpeg_make(3, 2, 2, false), 0xe1, JPEG_GPS, sizeof JPEG_GPS - 1);
    char path[sizeof s.path];
    (void)snprintf(path, sizeof path, "%s", scratch_path(&s, "a"));
    assert_int_equal(photo_take(NULL, path, digest, false, &photo), ER_NOT_FOUND);
    scratch_write(&s, "a.upload", b.data, b.len);
    memset(digest, 1, sizeof digest);
    assert_int_equal(photo_take(NULL, path, digest, false, &photo), ER_UNAUTHENTIC);
    assert_int_equal(scratch_count(&s), 1);
    assert_int_equal(EVP_Digest(b.data, b.len, digest, NULL, EVP_sha256(), NULL), 1);
    assert_int_equal(photo_take(NULL, path, digest, false, &photo), 0);
    assert_int_equal(scratch_count(&s), 3);
    assert_int_equal(photo_take(NULL, path, digest, false, &photo),
                     0); /* the process died, and all begins anew */
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
    assert_int_equal(photo_strip(small, len, false, &turned, &stripped, &stripped_len), 0);
    assert_int_equal(turned.orientation, 6);
    free(stripped);
    free(small);

    b.data[b.len - 30] ^= 0xff; /* a picture that walks like one, but is broken inside, or not */
    scratch_write(&s, "b.upload", b.data, b.len);
    assert_int_equal(EVP_Digest(b.data, b.len, digest, NULL, EVP_sha256(), NULL), 1);
    (void)snprintf(path, sizeof path, "%s", scratch_path(&s, "b"));
    int er = photo_take(NULL, path, digest, false, &photo);
    assert_true(er == 0 || er == ER_MALFORMED);
    assert_int_equal(scratch_count(&s), er == 0 ? 6 : 4);
    free(b.data);
    scratch_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
