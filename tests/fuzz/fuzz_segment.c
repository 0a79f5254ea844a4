/* Fuzz target: a log whose segments were changed, with right checksums or without. It opens or says
 * why not; every lane can be read to its end; what was opened can go on and be opened again. */
#include <stddef.h>
#include <stdint.h>

#include "tests/fuzz/log_life.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sim_disk *d = log_life_changed(bytes_of(data, size), LOG_LIFE_SEGMENTS);

    log_life_go_on(d);
    sim_disk_free(d);
    return 0;
}
