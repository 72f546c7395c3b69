// SPDX-License-Identifier: Apache-2.0
/* Sums over the luma plane. */
#include "media/record/measure.h"

enum { NEAR_BLACK = 2, NEAR_WHITE = 253, LEVELS = 256 };

static double full_range(const struct still *image, double level)
{
    if (image->full_range)
        return level;
    double v = (level - 16) * 255 / 219;
    return v < 0 ? 0 : v > 255 ? 255 : v;
}

/** Variance of centre * 4 - up - down - left - right. */
static double laplacian_variance(const struct still *image)
{
    const uint8_t *plane = image->planes[0];
    int64_t sum = 0, squares = 0;
    if (image->width < 3 || image->height < 3)
        return 0;
    for (unsigned y = 1; y + 1 < image->height; y++) {
        const uint8_t *row = plane + (size_t)y * (size_t)image->stride[0];
        const uint8_t *up = row - image->stride[0], *down = row + image->stride[0];
        int64_t row_sum = 0, row_squares = 0;
        for (unsigned x = 1; x + 1 < image->width; x++) {
            int v = 4 * row[x] - up[x] - down[x] - row[x - 1] - row[x + 1];
            row_sum += v;
            row_squares += v * v;
        }
        sum += row_sum;
        squares += row_squares;
    }
    double count = (double)(image->width - 2) * (image->height - 2);
    double mean = (double)sum / count;
    double scale = image->full_range ? 1 : 255.0 / 219;
    return ((double)squares / count - mean * mean) * scale * scale;
}

static void count_levels(const struct still *image, uint64_t ret[LEVELS])
{
    for (unsigned y = 0; y < image->height; y++) {
        const uint8_t *row = image->planes[0] + (size_t)y * (size_t)image->stride[0];
        for (unsigned x = 0; x < image->width; x++)
            ret[row[x]]++;
    }
}

struct measures measure_picture(const struct still *image)
{
    uint64_t levels[LEVELS] = {0};
    struct measures m = {.sharpness = laplacian_variance(image)};
    double count = (double)image->width * image->height;
    count_levels(image, levels);
    for (int v = 0; v < LEVELS; v++) {
        double level = full_range(image, v), share = (double)levels[v] / count;
        m.luma += level * share;
        m.dark += level <= NEAR_BLACK ? share : 0;
        m.bright += level >= NEAR_WHITE ? share : 0;
    }
    return m;
}

double measure_luma(const struct still *image)
{
    uint64_t sum = 0;
    for (unsigned y = 0; y < image->height; y++) {
        const uint8_t *row = image->planes[0] + (size_t)y * (size_t)image->stride[0];
        for (unsigned x = 0; x < image->width; x++)
            sum += row[x];
    }
    return full_range(image, (double)sum / ((double)image->width * image->height));
}
