/* What the parts of the workload share. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#define PATTERN "pydrgn lab pattern "

#define CHECK(expression)                                   \
	({                                                  \
		__typeof__(expression) _result = (expression); \
		if (_result == (__typeof__(expression))-1)   \
			fail(#expression);                  \
		_result;                                    \
	})

void fail(const char *what) __attribute__((noreturn));
/* One line of /facts/tasks/NAME. */
void fact(const char *key, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The task is about to block: the next one may start. */
void ready(void);
/* The kernel was built without what the task is about. */
void missing(const char *what) __attribute__((noreturn));
/* Start one task and wait until it says that it is about to block. */
pid_t start(const char *name, void (*body)(void));
void sleep_forever(void) __attribute__((noreturn));
void fill(char *memory, size_t size);
/* Entries of /proc/self/pagemap. */
void tell_frames(const char *key, const char *memory, int pages);

/* sockets.c */
void sockets(void);
void tcp_states(void);

/* bpf.c */
void hold_bpf(void);

/* locks.c */
void start_lock_chains(void);
void futexes(void);

/* objects.c */
void ipc_objects(void);
void contained(void);
void user_namespace(void);
void many_areas(void);
void many_threads(void);
void many_users(void);
void pending_signals(void);
void timers(void);
void swapped(void);
void latency(void);
void many_files(void);

/* iocost.c */
void read_heavy(void);
void read_light(void);

/* devices.c: made once, by "workload devices" */
void make_devices(void);

#endif
