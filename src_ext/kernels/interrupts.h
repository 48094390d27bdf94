/* How a kernel looks for Ctrl-C: after a fixed amount of work, however that is spread over rows, outputs or columns. */

#pragma once

#include "kernels.h"

#define WORK_BETWEEN_INTERRUPTS 4194304  /* multiplications: a few milliseconds */
#define NEW_MEMORY_WORK 8  /* the first write of a number in new memory takes as long as this many multiplications */

/* One kernel's run. */
typedef struct {
    Interrupted interrupted;
    const volatile uint8_t *stop;  /* another thread sets it to have this run stop; NULL if none does */
    int64_t work;                  /* since it was looked at last */
    int status;                    /* 0, or what the kernel is to return */
} Watch;

/* Add the work done; return the status, which stays once it is not 0. The caller then returns, whatever it leaves undone. */
static inline int is_interrupted(Watch *watch, int64_t work)
{
    watch->work += work;
    if (watch->work >= WORK_BETWEEN_INTERRUPTS && !watch->status) {
        watch->work = 0;
        watch->status = watch->stop && *watch->stop ? STOPPED : watch->interrupted() ? INTERRUPTED : 0;
    }
    return watch->status;
}
