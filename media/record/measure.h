// SPDX-License-Identifier: Apache-2.0
/* How good a picture is to judge something by: sharpness, brightness, and what is lost in the dark or
 * the glare. */
#ifndef LOUPE_MEDIA_RECORD_MEASURE_H
#define LOUPE_MEDIA_RECORD_MEASURE_H

#include "media/record/still.h"

/** All of luma at full range, 0..255, whatever range the picture has. */
struct measures {
    double sharpness; /* variance of the Laplacian (4 neighbours); 0 for pictures below 3 x 3 */
    double luma;      /* mean */
    double dark;      /* share of pixels at or next to black, 0..1 */
    double bright;    /* at or next to white */
};

struct measures measure_picture(const struct still *image);
/** The mean alone. */
double measure_luma(const struct still *image);

#endif
