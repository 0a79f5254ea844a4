/* Reads certificates and keys. */
#include "server/certificates.h"

#include "base/diag.h"
#include "base/mem.h"
#include "base/units.h"
#include "io/disk.h"
#include "io/real.h"

enum {
    PEM_SIZE_MAX = MIB,
    LISTS_SIZE_MAX = 8 * MIB, /* of certificates that were taken back: there may be many */
};

/* Reads a whole file; none when the path is empty. */
static int read_pem(struct disk *d, const char *path, size_t max, struct bytes *out,
                    struct err_note *note)
{
    struct disk_file *f = NULL;
    uint8_t *data = NULL;
    char *real = NULL;
    size_t size = 0;
    int rv = 0;

    if (path[0] == '\0')
        return 0;
    rv = real_path(path, &real);
    if (rv == 0)
        rv = disk_open(d, real, DISK_READ, &f);
    if (rv == 0) {
        data = mem_alloc(max + 1);
        rv = disk_read(f, data, max + 1, 0, &size);
    }
    disk_close(f);
    mem_free(real);
    if (rv == 0 && size <= max) {
        *out = bytes_of(data, size);
        return 0;
    }
    mem_free(data);
    if (rv == 0)
        return err_note(note, ERR_INVALID, "cannot use '%s': it is larger than %zu MiB", path,
                        max / MIB);
    return err_note(note, rv, "cannot read '%s': %s", path,
                    rv == ERR_INVALID ? "it is not a plain file" : err_text(rv));
}

/* Nothing of a key stays behind in memory. */
static void forget(struct bytes pem)
{
    volatile uint8_t *data = (volatile uint8_t *)(uintptr_t)pem.data;

    for (size_t i = 0; i < pem.size; i++)
        data[i] = 0;
    mem_free((void *)(uintptr_t)pem.data);
}

static int load(const struct certificates *c, struct disk *d, struct tls_terms **out,
                struct err_note *note)
{
    const struct tls_options *o = c->options;
    struct tls_files files = {.certificate = {.size = 0}};
    int rv = read_pem(d, o->certfile, PEM_SIZE_MAX, &files.certificate, note);

    if (rv == 0)
        rv = read_pem(d, o->keyfile, PEM_SIZE_MAX, &files.key, note);
    if (rv == 0)
        rv = read_pem(d, o->cacertfile, PEM_SIZE_MAX, &files.authorities, note);
    if (rv == 0 && o->crl_check != TLS_CRL_NONE)
        rv = read_pem(d, o->crlfile, LISTS_SIZE_MAX, &files.lists, note);
    if (rv == 0)
        rv = tls_terms_new(o, c->where, &files, out, note);
    forget(files.certificate);
    forget(files.key);
    forget(files.authorities);
    forget(files.lists);
    return rv;
}

void certificates_init(struct certificates *c, const struct tls_options *options, const char *where)
{
    *c = (struct certificates){.options = options, .where = where};
}

int certificates_open(struct certificates *c, struct io *io, struct err_note *note)
{
    struct tls_terms *terms = NULL;
    int rv = load(c, real_disk(), &terms, note);

    if (rv != 0)
        return rv;
    c->tls = tls_new(io, terms);
    return 0;
}

void certificates_close(struct certificates *c)
{
    ASSERT(c->terms == NULL);
    tls_free(c->tls);
    c->tls = NULL;
}

void certificates_read(struct certificates *c, struct disk *d)
{
    ASSERT(c->terms == NULL);
    if (c->tls != NULL)
        c->result = load(c, d, &c->terms, &c->note);
}

void certificates_renew(struct certificates *c)
{
    if (c->tls == NULL)
        return;
    if (c->result != 0) {
        diag(DIAG_ERROR, "server", "%s; the old certificates stay", c->note.text);
        return;
    }
    tls_renew(c->tls, c->terms);
    c->terms = NULL;
    diag(DIAG_INFO, "server", "read the certificates again file=%s", c->options->certfile);
}

void certificates_forget(struct certificates *c)
{
    tls_terms_free(c->terms);
    c->terms = NULL;
}

int certificates_check(const struct certificates *c, struct err_note *note)
{
    struct tls_terms *terms = NULL;
    int rv = load(c, real_disk(), &terms, note);

    if (rv == 0)
        tls_terms_free(terms);
    return rv;
}
