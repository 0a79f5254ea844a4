/* A list of jobs, a lock, a condition, and the threads that wait for it. */
#include "io/real_workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/job_queue.h"

struct workers {
    workers_finish_fn *finish;
    pthread_mutex_t lock;   /* guards all below but the threads */
    pthread_cond_t is_work; /* a job came, or the end did */
    struct job_queue queue;
    int idle_count; /* threads that wait, also those just woken that do not know it yet */
    bool is_closing;
    int thread_count;
    pthread_t threads[];
};

/* Waits for a job and takes it; NULL when it is time to end. */
static struct io_job *take_job(struct workers *w)
{
    struct io_job *j = NULL;

    pthread_mutex_lock(&w->lock);
    while ((j = job_queue_take(&w->queue)) == NULL && !w->is_closing) {
        w->idle_count++;
        pthread_cond_wait(&w->is_work, &w->lock);
        w->idle_count--;
    }
    pthread_mutex_unlock(&w->lock);
    return j;
}

/* A job is over: the thread that did it takes the next one. */
static void end_job(struct workers *w, enum io_urgency urgency)
{
    if (urgency == IO_URGENT)
        return; /* nobody counts these */
    pthread_mutex_lock(&w->lock);
    job_queue_end(&w->queue, urgency);
    pthread_mutex_unlock(&w->lock);
}

static void *worker_main(void *arg)
{
    struct workers *w = arg;
    struct io_job *j = NULL;

    while ((j = take_job(w)) != NULL) {
        enum io_urgency urgency = j->urgency;

        do {
            j->work(j);
            j = w->finish(j); /* the job may be gone after this */
        } while (j != NULL);
        end_job(w, urgency);
    }
    return NULL;
}

/* A worker takes no signals: they belong to the loops. */
static int start_thread(struct workers *w, int number)
{
    char name[16];
    sigset_t all, old;
    int rv = 0;

    sigfillset(&all);
    rv = pthread_sigmask(SIG_SETMASK, &all, &old);
    ASSERT(rv == 0);
    rv = pthread_create(&w->threads[number], NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rv != 0)
        return rv;
    (void)snprintf(name, sizeof(name), "worker-%u", (unsigned)number % 1000); /* there is no room */
    pthread_setname_np(w->threads[number], name);
    return 0;
}

int workers_open(int count, workers_finish_fn *finish, struct workers **out, struct err_note *note)
{
    struct workers *w = mem_zero(1, sizeof(*w) + (size_t)count * sizeof(w->threads[0]));

    ASSERT(count > 0);
    w->finish = finish;
    job_queue_init(&w->queue, (uint32_t)count);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->is_work, NULL);
    for (; w->thread_count < count; w->thread_count++) {
        int number = start_thread(w, w->thread_count);
        if (number != 0) {
            workers_close(w);
            return err_note(note, ERR_NO_MEMORY, "cannot start worker thread %d: %s",
                            w->thread_count, strerror(number));
        }
    }
    *out = w;
    return 0;
}

void workers_close(struct workers *w)
{
    pthread_mutex_lock(&w->lock);
    ASSERT(job_queue_is_empty(&w->queue));
    w->is_closing = true;
    pthread_cond_broadcast(&w->is_work);
    pthread_mutex_unlock(&w->lock);

    for (int i = 0; i < w->thread_count; i++)
        pthread_join(w->threads[i], NULL);
    pthread_cond_destroy(&w->is_work);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

void workers_submit(struct workers *w, struct io_job *j)
{
    bool is_anyone_idle = false;

    ASSERT(j->work != NULL && j->done != NULL);
    pthread_mutex_lock(&w->lock);
    ASSERT(!w->is_closing);
    job_queue_push(&w->queue, j);
    is_anyone_idle = w->idle_count > 0;
    pthread_mutex_unlock(&w->lock);

    /* Outside the lock, so that the thread woken does not wait for it at once. */
    if (is_anyone_idle)
        pthread_cond_signal(&w->is_work);
}
