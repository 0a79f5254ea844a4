/* Reads the configuration file through the disk. */
#include "server/conf_file.h"

#include "base/mem.h"
#include "conf/conf.h"
#include "io/disk.h"
#include "io/real.h"

int conf_file_read(struct disk *d, const char *path, struct conf_file *out, struct err_note *note)
{
    struct disk_file *f = NULL;
    uint8_t *data = NULL;
    char *real = NULL;
    size_t size = 0;
    int rv = real_path(path, &real);

    if (rv == 0)
        rv = disk_open(d, real, DISK_READ, &f);
    if (rv == 0) {
        data = mem_alloc(CONF_SIZE_MAX + 1);
        rv = disk_read(f, data, CONF_SIZE_MAX + 1, 0, &size);
    }
    disk_close(f);
    mem_free(real);
    if (rv != 0) {
        mem_free(data);
        return err_note(note, rv, "cannot read the configuration '%s': %s", path,
                        rv == ERR_INVALID ? "it is not a plain file" : err_text(rv));
    }
    *out = (struct conf_file){.data = data, .size = size};
    return 0;
}

void conf_file_release(struct conf_file *f)
{
    mem_free(f->data);
    *f = (struct conf_file){0};
}
