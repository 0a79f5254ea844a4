/* A number and a unit; see age.h. */
#include "queue/age.h"

#define S_PER_DAY UINT64_C(86400)
#define AGE_MAX_S (UINT64_C(100) * 365 * S_PER_DAY)

static uint64_t unit_s(uint8_t unit)
{
    switch (unit) {
    case 'Y':
        return 365 * S_PER_DAY;
    case 'M':
        return 30 * S_PER_DAY;
    case 'D':
        return S_PER_DAY;
    case 'h':
        return UINT64_C(3600);
    case 'm':
        return 60;
    case 's':
        return 1;
    default:
        return 0;
    }
}

bool age_parse(struct bytes text, uint32_t *out_s)
{
    uint64_t number = 0, unit;

    if (text.size < 2)
        return false;
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || number > AGE_MAX_S)
            return false;
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    unit = unit_s(text.data[text.size - 1]);
    if (unit == 0 || number > AGE_MAX_S / unit)
        return false;
    *out_s = (uint32_t)(number * unit);
    return true;
}
